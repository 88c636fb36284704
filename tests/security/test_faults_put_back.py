"""The two faults that would have stopped the first cluster are found by CloudFormation's calls.

The group's real policies are deployed on a local AWS with IAM; then each fault is put back.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gotocloud.contract.names import CLUSTER_SERVICE_ROLE, PROVIDER_ROLE
from local_aws.process import LocalAws
from local_aws.testing import Stacks
from tests.needs import need_iam_evaluator
from tests.security.checks.template import as_list
from tests.security.principals import principals
from tests.security.site import PLACE, Group

pytestmark = [pytest.mark.cdk, pytest.mark.rehearsal, pytest.mark.xdist_group("security")]

Statements = list[dict[str, Any]]
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
ALARM = {
    "Type": "AWS::CloudWatch::CompositeAlarm",
    "Properties": {"AlarmName": "apo-HeadNode", "AlarmRule": "ALARM(apo-disk)"},
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    need_iam_evaluator()
    started = LocalAws.start(tmp_path_factory.mktemp("faults"), iam=True)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def stacks(aws: LocalAws) -> Stacks:
    return Stacks(aws, PLACE.account, PLACE.region)


@pytest.fixture(scope="module")
def rule(stacks: Stacks) -> dict[str, Any]:
    """A rule of a security group that stands."""
    ec2 = stacks.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    made = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)
    rule = {"IpProtocol": "tcp", "FromPort": 988, "ToPort": 988, "CidrIp": "10.0.0.0/24"}
    return {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {"GroupId": made["GroupId"], **rule},
    }


def outcome(
    stacks: Stacks, name: str, statements: Statements, resource: dict[str, Any]
) -> tuple[str, str]:
    """Status and reasons of a stack that a role with these statements makes."""
    iam = stacks.client("iam")
    document = json.dumps(TRUST)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    made = stacks.create(name, {"It": resource}, RoleARN=role)
    return made["StackStatus"], stacks.reasons(name)


def of(group: Group, role: str) -> Statements:
    return [copy.deepcopy(dict(one)) for one in principals(group.template)[role].statements]


def changed(
    statements: Statements, action: str, change: Callable[[dict[str, Any]], None]
) -> Statements:
    """The statements with a change of each that names an action."""
    found = [one for one in statements if action in as_list(one.get("Action"))]
    assert found, f"no statement names {action}"
    for one in found:
        change(one)
    return statements


def test_an_alarm_of_alarms_is_made_with_the_providers_permissions(
    stacks: Stacks, group: Group
) -> None:
    status, reasons = outcome(stacks, "alarm", of(group, PROVIDER_ROLE), ALARM)
    assert status == "CREATE_COMPLETE", reasons


def test_a_narrowed_alarm_is_found(stacks: Stacks, group: Group) -> None:
    every_alarm = f"arn:aws:cloudwatch:*:{PLACE.account}:alarm:*"
    narrowed = changed(
        of(group, PROVIDER_ROLE),
        "cloudwatch:PutCompositeAlarm",
        lambda one: one.update(Resource=every_alarm),
    )
    status, reasons = outcome(stacks, "narrowed", narrowed, ALARM)
    assert status == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: cloudwatch:PutCompositeAlarm on resource: *" in reasons


def test_a_rule_is_made_with_the_service_roles_permissions(
    stacks: Stacks, group: Group, rule: dict[str, Any]
) -> None:
    status, reasons = outcome(stacks, "rule", of(group, CLUSTER_SERVICE_ROLE), rule)
    assert status == "CREATE_COMPLETE", reasons


def test_a_role_that_may_not_read_rules_is_found(
    stacks: Stacks, group: Group, rule: dict[str, Any]
) -> None:
    action = "ec2:DescribeSecurityGroupRules"
    lacking = changed(
        of(group, CLUSTER_SERVICE_ROLE),
        action,
        lambda one: one.update(Action=[it for it in as_list(one["Action"]) if it != action]),
    )
    other = {**rule, "Properties": {**rule["Properties"], "FromPort": 989, "ToPort": 989}}
    status, reasons = outcome(stacks, "lacking", lacking, other)
    assert status.startswith("ROLLBACK")
    assert "not authorized to perform: ec2:DescribeSecurityGroupRules" in reasons
