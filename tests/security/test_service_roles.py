"""The roles that Lambda, VPC, EC2, DataSync and other accounts assume do their work and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gotocloud.contract.names import BUILD_HOST
from local_aws.iam.evaluator import Evaluator
from tests.security.checks.template import Template
from tests.security.principals import Principal, Request, allowed, boundary, principals
from tests.security.service_roles import ACCEPTOR, IN_GROUP, IN_MANAGEMENT, needed, refused
from tests.security.site import PLACE

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

MANAGEMENT = replace(PLACE, account=PLACE.management)
ROLES = [("UserStack", who) for who in IN_GROUP] + [
    ("ManagementStack", who) for who in IN_MANAGEMENT
]
PLACES = {"UserStack": PLACE, "ManagementStack": MANAGEMENT}
SERVICES = {
    "gotocloud-deployment": {"Service": "lambda.amazonaws.com"},
    "gotocloud-flow-logs": {"Service": "vpc-flow-logs.amazonaws.com"},
    "gotocloud-replication": {"Service": "datasync.amazonaws.com"},
    BUILD_HOST: {"Service": "ec2.amazonaws.com"},
    ACCEPTOR: {"AWS": ["222222222222", "333333333333"]},
}


def done(
    judge: Evaluator, template: Template, stack: str, who: Principal, asked: list[Request]
) -> list[str]:
    at = PLACES[stack]
    limit = boundary(template)
    return [str(one) for one in asked if allowed(judge, one, who, limit, at.account, at.region)]


@pytest.mark.parametrize(("stack", "role"), ROLES)
def test_a_role_of_a_service_cannot(
    example: Mapping[str, Template], judge: Evaluator, stack: str, role: str
) -> None:
    who = principals(example[stack])[role]
    assert done(judge, example[stack], stack, who, refused(PLACES[stack], role)) == []


@pytest.mark.parametrize(("stack", "role"), ROLES)
def test_a_role_of_a_service_can_do_its_work(
    example: Mapping[str, Template], judge: Evaluator, stack: str, role: str
) -> None:
    who = principals(example[stack])[role]
    asked = needed(PLACES[stack], role)
    assert done(judge, example[stack], stack, who, asked) == [str(one) for one in asked]


@pytest.mark.parametrize(("stack", "role"), ROLES)
def test_only_its_own_service_or_the_groups_accounts_assume_it(
    example: Mapping[str, Template], stack: str, role: str
) -> None:
    who = principals(example[stack])[role]
    assert who.bounded
    assert [one["Principal"] for one in (who.trust or {})["Statement"]] == [SERVICES[role]]


def test_each_refusal_is_of_a_call_that_exists(judge: Evaluator) -> None:
    """A misspelt action is refused, too: here all are allowed, so that none is."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    limit = {"Version": "2012-10-17", "Statement": [everything]}
    unknown = [
        str(one)
        for role in IN_MANAGEMENT
        for one in refused(MANAGEMENT, role)
        if not allowed(
            judge,
            one,
            Principal(role, {}, (everything,), bounded=True),
            limit,
            MANAGEMENT.account,
            MANAGEMENT.region,
        )
    ]
    assert unknown == []
