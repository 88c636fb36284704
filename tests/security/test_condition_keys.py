"""Each condition key of our policies is one that AWS has, and that the local judge fills in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from moto.core.utils import get_service_model

from local_aws.iam.actions import PREFIX, action_of
from local_aws.iam.callers import Caller, Session
from local_aws.iam.evaluator import NamedPolicy
from local_aws.iam.facts import MotoFacts
from local_aws.iam.mapping import checks_for, global_context
from local_aws.iam.requirements import checks_of
from local_aws.iam.resources import Place
from local_aws.iam.wire import Call
from tests.security.assemblies import Assembly
from tests.security.checks.condition_keys import Use, is_listed, unlisted, uses
from tests.security.principals import resolved

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

NOT_IN_CALLS = {
    "elasticfilesystem:accessedviamounttarget": "an NFS client mounts; no API is called",
    "aws:sourceaccount": "a service assumes the role, which the local AWS does not judge",
    "aws:sourcearn": "CloudTrail writes records, which the local AWS does not do",
}
"""Condition key -> why no call that the local judge sees has it."""

BESIDE = {
    "cloudformation:TagResource": "cloudformation:createstack",
    "iam:PassRole": "cloudformation:createstack",
    "sts:TagSession": "sts:assumerole",
}
"""Action without an operation of its own -> the action of a call that needs it as well."""

ROLE = "arn:aws:iam::222222222222:role/r"
TAGS = {"gtc:any": "x"}
NOW = datetime.now(UTC)
SESSION = Session("222222222222", "hanako", False, "", NOW, NOW + timedelta(hours=1), mfa=NOW)
PERSON = Caller(
    *("222222222222", "arn:aws:iam::222222222222:user/hanako"),
    *("arn:aws:iam::222222222222:user/hanako", "User", "AIDA1", "hanako"),
    session=SESSION,
)
PARAMETERS: Mapping[str, Any] = {
    "AWSServiceName": "spot.amazonaws.com",
    "IfNoneMatch": "*",
    "PermissionsBoundary": "arn:aws:iam::222222222222:policy/b",
    "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "Prefix": "p/",
    "RoleARN": ROLE,
    "RoleArn": ROLE,
    "RoleName": "r",
    "RoleSessionName": "hanako",
    "Tags": [{"Key": "gtc:any", "Value": "x"}],
    "TemplateURL": "https://releases.s3.eu-west-1.amazonaws.com/1/project.template.json",
    "VpcPeeringConnectionId": "pcx-1",
}
"""Parameters and headers from which condition keys come; an operation gets those that it has."""


class Tagged(MotoFacts):
    """Resources that all have the tag of a condition, a boundary and a peering."""

    def __init__(self, key: str) -> None:
        self._tag = key.partition("/")[2]

    def tags(self, _arn: str) -> Mapping[str, str]:
        return {self._tag: "x"}

    def role_boundary(self, _account: str, _name: str) -> str:
        return "arn:aws:iam::222222222222:policy/b"

    def peered_vpcs(self, *_: str) -> tuple[str, ...]:
        return ("arn:aws:ec2:eu-west-1:222222222222:vpc/vpc-1",) * 2

    def resource_policy(self, _arn: str) -> NamedPolicy | None:
        return None


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Every statement of every policy in a template."""
    if isinstance(value, dict) and value.get("Effect") in ("Allow", "Deny"):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from statements(item)


@pytest.fixture(scope="module")
def ours(synthesised: list[Assembly]) -> list[dict[str, Any]]:
    found = [
        statement
        for assembly in synthesised
        for template in assembly.templates.values()
        for statement in statements(resolved(template))
    ]
    return list({repr(statement): statement for statement in found}.values())


@cache
def operations() -> dict[str, tuple[str, str]]:
    """Action -> service and operation that needs it, by the judge's own mapping."""
    found = {}
    for service, prefix in PREFIX.items():
        for name in get_service_model(service).operation_names:
            for given in ({"VersionId": "1"}, {}):
                action = action_of(Call(service, name, given))
                if action == name or f"{prefix}:{action}".lower() not in found:
                    found[f"{prefix}:{action}".lower()] = (service, name)
    return found


def filled_in(use: Use) -> set[str] | None:
    """Condition keys that the judge fills in for an action; None where it knows no such call."""
    beside = BESIDE.get(use.action.name)
    named = beside or use.action.name.lower()
    if named not in operations():
        return None
    service, operation = operations()[named]
    shape = get_service_model(service).operation_model(operation).input_shape
    members = shape.members if shape else {}
    given = {name: value for name, value in PARAMETERS.items() if name in members}
    headers = {"if-none-match": "*"} if "IfNoneMatch" in members else {}
    call = Call(service, operation, given, region="eu-west-1", headers=headers)
    facts = Tagged(use.key)
    arns = [kind.filled("eu-west-1", "222222222222", x="x") for kind in use.types] or ["*"]
    place = Place(call, PERSON, facts)
    made = checks_of(call, PERSON, facts) if beside else checks_for(use.action.name, place, arns)
    keys = {key for check in made if check.action == use.action.name for key in check.context}
    tags = "aws:PrincipalTag/*"
    return {key.lower() for key in {*keys, *global_context(call), *PERSON.context(), tags}}


def test_the_reference_lists_every_condition_key_of_every_action(
    ours: list[dict[str, Any]],
) -> None:
    assert sum(len(list(uses(statement))) for statement in ours) > 300
    assert sorted({finding for statement in ours for finding in unlisted(statement)}) == []


def test_the_judge_fills_in_every_condition_key_of_every_action(ours: list[dict[str, Any]]) -> None:
    needed = {
        (use.action.name, use.key, use.types): use
        for statement in ours
        for use in uses(statement)
        if use.key.lower() not in NOT_IN_CALLS and is_listed(use)
        if use.types or not use.action.types
    }
    assert unfilled(needed.values()) == []


def unfilled(needed: Iterable[Use]) -> list[str]:
    missing = []
    for use in needed:
        wanted = "aws:principaltag/*" if "PrincipalTag/" in use.key else use.key.lower()
        given = filled_in(use)
        if given is not None and wanted not in given:
            missing.append(f"{use.action.name}: {use.key}")
    return missing


def test_a_key_that_the_judge_does_not_fill_in_is_found() -> None:
    condition = {"StringEquals": {"ec2:AccepterVpc": "x", "ec2:Tenancy": "default"}}
    accept = {"Effect": "Allow", "Action": "ec2:AcceptVpcPeeringConnection", "Condition": condition}
    found = unfilled(uses({**accept, "Resource": "arn:aws:ec2:*:*:vpc/*"}))
    assert found == ["ec2:AcceptVpcPeeringConnection: ec2:Tenancy"]


WRONG: dict[str, dict[str, Any]] = {
    "a tag of the resource where AWS has none": (
        {"Action": "ec2:DescribeInstances", "Condition": {"StringEquals": {"aws:ResourceTag/a": 1}}}
    ),
    "a key of another service": (
        {"Action": "s3:GetObject", "Condition": {"StringEquals": {"ec2:Region": "eu-west-1"}}}
    ),
    "a misspelt key": (
        {"Action": "s3:GetObject", "Condition": {"StringEquals": {"aws:PrincipalAcount": "1"}}}
    ),
    "a key of another kind of resource": (
        {
            "Action": "ec2:RunInstances",
            "Resource": "arn:aws:ec2:*:1:key-pair/*",
            "Condition": {"StringEquals": {"ec2:Encrypted": "true"}},
        }
    ),
    "a key of one service for all actions": (
        {"NotAction": "iam:*", "Condition": {"Null": {"s3:prefix": "true"}}}
    ),
    "a variable that is filled in nowhere": (
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${sts:RoleSessionName}/*"}
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_condition_key_is_found(what: str) -> None:
    statement = {"Effect": "Allow", "Resource": "*", **WRONG[what]}
    assert len(unlisted(statement)) == 1
