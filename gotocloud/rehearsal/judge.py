"""Runs ParallelCluster's own validators on configurations, against a local AWS."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gotocloud.errors import GoToCloudError
from gotocloud.printed import lines_of

PYTHON_VARIABLE = "GOTOCLOUD_PCLUSTER_PYTHON"
"""Environment variable that names another Python with ParallelCluster."""

_REPOSITORY = Path(__file__).parent.parent.parent
_SCRIPT = Path(__file__).with_name("pcluster_judge.py")


@dataclass(frozen=True)
class Message:
    """What one validator reported.

    Args:
        level: "ERROR", "WARNING" or "INFO".
        validator: Class name of the validator, for example "DcvValidator".
        text: Its message.
    """

    level: str
    validator: str
    text: str


@dataclass(frozen=True)
class Request:
    """One configuration to judge.

    Args:
        name: Cluster name.
        region: AWS region.
        configuration: Rendered ParallelCluster configuration.
    """

    name: str
    region: str
    configuration: Mapping[str, Any]


def pcluster_python(version: str) -> Path:
    """The Python of the virtual environment that has one version of ParallelCluster.

    `PYTHON_VARIABLE` names it; else it is that of `.venv-pcluster-VERSION`, else that of
    `.venv-pcluster`. The judge refuses to work with another version.

    Raises:
        GoToCloudError: if there is none.
    """
    folders = (_REPOSITORY / f".venv-pcluster-{version}", _REPOSITORY / ".venv-pcluster")
    given = os.environ.get(PYTHON_VARIABLE)
    pythons = [Path(given)] if given else [folder / "bin" / "python" for folder in folders]
    if found := next((python for python in pythons if python.exists()), None):
        return found
    raise GoToCloudError(
        f"ParallelCluster's validators are not set up: {pythons[-1]} does not exist "
        f"({PYTHON_VARIABLE} can name another one).",
        next_command="make env",
    )


def judge(
    configuration: Mapping[str, Any],
    *,
    version: str,
    name: str,
    region: str,
    endpoint_url: str,
    environment: Mapping[str, str],
) -> list[Message]:
    """Judge one configuration; see `judge_many`.

    Args:
        configuration: Rendered ParallelCluster configuration.
        version: ParallelCluster's version.
        name: Cluster name.
        region: AWS region.
        endpoint_url: The local AWS, "http://localhost:…".
        environment: Environment with the credentials of the cluster's account.
    """
    request = Request(name=name, region=region, configuration=configuration)
    return next(
        judge_many([request], version=version, endpoint_url=endpoint_url, environment=environment)
    )


def judge_many(
    requests: Sequence[Request],
    *,
    version: str,
    endpoint_url: str,
    environment: Mapping[str, str],
    start: Callable[..., subprocess.Popen[str]] = subprocess.Popen,
) -> Iterator[list[Message]]:
    """Judge configurations in one process, as `pcluster create-cluster --dryrun true` does.

    Yields the messages of each request, in order and as soon as they are known.

    Raises:
        GoToCloudError: if that version of ParallelCluster is not set up or its process fails.
    """
    # Isolated: else this folder, with its platform.py, would hide modules of the library.
    command = [str(pcluster_python(version)), "-I", "-W", "ignore", str(_SCRIPT), version]
    process = start(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(environment, endpoint_url),
    )
    with process:
        yield from _answers(process, requests)


def _answers(
    process: subprocess.Popen[str], requests: Sequence[Request]
) -> Iterator[list[Message]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("the judge was started without pipes")
    try:
        process.stdin.write(
            json.dumps(
                [
                    {"name": one.name, "region": one.region, "configuration": one.configuration}
                    for one in requests
                ]
            )
        )
        process.stdin.close()
    except BrokenPipeError:
        # It has died before reading; what it printed follows below.
        process.stdin = None
    for request in requests:
        line = process.stdout.readline()
        if not line:
            stated = lines_of(process.stderr.read().strip())
            raise GoToCloudError(
                f"ParallelCluster's validators stopped at {request.name!r} in {request.region}.",
                problems=stated[-3:],
                next_command="make env",
            )
        yield [Message(**found) for found in json.loads(line)]


def _environment(given: Mapping[str, str], endpoint_url: str) -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return {
        **kept,
        **given,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        # No profile of this machine's user may decide where calls go.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
