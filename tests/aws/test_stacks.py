from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from gotocloud.aws.stacks import StackEvent, create_stack, outputs, wait_for_stack
from gotocloud.errors import GoToCloudError

pytestmark = pytest.mark.usefixtures("aws")

REGION = "us-east-1"
URL = "https://releases.s3.us-east-1.amazonaws.com/releases/1/project.template.json"
TEMPLATE = {
    "Parameters": {"Name": {"Type": "String"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}},
    "Outputs": {"Name": {"Value": {"Ref": "Name"}}},
}


@pytest.fixture
def published(aws: None) -> None:
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(Bucket="releases")
    body = json.dumps(TEMPLATE)
    s3.put_object(Bucket="releases", Key="releases/1/project.template.json", Body=body)


def launch(events: list[StackEvent] | None = None) -> dict[str, str]:
    return create_stack(
        "project",
        REGION,
        template_url=URL,
        role_arn="arn:aws:iam::123456789012:role/service",
        parameters={"Name": "protein"},
        tags={"gtc:project": "protein"},
        on_event=(events if events is not None else []).append,
        sleep=lambda _: None,
    )


@pytest.mark.usefixtures("published")
def test_a_stack_is_launched_with_parameters_tags_and_role() -> None:
    events: list[StackEvent] = []
    assert launch(events) == {"Name": "protein"}
    stack = boto3.client("cloudformation", REGION).describe_stacks()["Stacks"][0]
    assert stack["RoleARN"] == "arn:aws:iam::123456789012:role/service"
    assert stack["Tags"] == [{"Key": "gtc:project", "Value": "protein"}]
    assert events[-1].status == "CREATE_COMPLETE"


@pytest.mark.usefixtures("published")
def test_launching_again_changes_nothing() -> None:
    launch()
    assert launch() == {"Name": "protein"}
    stacks = boto3.client("cloudformation", REGION).describe_stacks()["Stacks"]
    assert len(stacks) == 1


def test_a_stack_that_is_not_there_has_no_outputs() -> None:
    assert outputs("gotocloud-management", REGION) is None


class FakeCfn:
    """CloudFormation whose stack goes through the given states."""

    exceptions = boto3.client("cloudformation", REGION).exceptions

    def __init__(self, *states: str, events: list[dict[str, str]]) -> None:
        self.states = list(states)
        self.events = events

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"Stacks": [{"StackStatus": state}]}

    def get_paginator(self, _: str) -> FakeCfn:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"StackEvents": self.events}]


def event(number: int, resource: str, status: str, reason: str = "") -> dict[str, str]:
    return {
        "EventId": str(number),
        "LogicalResourceId": resource,
        "ResourceType": "AWS::FSx::FileSystem",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_a_failed_stack_tells_the_failed_resources_with_their_reasons() -> None:
    events = [
        event(2, "Node", "CREATE_FAILED", "Resource creation cancelled"),
        event(1, "Lustre", "CREATE_FAILED", "1000 GiB is not sold"),
        event(0, "Lustre", "CREATE_IN_PROGRESS"),
    ]
    seen: list[StackEvent] = []
    fake = FakeCfn("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", events=events)
    with pytest.raises(GoToCloudError, match="ROLLBACK_COMPLETE") as caught:
        wait_for_stack("c", REGION, cfn=fake, on_event=seen.append, sleep=lambda _: None)
    assert caught.value.problems == ("Lustre (AWS::FSx::FileSystem): 1000 GiB is not sold",)
    assert "delete-stack --region us-east-1 --stack-name c" in str(caught.value.next_command)
    assert [told.event_id for told in seen] == ["0", "1", "2"]


def test_waiting_ends_after_the_time_limit() -> None:
    slept: list[float] = []
    fake = FakeCfn("CREATE_IN_PROGRESS", events=[])
    with pytest.raises(GoToCloudError, match="still CREATE_IN_PROGRESS after 20 s"):
        wait_for_stack("c", REGION, cfn=fake, sleep=slept.append, timeout_s=20)
    assert sum(slept) == 20
