"""A command that SSM sent: its request, where it runs, its outcome."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from local_aws.nodes import Finished, Node
from local_aws.services.data_repository_bucket import LinkedBucket, RepositoryError
from local_aws.services.faults import FAULTS

PLUGIN = "awsrunShellScript"
MOST_STDOUT, MOST_STDERR, MOST_OUTPUT = 24_000, 8_000, 2_500
"""Characters: GetCommandInvocation's two, and ListCommandInvocations' one for both."""
TRUNCATED = "--output truncated--"
EXECUTION_TIMEOUT_S = 3600
DELIVERY_TIMEOUT_S = 3600
LONGEST_S = 3600
"""No command runs longer here, whatever its timeout is."""
_WORDS = {
    "InProgress": "InProgress",
    "ExecutionTimedOut": "TimedOut",
    "DeliveryTimedOut": "TimedOut",
}


@dataclass
class Invocation:
    """A command on one node."""

    node: Node
    details: str = "Pending"
    finished: Finished | None = None
    began: datetime | None = None
    ended: datetime | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def status(self) -> str:
        """The short form of its details."""
        return _WORDS.get(self.details, self.details)

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.details not in ("Pending", "InProgress", "Cancelling")

    @property
    def code(self) -> int:
        """Its exit code; -1 while it has none."""
        return self.finished.code if self.finished else -1


@dataclass
class Command:
    """A command that was sent."""

    given: dict[str, Any]
    account: str
    region: str
    invocations: dict[str, Invocation]
    sent: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.id = str(uuid4())

    def start(self) -> None:
        """Run it on every node at once."""
        for invocation in self.invocations.values():
            work = threading.Thread(target=self._run, args=(invocation,), daemon=True)
            work.start()

    def _run(self, invocation: Invocation) -> None:
        instance = invocation.node.instance
        if FAULTS.take("command-undeliverable", instance=instance):
            invocation.details = "DeliveryTimedOut"
            return
        invocation.began = datetime.now(UTC)
        invocation.details = "InProgress"
        given = self.given.get("Parameters") or {}
        timeout = float((given.get("executionTimeout") or [EXECUTION_TIMEOUT_S])[0])
        finished = invocation.node.run(
            given["commands"],
            timeout_s=min(timeout, LONGEST_S),
            work=(given.get("workingDirectory") or [""])[0] or "/var/lib/amazon/ssm",
            environment={
                "AWS_SSM_INSTANCE_ID": instance,
                "AWS_SSM_REGION_NAME": invocation.node.region,
            },
            stop=invocation.stop,
        )
        self._deliver(instance, finished)
        invocation.finished, invocation.ended = finished, datetime.now(UTC)
        invocation.details = _details(finished, cancelled=invocation.stop.is_set())

    def _deliver(self, instance: str, finished: Finished) -> None:
        bucket = self.given.get("OutputS3BucketName")
        if not bucket:
            return
        for name, text in (("stdout", finished.stdout), ("stderr", finished.stderr)):
            if text:
                try:
                    self._place(bucket).write(self._key(instance, name), text.encode(), {})
                except RepositoryError:
                    # As on AWS: the command is done, only its output is nowhere.
                    return

    def _place(self, bucket: str) -> LinkedBucket:
        return LinkedBucket.at(
            self.account, f"{bucket}/{self.given.get('OutputS3KeyPrefix') or ''}"
        )

    def _key(self, instance: str, name: str) -> str:
        return f"{self.id}/{instance}/{PLUGIN}/0.{PLUGIN}/{name}"

    def url(self, instance: str, name: str) -> str:
        """Where its output lies in S3; empty if that was not requested."""
        bucket = self.given.get("OutputS3BucketName")
        if not bucket:
            return ""
        place = self._place(bucket)
        key = place.prefix + self._key(instance, name)
        return f"https://s3.{self.region}.amazonaws.com/{bucket}/{key}"

    def described(self) -> dict[str, Any]:
        """What ListCommands returns."""
        invocations = list(self.invocations.values())
        status = _together([invocation.status for invocation in invocations])
        return {
            "CommandId": self.id,
            "DocumentName": self.given["DocumentName"],
            "Comment": self.given.get("Comment", ""),
            "ExpiresAfter": self.sent
            + timedelta(seconds=self.given.get("TimeoutSeconds") or DELIVERY_TIMEOUT_S),
            "Parameters": self.given.get("Parameters") or {},
            "InstanceIds": list(self.invocations),
            "Targets": [],
            "RequestedDateTime": self.sent,
            "Status": status,
            "StatusDetails": status,
            "OutputS3BucketName": self.given.get("OutputS3BucketName", ""),
            "OutputS3KeyPrefix": self.given.get("OutputS3KeyPrefix", ""),
            "TargetCount": len(invocations),
            "CompletedCount": sum(invocation.over for invocation in invocations),
            "ErrorCount": sum(
                invocation.over and invocation.status != "Success" for invocation in invocations
            ),
            "TimeoutSeconds": self.given.get("TimeoutSeconds") or DELIVERY_TIMEOUT_S,
        }


def _details(finished: Finished, *, cancelled: bool) -> str:
    if cancelled:
        return "Cancelled"
    if finished.timed_out:
        return "ExecutionTimedOut"
    return "Success" if finished.code == 0 else "Failed"


def _together(states: list[str]) -> str:
    for status in ("InProgress", "Pending", "Cancelling", "Failed", "TimedOut", "Cancelled"):
        if status in states:
            return status
    return "Success"


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(TRUNCATED)] + TRUNCATED
