from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from gotocloud.aws.stacks import StackEvent, describe, new_events, outputs

pytestmark = pytest.mark.usefixtures("aws")

REGION = "us-east-1"
TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}},
    "Outputs": {"Name": {"Value": "protein"}},
}


def test_a_stack_that_is_not_there_has_no_outputs() -> None:
    assert outputs("gotocloud-management", REGION) is None
    assert not describe("gotocloud-management", REGION).exists


def test_outputs_come_by_their_keys() -> None:
    boto3.client("cloudformation", REGION).create_stack(
        StackName="project", TemplateBody=json.dumps(TEMPLATE)
    )
    assert outputs("project", REGION) == {"Name": "protein"}


class Pages:
    """Events as CloudFormation lists them, the newest first, in pages."""

    def __init__(self, *pages: list[int]) -> None:
        self.pages = pages
        self.read = 0

    def get_paginator(self, _: str) -> Pages:
        return self

    def paginate(self, **_: str) -> Any:
        for page in self.pages:
            self.read += 1
            yield {"StackEvents": [{"EventId": str(number)} for number in page]}


def test_new_events_are_reported_once_the_oldest_first() -> None:
    seen: dict[str, StackEvent] = {}
    first = new_events("s", REGION, Pages([3, 2], [1]), seen)
    assert [event.event_id for event in first] == ["1", "2", "3"]
    again = new_events("s", REGION, Pages([5, 4], [3, 2], [1]), seen)
    assert [event.event_id for event in again] == ["4", "5"]


def test_pages_behind_something_known_are_not_read() -> None:
    seen: dict[str, StackEvent] = {}
    new_events("s", REGION, Pages([2, 1]), seen)
    pages = Pages([3, 2], [1])
    new_events("s", REGION, pages, seen)
    assert pages.read == 1
