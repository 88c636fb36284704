"""No member of a group becomes an administrator of its account, in up to three hops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gotocloud.contract.names import (
    BOUNDARY,
    CLUSTER_SERVICE_ROLE,
    DEPLOYMENT_ROLE,
    PROVIDER_ROLE,
    SCIENTIST_ROLE,
)
from local_aws.iam.evaluator import Evaluator
from tests.security.attacks import HEAD_NODE, USERS, head_node
from tests.security.checks.template import as_list
from tests.security.escalation import Ask, Target, paths
from tests.security.principals import Principal, Request, allowed, principals
from tests.security.site import PLACE, Group

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

WHERE = f"{PLACE.region}:{PLACE.account}"
USER_STACK = PLACE.arn("cloudformation", "stack/gotocloud-user/1")
TOOLKIT = PLACE.arn("cloudformation", "stack/CDKToolkit/1")
ADMINISTRATORS = (
    Target(
        "the CDK's deploy role",
        PLACE.iam(f"role/cdk-hnb659fds-deploy-role-{WHERE.replace(':', '-')}"),
        trusts=("*",),
    ),
    Target(
        "the CDK's execution role",
        PLACE.iam(f"role/cdk-hnb659fds-cfn-exec-role-{WHERE.replace(':', '-')}"),
        runs_as=("cloudformation.amazonaws.com",),
        stacks=(USER_STACK, TOOLKIT),
    ),
    Target(
        "an administrator's role",
        PLACE.iam("role/admin"),
        trusts=("*",),
        runs_as=("ec2.amazonaws.com", "lambda.amazonaws.com"),
        functions=(PLACE.arn("lambda", "function:admin"),),
        instances=(PLACE.arn("ec2", "instance/i-admin"),),
        policies=("arn:aws:iam::222222222222:policy/admin",),
    ),
    Target("an administrator", PLACE.iam("user/admin")),
)
EXPECTED = {
    # With MFA, under the own name: what the group is for.
    USERS: {SCIENTIST_ROLE},
    # Whatever makes clusters makes the roles of their nodes, under the boundary.
    PROVIDER_ROLE: {HEAD_NODE},
}
"""Whom each principal of ours becomes, beside itself."""


def asker(judge: Evaluator, people: Mapping[str, Principal], limit: Mapping[str, Any]) -> Ask:
    answers: dict[tuple[str, ...], bool] = {}

    def ask(caller: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
        who = people.get(caller)
        if who is None:
            return False
        key = (caller, action, resource, *map(str, sorted(context.items())))
        if key not in answers:
            asked = Request(caller, action, resource, dict(context))
            answers[key] = allowed(judge, asked, who, limit, PLACE.account, PLACE.region)
        return answers[key]

    return ask


def target_of(who: Principal) -> Target:
    """A principal of ours as an attacker looks at it."""
    trust = who.trust or {"Statement": []}
    services: list[str] = []
    named: list[str] = []
    for statement in as_list(trust["Statement"]):
        for kind, value in statement["Principal"].items():
            (services if kind == "Service" else named).extend(as_list(value))
    kind = "user" if who.trust is None else "role"
    return Target(
        who.name,
        PLACE.iam(f"{kind}/{'hanako' if kind == 'user' else who.name}"),
        runs_as=tuple(services),
        trusts=("*",) if named else (),
        policies=(PLACE.iam(f"policy/{BOUNDARY}"),),
        functions=(PLACE.arn("lambda", "function:gotocloud-user-Calls"),)
        if who.name == DEPLOYMENT_ROLE
        else (),
    )


@pytest.fixture
def people(group: Group) -> dict[str, Principal]:
    return principals(group.template)


def test_no_principal_of_a_group_becomes_an_administrator(
    group: Group, judge: Evaluator, people: dict[str, Principal]
) -> None:
    everybody = {**people, HEAD_NODE: head_node()}
    node = Target(HEAD_NODE, PLACE.iam(f"role/{HEAD_NODE}"), runs_as=("ec2.amazonaws.com",))
    targets = [*map(target_of, people.values()), node, *ADMINISTRATORS]
    ask = asker(judge, everybody, group.boundary)
    reached = {name: paths(name, targets, WHERE, ask) for name in everybody}
    unbounded = {one.name for one in ADMINISTRATORS}
    assert {
        name: way for found in reached.values() for name, way in found.items() if name in unbounded
    } == {}
    hops = {
        name: {to for to, way in found.items() if len(way) == 1}
        for name, found in reached.items()
        # Root on a node is here with every permission there is.
        if name != HEAD_NODE
    }
    assert {name: found for name, found in hops.items() if found} == EXPECTED


EVERYTHING = {"Version": "2012-10-17", "Statement": head_node().statements}


def allow(who: Principal, *actions: str, on: str = "*") -> Principal:
    more = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return replace(who, statements=(*who.statements, more))


PLANTED: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    1: {SCIENTIST_ROLE: ("iam:AttachRolePolicy",)},
    2: {
        SCIENTIST_ROLE: ("iam:PassRole", "lambda:CreateFunction"),
        PROVIDER_ROLE: ("sts:AssumeRole",),
    },
    3: {
        USERS: ("sts:AssumeRole",),
        SCIENTIST_ROLE: ("lambda:UpdateFunctionCode",),
        DEPLOYMENT_ROLE: ("iam:UpdateAssumeRolePolicy",),
    },
}
"""Permissions that lead to the role of an administrator, by the number of hops."""


@pytest.mark.parametrize("hops", sorted(PLANTED))
def test_a_planted_way_is_found_with_each_of_its_hops(
    judge: Evaluator, people: dict[str, Principal], hops: int
) -> None:
    planted = dict(people)
    for name, actions in PLANTED[hops].items():
        # The last hop alone leads to an administrator.
        last = name == list(PLANTED[hops])[-1]
        on = PLACE.iam("role/admin") if last else "*"
        planted[name] = allow(people[name], *actions, on=on)
        if not last:
            away = [PLACE.iam("role/admin"), PLACE.arn("lambda", "function:admin")]
            deny = {"Effect": "Deny", "Action": "*", "Resource": away}
            planted[name] = replace(planted[name], statements=(*planted[name].statements, deny))
    targets = [*map(target_of, people.values()), ADMINISTRATORS[2]]
    start = next(iter(PLANTED[hops]))
    found = paths(start, targets, WHERE, asker(judge, planted, EVERYTHING))
    assert len(found["an administrator's role"]) == hops
    assert CLUSTER_SERVICE_ROLE in planted
