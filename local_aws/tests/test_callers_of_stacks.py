"""Stacks without a service role work with the permissions of the one who calls, as on AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.process import LocalAws
from local_aws.testing import IRELAND, MEMBER, Person, Stacks, template
from needs import need_evaluator

pytestmark = pytest.mark.rehearsal
GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/a"}}
MORE = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/b"}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    need_evaluator()
    started = LocalAws.start(tmp_path_factory.mktemp("callers"), iam=True)
    yield started
    started.stop()


@pytest.fixture
def stacks(aws: LocalAws) -> Stacks:
    return Stacks(aws, region=IRELAND)


def document(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def user(aws: LocalAws, name: str, *actions: str) -> Any:
    """CloudFormation as a user sees it."""
    iam = aws.client("iam", MEMBER, IRELAND)
    iam.create_user(UserName=name)
    iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=document("cloudformation:*", *actions)
    )
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    return Person(aws, keys).client("cloudformation")


def service_role(aws: LocalAws, name: str, trusted: str, *actions: str) -> str:
    iam = aws.client("iam", MEMBER, IRELAND)
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": f"{trusted}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
    )
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*actions))
    return str(made["Role"]["Arn"])


def test_a_user_creates_what_the_user_may_create(aws: LocalAws, stacks: Stacks) -> None:
    poor, rich = user(aws, "poor"), user(aws, "rich", "logs:*")
    body = template({"Group": GROUP})
    poor.create_stack(StackName="poor", TemplateBody=body)
    assert stacks.settled("poor")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "user/poor is not authorized to perform: logs:CreateLogGroup" in stacks.reasons("poor")
    rich.create_stack(StackName="rich", TemplateBody=body)
    assert stacks.settled("rich")["StackStatus"] == "CREATE_COMPLETE"
    # Another user changes it, with that user's permissions.
    poor.update_stack(StackName="rich", TemplateBody=template({"Group": GROUP, "More": MORE}))
    assert stacks.settled("rich")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    poor.delete_stack(StackName="rich")
    assert stacks.settled("rich")["StackStatus"] == "DELETE_FAILED"
    rich.delete_stack(StackName="rich")
    stacks.cfn.get_waiter("stack_delete_complete").wait(StackName="rich")


def test_the_limits_of_a_session_reach_its_stacks(aws: LocalAws, stacks: Stacks) -> None:
    iam = aws.client("iam", MEMBER, IRELAND)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"},
        "Action": "sts:AssumeRole",
    }
    arn = iam.create_role(
        RoleName="deployer",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
    )["Role"]["Arn"]
    iam.attach_role_policy(
        RoleName="deployer", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    keys = aws.client("sts", MEMBER, IRELAND).assume_role(
        RoleArn=arn, RoleSessionName="limited", Policy=document("cloudformation:*")
    )["Credentials"]
    limited = Person(aws, keys).client("cloudformation")
    limited.create_stack(StackName="limited", TemplateBody=template({"Group": GROUP}))
    assert stacks.settled("limited")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "no session policy allows the logs:CreateLogGroup" in stacks.reasons("limited")


def test_a_new_service_role_is_looked_at_and_used(aws: LocalAws, stacks: Stacks) -> None:
    person = user(aws, "pat", "iam:PassRole", "logs:*")
    weak = service_role(aws, "weak", "cloudformation", "logs:List*")
    strange = service_role(aws, "strange", "ec2", "logs:*")
    strong = service_role(aws, "strong", "cloudformation", "logs:*")
    person.create_stack(StackName="roles", TemplateBody=template({"Group": GROUP}))
    assert stacks.settled("roles")["StackStatus"] == "CREATE_COMPLETE"
    both = template({"Group": GROUP, "More": MORE})
    for operation in ("update_stack", "delete_stack"):
        given = {"TemplateBody": both} if operation == "update_stack" else {}
        with pytest.raises(ClientError, match="strange is invalid or cannot be assumed"):
            getattr(person, operation)(StackName="roles", RoleARN=strange, **given)
    person.update_stack(StackName="roles", TemplateBody=both, RoleARN=weak)
    assert stacks.settled("roles")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "assumed-role/weak/AWSCloudFormation" in stacks.reasons("roles")
    # The role stays with the stack, whatever the caller may do.
    person.delete_stack(StackName="roles")
    assert stacks.settled("roles")["StackStatus"] == "DELETE_FAILED"
    person.delete_stack(StackName="roles", RoleARN=strong)
    stacks.cfn.get_waiter("stack_delete_complete").wait(StackName="roles")
