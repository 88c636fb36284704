"""What AWS serves on every resource only, no policy of ours narrows."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest

from tests.security.checks.narrowing import narrowed, on_everything
from tests.security.checks.template import Template, as_list, resources

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]


def test_no_policy_narrows_what_is_served_on_everything(example: Mapping[str, Template]) -> None:
    found = {name: findings for name in example if (findings := narrowed(example[name]))}
    assert found == {}


@pytest.mark.parametrize(
    "action", ["cloudwatch:PutCompositeAlarm", "ec2:DescribeSecurityGroupRules"]
)
def test_an_action_that_is_narrowed_is_found(example: Mapping[str, Template], action: str) -> None:
    assert on_everything(action)
    template = copy.deepcopy(example["UserStack"])
    for _, _, properties in resources(template, "AWS::IAM::ManagedPolicy"):
        for statement in as_list(properties["PolicyDocument"]["Statement"]):
            if action in as_list(statement.get("Action")):
                statement["Resource"] = "arn:aws:cloudwatch:*:222222222222:alarm:*"
    assert any(action in finding for finding in narrowed(template))


def test_what_can_be_narrowed_is_not_served_on_everything() -> None:
    assert not on_everything("s3:GetObject")
    assert not on_everything("cloudwatch:PutMetricAlarm")
