"""Copies of the software to the regions, on moto's DataSync; botocore checks the requests."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from gotocloud.aws.replication import SoftwareCopy, start_copies, wait_for
from gotocloud.errors import GoToCloudError

REGIONS = ("us-east-1", "ap-northeast-1")


@pytest.fixture
def tasks(aws: None) -> dict[str, str]:
    """A task for the share of each region, and one of another product; ARNs by region."""
    made = {}
    for region in REGIONS:
        datasync = boto3.client("datasync", region_name=region)
        ends = [
            datasync.create_location_smb(
                ServerHostname=f"host{number}",
                Subdirectory="/x",
                User="u",
                Password="p",
                AgentArns=["arn:aws:datasync:us-east-1:123456789012:agent/agent-0123456789abcdef0"],
            )["LocationArn"]
            for number in range(2)
        ]
        for name in ("backup-of-the-lab", "gotocloud-share-0"):
            made[region] = datasync.create_task(
                SourceLocationArn=ends[0], DestinationLocationArn=ends[1], Name=name
            )["TaskArn"]
    return made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every StartTaskExecution with its parameters."""
    calls: list[dict[str, Any]] = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "StartTaskExecution":
            calls.append(parameters)
        return original(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return calls


def test_every_share_gets_a_copy_and_no_task_of_another_product_runs(
    tasks: dict[str, str], sent: list[dict[str, Any]]
) -> None:
    copies = start_copies(REGIONS)
    assert sent == [{"TaskArn": tasks[region]} for region in REGIONS]
    assert [(copy.region, copy.share) for copy in copies] == [
        (region, "gotocloud-share-0") for region in REGIONS
    ]


def test_a_copy_of_one_folder_looks_at_nothing_else_and_deletes_nothing(
    tasks: dict[str, str], sent: list[dict[str, Any]]
) -> None:
    start_copies(REGIONS[:1], below=("/gotocloud/releases/1.0.0-abc",))
    assert sent == [
        {
            "TaskArn": tasks["us-east-1"],
            "Includes": [
                {"FilterType": "SIMPLE_PATTERN", "Value": "/gotocloud/releases/1.0.0-abc"}
            ],
            "OverrideOptions": {"PreserveDeletedFiles": "PRESERVE"},
        }
    ]


@pytest.mark.usefixtures("tasks")
def test_a_region_without_a_share_is_refused_before_any_copy_starts(
    sent: list[dict[str, Any]],
) -> None:
    with pytest.raises(
        GoToCloudError, match="software to eu-west-1; nothing was started"
    ) as caught:
        start_copies((*REGIONS, "eu-west-1"))
    assert sent == []
    assert caught.value.next_command == 'cdk deploy "RegionStack*"'


@pytest.mark.usefixtures("tasks")
def test_waiting_ends_with_the_last_copy() -> None:
    pauses: list[float] = []
    wait_for(start_copies(REGIONS), sleep=pauses.append)
    assert pauses


@pytest.mark.usefixtures("tasks")
def test_every_copy_that_fails_is_listed() -> None:
    copies = start_copies(REGIONS)
    for copy in copies:
        boto3.client("datasync", region_name=copy.region).cancel_task_execution(
            TaskExecutionArn=copy.arn
        )
    with pytest.raises(GoToCloudError, match="2 of 2 copies") as caught:
        wait_for(copies, sleep=lambda _: None)
    assert len(caught.value.problems) == 2
    assert "gotocloud-share-0 in us-east-1: ERROR" in str(caught.value)


@pytest.mark.usefixtures("tasks")
def test_a_copy_that_never_ends_is_given_up() -> None:
    copies = start_copies(REGIONS[:1])
    hours = iter(range(0, 100, 4))
    with pytest.raises(GoToCloudError, match="gotocloud-share-0 in us-east-1 has not ended"):
        wait_for(copies, sleep=lambda _: None, clock=lambda: next(hours) * 3600.0)


def test_a_copy_is_reported_with_its_place() -> None:
    copy = SoftwareCopy("us-east-1", "gotocloud-share-0", "arn")
    assert copy.as_dict() == {
        "region": "us-east-1",
        "share": "gotocloud-share-0",
        "execution": "arn",
    }
