"""Copies of the software into the regions: starts DataSync's tasks, and waits for them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gotocloud.aws.session import client, explained
from gotocloud.contract.names import SHARE_NAME_PREFIX
from gotocloud.errors import GoToCloudError
from gotocloud.waiting import Clock, Sleep, looks

POLL_S = 10.0
TIMEOUT_S = 6 * 3600.0
"""A first copy of all builds takes hours; one of a release takes minutes."""

_DONE, _FAILED = "SUCCESS", ("ERROR", "CANCELLED")


@dataclass(frozen=True)
class SoftwareCopy:
    """One run of the task that copies the software to one share.

    Args:
        region: Region of the share.
        share: Name of the share.
        arn: ARN of the run.
    """

    region: str
    share: str
    arn: str

    def as_dict(self) -> dict[str, str]:
        """The run for a JSON report."""
        return {"region": self.region, "share": self.share, "execution": self.arn}


def start_copies(regions: Sequence[str], *, below: Sequence[str] = ()) -> tuple[SoftwareCopy, ...]:
    """Start a copy to every share of some regions.

    Args:
        below: Folders of the file system to copy, such as "/gotocloud"; nothing is deleted in
            the regions then. Default: everything, and what the master no longer has is deleted.

    Raises:
        GoToCloudError: if a region has no task, or AWS does not start one; the copies that were
            started go on.
    """
    tasks = [(region, _tasks(region)) for region in regions]
    if without := [region for region, found in tasks if not found]:
        raise GoToCloudError(
            f"No task copies the software to {', '.join(without)}; nothing was started.",
            next_command='cdk deploy "RegionStack*"',
        )
    return tuple(
        SoftwareCopy(region, share, _start(region, share, arn, below))
        for region, found in tasks
        for share, arn in found.items()
    )


def wait_for(
    copies: Sequence[SoftwareCopy],
    *,
    sleep: Sleep = time.sleep,
    clock: Clock = time.monotonic,
) -> None:
    """Return when every copy has ended well.

    Raises:
        GoToCloudError: with every copy that failed, or that has not ended in time.
    """
    open_, failed = list(copies), []
    for _ in looks(POLL_S, within_s=TIMEOUT_S, sleep=sleep, clock=clock):
        for copy in list(open_):
            status, why = _status(copy)
            if status == _DONE or status in _FAILED:
                open_.remove(copy)
            if status in _FAILED:
                failed.append(f"{copy.share} in {copy.region}: {status}. {why}".strip())
        if not open_:
            break
    failed += [f"{copy.share} in {copy.region} has not ended" for copy in open_]
    if failed:
        raise GoToCloudError(
            f"{len(failed)} of {len(copies)} copies of the software did not end well.",
            problems=failed,
            next_command="gotocloud software replicate",
        )


def _tasks(region: str) -> dict[str, str]:
    """Tasks of our shares by the share's name."""
    datasync = client("datasync", region)
    with explained(f"list the tasks of DataSync in {region}"):
        pages = datasync.get_paginator("list_tasks").paginate()
        tasks = [task for page in pages for task in page["Tasks"]]
    found = {task.get("Name", ""): task["TaskArn"] for task in tasks}
    return {name: found[name] for name in sorted(found) if name.startswith(SHARE_NAME_PREFIX)}


def _start(region: str, share: str, task_arn: str, below: Sequence[str]) -> str:
    request: dict[str, Any] = {"TaskArn": task_arn}
    if below:
        # A pattern takes the folder with all that is in it:
        # https://docs.aws.amazon.com/datasync/latest/userguide/filtering.html
        pattern = {"FilterType": "SIMPLE_PATTERN", "Value": "|".join(below)}
        request |= {
            "Includes": [pattern],
            "OverrideOptions": {"PreserveDeletedFiles": "PRESERVE"},
        }
    with explained(f"start the copy to {share} in {region}"):
        return str(client("datasync", region).start_task_execution(**request)["TaskExecutionArn"])


def _status(copy: SoftwareCopy) -> tuple[str, str]:
    with explained(f"look at the copy to {copy.share} in {copy.region}"):
        found = client("datasync", copy.region).describe_task_execution(TaskExecutionArn=copy.arn)
    return found["Status"], found.get("Result", {}).get("ErrorDetail", "")
