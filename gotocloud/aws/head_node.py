"""Runs commands on a cluster's head node through Systems Manager: no key, no open port."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import error_code, explained
from gotocloud.contract.names import COMMAND_DOCUMENT
from gotocloud.errors import GoToCloudError
from gotocloud.printed import lines_of
from gotocloud.waiting import Sleep, looks

POLL_S = 2.0
SHORT_S = 120
LONG_S = 24 * 3600
"""How long a command may run; listing millions of files takes a while."""

DELIVERY_S = 120

_RUNNING = {"Pending", "InProgress", "Delayed", "Cancelling"}
_ATTEMPTS = 5


class NodeError(GoToCloudError):
    """A command failed on the head node.

    Args:
        code: Its exit code; -1 when it never ran or never ended.
        output: What it printed on stdout.
    """

    def __init__(self, message: str, code: int, output: str, *, problems: tuple[str, ...]) -> None:
        super().__init__(message, problems=problems, next_command="gotocloud doctor")
        self.code = code
        self.output = output


def _pause_s(waited_s: float) -> float:
    return POLL_S if waited_s > 10 * POLL_S else POLL_S / 4


@dataclass(frozen=True)
class HeadNode:
    """The head node of a cluster.

    Args:
        cloud: Makes clients.
        instance: Its EC2 instance id.
        sleep: Waits; seconds.
        waiting: Called now and then with the seconds that a command has been running.
    """

    cloud: Cloud
    instance: str
    sleep: Sleep = time.sleep
    waiting: Callable[[float], None] = lambda _: None

    def run(
        self, script: str, doing: str, *, timeout_s: int = SHORT_S, within_s: float | None = None
    ) -> str:
        """Run a shell script as root and return what it printed.

        Args:
            doing: What it does, as in "Cannot …".
            timeout_s: How long the script may run.
            within_s: How long an answer is waited for. Default: until the script's time is up.

        Raises:
            NodeError: if it fails, or the head node does not answer.
        """
        ssm = self.cloud.client("ssm")
        command = self._send(ssm, script, doing, timeout_s)
        longest_s = timeout_s + DELIVERY_S if within_s is None else within_s
        unknown = 0
        for waited_s in looks(_pause_s, within_s=longest_s, sleep=self.sleep):
            if waited_s:
                self.waiting(waited_s)
            answer = self._answer(ssm, command, doing)
            status = answer.get("Status", "")
            unknown = 0 if answer else unknown + 1
            if status == "Success":
                return str(answer.get("StandardOutputContent", ""))
            if answer and status not in _RUNNING:
                raise self._failed(doing, answer)
            if unknown > _ATTEMPTS * 10:
                break
        raise self._failed(doing, {"StatusDetails": "no answer in time"})

    def _send(self, ssm: Any, script: str, doing: str, timeout_s: int) -> str:
        with explained(doing):
            try:
                sent = ssm.send_command(
                    InstanceIds=[self.instance],
                    DocumentName=COMMAND_DOCUMENT,
                    Comment=f"gotocloud: {doing}"[:100],
                    TimeoutSeconds=DELIVERY_S,
                    Parameters={"commands": [script], "executionTimeout": [str(timeout_s)]},
                )
            except ssm.exceptions.ClientError as error:
                if error_code(error) != "InvalidInstanceId":
                    raise
                raise NodeError(
                    f"Cannot {doing}: the head node {self.instance} does not answer through "
                    "Systems Manager. Is it still starting, stopped or out of memory?",
                    -1,
                    "",
                    problems=(),
                ) from error
        return str(sent["Command"]["CommandId"])

    def _answer(self, ssm: Any, command: str, doing: str) -> dict[str, Any]:
        with explained(doing):
            try:
                found: dict[str, Any] = ssm.get_command_invocation(
                    CommandId=command, InstanceId=self.instance
                )
            except ssm.exceptions.ClientError as error:
                # It takes a moment until a command that was sent can be read back.
                if error_code(error) != "InvocationDoesNotExist":
                    raise
                return {}
        return found

    def _failed(self, doing: str, answer: dict[str, Any]) -> NodeError:
        code = int(answer.get("ResponseCode", -1))
        stated = lines_of(str(answer.get("StandardErrorContent", "")).strip())[-5:]
        state = answer.get("StatusDetails") or answer.get("Status") or "unknown"
        return NodeError(
            f"Cannot {doing}: the command on the head node {self.instance} ended with "
            f"{state} (exit code {code}).",
            code,
            str(answer.get("StandardOutputContent", "")),
            problems=tuple(stated),
        )
