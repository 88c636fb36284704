"""What an attacker would ask of IAM is refused, and what work needs is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from gotocloud.constructs.scientists import network_statement
from gotocloud.contract.names import SCIENTIST_ROLE
from local_aws.iam.evaluator import Evaluator
from tests.security import indirect_attacks
from tests.security.attacks import BUCKET, head_node, refused
from tests.security.checks.template import Template
from tests.security.needed_calls import needed
from tests.security.principals import allowed, principals
from tests.security.site import PLACE, VERSION, Group

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]


ATTACKS = {**refused(PLACE, VERSION), **indirect_attacks.refused(PLACE)}


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_an_attacker_cannot(group: Group, judge: Evaluator, attack: str) -> None:
    done = [
        str(asked)
        for asked in ATTACKS[attack]
        if allowed(judge, asked, group.who(asked), group.boundary, PLACE.account, PLACE.region)
    ]
    assert done == []


@pytest.mark.parametrize("signed", ["REST-HEADER", "REST-QUERY-STRING"])
@pytest.mark.parametrize(
    ("address", "via_aws", "works"),
    [
        ("203.0.113.7", "false", True),
        ("198.51.100.7", "false", False),
        # CloudFormation reads the template with the scientist's permissions, from its own address.
        ("198.51.100.7", "true", True),
    ],
)
def test_a_group_with_networks_of_its_own_works_from_there_alone(
    group: Group, judge: Evaluator, address: str, via_aws: str, works: bool, signed: str
) -> None:
    """A presigned address, too, which serves all who have it."""
    asked = PLACE.request(
        SCIENTIST_ROLE,
        "s3:PutObject",
        f"arn:aws:s3:::{BUCKET}/movie.tif",
        aws__SourceIp=address,
        aws__ViaAWSService=via_aws,
        s3__authType=signed,
    )
    who = group.who(asked)
    limit = network_statement([IPv4Network("203.0.113.0/24")]).document()
    bound = replace(who, statements=(*who.statements, limit))
    assert allowed(judge, asked, bound, group.boundary, PLACE.account, PLACE.region) is works


def test_what_work_needs_is_allowed(group: Group, judge: Evaluator) -> None:
    missing = [
        str(asked)
        for asked in needed(PLACE, VERSION)
        if not allowed(judge, asked, group.who(asked), group.boundary, PLACE.account, PLACE.region)
    ]
    assert missing == []


def test_without_the_boundary_root_on_a_head_node_could_do_all_of_it(judge: Evaluator) -> None:
    """The attacks by a head node are real requests: only the boundary refuses them."""
    anything = {"Version": "2012-10-17", "Statement": head_node().statements}
    refusals = [
        str(asked)
        for attack in ATTACKS.values()
        for asked in attack
        if asked.principal == head_node().name
        and not allowed(judge, asked, head_node(), anything, PLACE.account, PLACE.region)
    ]
    assert refusals == []


GIVEN_BY_NO_LIST = {
    # What they deny is not in the boundary's list of what is in use either.
    *("BoundaryStaysAsItIs", "BoundaryStaysInPlace", "NoUsersAndKeys"),
    # Its half that is not in `OnlyRolesOfClusters` is not in that list.
    "NoRoleWithoutBoundary",
    # Reading is refused by the policies of every role, none of which can reach another account.
    "NoDataIntoOtherAccounts",
}
"""Denials of the boundary that hold a second time."""


def test_each_denial_of_the_boundary_refuses_an_attack(group: Group, judge: Evaluator) -> None:
    asked = [
        one for attack in ATTACKS.values() for one in attack if one.principal == head_node().name
    ]
    idle = []
    limit = group.boundary
    for statement in limit["Statement"]:
        if statement["Effect"] == "Allow" or statement["Sid"] in GIVEN_BY_NO_LIST:
            continue
        without = [one for one in limit["Statement"] if one is not statement]
        edge = {**limit, "Statement": without}
        if not any(
            allowed(judge, one, head_node(), edge, PLACE.account, PLACE.region) for one in asked
        ):
            idle.append(statement["Sid"])
    assert idle == []


@pytest.mark.parametrize("stack", ["UserStack", "ManagementStack"])
def test_a_session_has_the_name_of_its_person(example: Mapping[str, Template], stack: str) -> None:
    """Session names are in each project's tags and trail; only the trust can bind them."""
    roles = principals(example[stack]).values()
    people = [
        statement
        for role in roles
        for statement in (role.trust or {}).get("Statement", ())
        if "AWS" in statement["Principal"] and role.name == SCIENTIST_ROLE
    ]
    for statement in people:
        named = statement["Condition"]["StringEquals"]["sts:RoleSessionName"]
        assert named == "${aws:username}"
        assert statement["Action"] == "sts:AssumeRole", "no session tags"
    assert bool(people) is (stack == "UserStack")
