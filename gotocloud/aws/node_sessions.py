"""Sessions with the head node: a shell, or a port of it on this machine.

AWS's session-manager-plugin speaks the protocol; it is called as the AWS CLI calls it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import error_code, explained
from gotocloud.contract.names import FORWARDING_DOCUMENT
from gotocloud.errors import GoToCloudError
from gotocloud.waiting import looks

PLUGIN = "session-manager-plugin"
ANSWER_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
"""Variable in which the plugin takes AWS's answer, with the session's token.

Every user of a machine can read the arguments of a process, but not its environment. Source:
aws-cli, awscli/customizations/sessionmanager.py.
"""

OLDEST_PLUGIN = (1, 2, 498)
"""Older ones take the token as an argument only. Source: as above."""

OPEN_TIMEOUT_S = 30.0
POLL_S = 0.2
_INSTALL = (
    "Install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html"
)


@dataclass(frozen=True)
class Tunnel:
    """A port of the head node on this machine."""

    port: int
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Wait until it ends."""
        self.process.wait()


def require_plugin() -> str:
    """Path of AWS's plugin for sessions.

    Raises:
        GoToCloudError: if it is not installed, does not run or is too old; with where to get it.
    """
    found = shutil.which(PLUGIN)
    if not found:
        raise GoToCloudError(
            f"A session needs AWS's {PLUGIN}, which is not on the PATH.",
            advice=_INSTALL,
            again=True,
        )
    try:
        done = subprocess.run(
            [found, "--version"],
            capture_output=True,
            text=True,
            timeout=OPEN_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GoToCloudError(
            f"{found} --version does not answer: {error}.", advice=_INSTALL, again=True
        ) from error
    version = tuple(int(part) for part in re.findall(r"\d{1,9}", done.stdout)[:3])
    if version < OLDEST_PLUGIN:
        raise GoToCloudError(
            f"{PLUGIN} {done.stdout.strip()[:40] or 'of an unknown version'} shows the session's "
            f"token to every user of this machine; {'.'.join(map(str, OLDEST_PLUGIN))} and later "
            "do not.",
            advice=_INSTALL,
            again=True,
        )
    return found


def shell(cloud: Cloud, instance: str) -> int:
    """A shell on an instance in this terminal; returns the plugin's exit code.

    Raises:
        GoToCloudError: if no session can be started.
    """
    plugin = require_plugin()
    given = {"Target": instance}
    session = _start(cloud, given)
    # Ctrl-C belongs to the shell on the other side.
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.call(_command(cloud, plugin, given), env=_environment(session))
    finally:
        signal.signal(signal.SIGINT, former)
        _end(cloud, session)


@contextmanager
def tunnel(cloud: Cloud, instance: str, port: int) -> Iterator[Tunnel]:
    """Carry a port of an instance to a free port of this machine.

    Raises:
        GoToCloudError: if it cannot be carried.
    """
    plugin = require_plugin()
    local = _free_port()
    given = {
        "Target": instance,
        "DocumentName": FORWARDING_DOCUMENT,
        "Parameters": {"portNumber": [str(port)], "localPortNumber": [str(local)]},
    }
    session = _start(cloud, given)
    process = subprocess.Popen(
        _command(cloud, plugin, given),
        env=_environment(session),
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        _wait_for(process, local)
        yield Tunnel(local, process)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        _end(cloud, session)


def _start(cloud: Cloud, given: Mapping[str, Any]) -> dict[str, Any]:
    ssm = cloud.client("ssm")
    with explained(f"start a session with {given['Target']}"):
        try:
            answer: dict[str, Any] = ssm.start_session(**given)
        except ssm.exceptions.ClientError as error:
            if error_code(error) != "TargetNotConnected":
                raise
            raise GoToCloudError(
                f"The head node {given['Target']} does not answer through Systems Manager.",
                next_command="gotocloud doctor",
            ) from error
    answer.pop("ResponseMetadata", None)
    return answer


def _end(cloud: Cloud, session: Mapping[str, Any]) -> None:
    # It ends by itself as well; nothing is billed for it.
    with suppress(GoToCloudError), explained("end the session"):
        cloud.client("ssm").terminate_session(SessionId=session["SessionId"])


def _command(cloud: Cloud, plugin: str, given: Mapping[str, Any]) -> list[str]:
    endpoint = str(cloud.client("ssm").meta.endpoint_url)
    requested = json.dumps(dict(given))
    return [plugin, ANSWER_VARIABLE, cloud.region, "StartSession", "", requested, endpoint]


def _environment(session: Mapping[str, Any]) -> dict[str, str]:
    return {**os.environ, ANSWER_VARIABLE: json.dumps(dict(session))}


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in looks(POLL_S, within_s=OPEN_TIMEOUT_S):
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            return
    raise GoToCloudError(
        f"The tunnel does not open: {PLUGIN} ended with code {process.poll()}.",
        advice="Without --tunnel the desktop is opened to your address.",
        next_command="gotocloud connect",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
