"""The weakenings that once passed every test, by name: each is noticed now."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from gotocloud.contract.names import CLUSTER_SERVICE_ROLE
from tests.security.checks.template import Template, as_list, resources
from tests.security.exposure import exposure
from tests.security.golden import golden, written

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

Weaken = Callable[[Template], None]
USER, CLUSTER = "UserStack", "ClusterStack-tutorial-ap-northeast-1"


def statements(template: Template, sid: str) -> Iterator[dict[str, Any]]:
    for _, kind, properties in resources(template):
        if kind.startswith("AWS::IAM::") and "PolicyDocument" in properties:
            for statement in as_list(properties["PolicyDocument"]["Statement"]):
                if statement.get("Sid") == sid:
                    yield statement


def gives(sid: str, action: str) -> Weaken:
    """A statement allows one more action."""

    def weaken(template: Template) -> None:
        for statement in statements(template, sid):
            statement["Action"] = [*as_list(statement["Action"]), action]

    return weaken


def no_longer_denies(sid: str, *actions: str) -> Weaken:
    """A denial lacks some actions, or is gone."""

    def weaken(template: Template) -> None:
        for statement in statements(template, sid):
            kept = [one for one in as_list(statement.get("Action")) if one not in actions]
            statement["Action"] = kept if actions and kept else ["s3:GetBucketTagging"]

    return weaken


def trusted_by_people(template: Template) -> None:
    for _, _, properties in resources(template, "AWS::IAM::Role"):
        if properties.get("RoleName") == CLUSTER_SERVICE_ROLE:
            for statement in as_list(properties["AssumeRolePolicyDocument"]["Statement"]):
                statement["Principal"] = {"AWS": "arn:aws:iam::222222222222:root"}


def lets_everything_out(template: Template) -> None:
    everything = {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}
    for _, _, properties in resources(template, "AWS::EC2::SecurityGroup"):
        properties["SecurityGroupEgress"] = [everything]


WEAKENINGS: Mapping[str, tuple[str, Weaken]] = {
    "a scientist may put bucket policies": (USER, gives("UseProjectData", "s3:PutBucketPolicy")),
    "a scientist may put objects into other accounts' buckets": (
        USER,
        no_longer_denies("NoDataIntoOtherAccounts"),
    ),
    "roles without boundary get policies": (
        USER,
        no_longer_denies("NoRoleWithoutBoundary", "iam:AttachRolePolicy", "iam:PutRolePolicy"),
    ),
    "roles outside clusters get policies": (USER, no_longer_denies("OnlyRolesOfClusters")),
    "trust policies are rewritten": (
        USER,
        gives("MakeBoundedRoles", "iam:UpdateAssumeRolePolicy"),
    ),
    "the boundary's versions are replaced": (USER, no_longer_denies("BoundaryStaysAsItIs")),
    "the boundary is taken off": (USER, no_longer_denies("BoundaryStaysInPlace")),
    "the boundary allows all of IAM": (USER, gives("ServicesInUse", "iam:*")),
    "users and keys are made": (USER, no_longer_denies("NoUsersAndKeys")),
    "people assume CloudFormation's role": (USER, trusted_by_people),
    "the desktop's group lets everything out": (CLUSTER, lets_everything_out),
}


@pytest.mark.parametrize("weakening", WEAKENINGS)
def test_a_weakening_that_once_passed_is_noticed(
    example: Mapping[str, Template], weakening: str
) -> None:
    stack, weaken = WEAKENINGS[weakening]
    template = copy.deepcopy(example[stack])
    weaken(template)
    assert template != example[stack], "the weakening changes nothing"
    _, reviewed = golden(stack, exposure(example[stack]))
    assert written(exposure(template)) != reviewed
