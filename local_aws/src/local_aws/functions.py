"""Running the code of Lambda functions, with the permissions of their roles."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.engine.access import no_real_account
from local_aws.engine.site import Site, service_credentials
from local_aws.nodes import WITH_THIS_PROCESS

_RUNNER = Path(__file__).with_name("function_runner.py")


@dataclass(frozen=True)
class FunctionCode:
    """A function that can be run.

    Args:
        arn: Its ARN.
        handler: Module and function, "cleanup.handler".
        role_arn: The role with whose permissions it runs.
        bucket: Bucket of its code, a ZIP file.
        key: Object of its code.
        zipped: Its code, where it stands in the template. Default: it is in the bucket.
        timeout_s: Seconds after which it is ended.
        environment: Its environment variables.
    """

    arn: str
    handler: str
    role_arn: str
    bucket: str = ""
    key: str = ""
    zipped: bytes = b""
    timeout_s: int = 3
    environment: Mapping[str, str] = field(default_factory=dict)


class FunctionFailedError(Exception):
    """A function ended with an error; the text is its last line."""


INIT_S = 10
"""Lambda loads a function within 10 s, which its timeout does not count.
Source: Lambda developer guide, "Lambda execution environment lifecycle"."""

FUNCTIONS: dict[str, FunctionCode] = {}
"""ARN -> the function; filled as stacks create them."""


def run(site: Site, function: FunctionCode, event: Mapping[str, Any]) -> dict[str, Any]:
    """Run a function once.

    Returns:
        What it returned (`result`), and what it sent to the event's `ResponseURL` (`response`).

    Raises:
        FunctionFailedError: if it raised an error or ran out of time.
    """
    code = function.zipped or _stored(site, function)
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(code)).extractall(folder)
        order = {
            "arn": function.arn,
            "code": folder,
            "event": event,
            "handler": function.handler,
            "name": function.arn.rpartition(":")[2],
            "timeout_s": function.timeout_s,
        }
        try:
            done = subprocess.run(
                # Isolated: only the function's own code is found, and what is installed.
                [*WITH_THIS_PROCESS, sys.executable, "-I", "-W", "ignore", str(_RUNNER)],
                input=json.dumps(order),
                capture_output=True,
                text=True,
                env=_environment(site, function),
                timeout=function.timeout_s + INIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FunctionFailedError(f"Task timed out after {function.timeout_s} s") from error
    if done.returncode or not done.stdout:
        raise FunctionFailedError(f"Runtime exited: {done.stderr.strip()[-500:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    if answer["error"] and not answer["response"]:
        raise FunctionFailedError(answer["error"].strip().splitlines()[-1])
    return answer


def _stored(site: Site, function: FunctionCode) -> bytes:
    found = site.client("s3").get_object(Bucket=function.bucket, Key=function.key)
    content: bytes = found["Body"].read()
    return content


def _environment(site: Site, function: FunctionCode) -> dict[str, str]:
    return {
        **no_real_account(),
        **function.environment,
        **service_credentials(site, function.role_arn, "lambda.amazonaws.com"),
        "AWS_ENDPOINT_URL": site.endpoint.url,
        "AWS_DEFAULT_REGION": site.region,
        "AWS_REGION": site.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.arn.rpartition(":")[2],
        "PATH": os.environ["PATH"],
    }
