from __future__ import annotations

import json

import pytest
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

from gotocloud.platform import quota_needs as needs
from gotocloud.platform.quota_needs import GrowingQuota, QuotaNeed, quota_needs
from local_aws.services import quotas as local_quotas
from tests.platform.platforms import group, platform

HOME = "ap-northeast-1"
RECORDED = {one["QuotaCode"]: one for one in VPC_DEFAULT_QUOTAS}
"""What AWS's own listing gave in eu-west-1, as moto recorded it."""


def lacking(*groups: dict[str, object]) -> dict[tuple[GrowingQuota, str], QuotaNeed]:
    found = quota_needs(platform(*groups))
    return {(need.quota, need.region): need for need in found if not need.enough}


def many(count: int, **changes: object) -> list[dict[str, object]]:
    return [group(number, **changes) for number in range(1, count + 1)]


def test_a_platform_of_a_few_groups_meets_no_quota() -> None:
    assert lacking(*many(2)) == {}


def test_the_fifty_first_group_of_a_region_exceeds_the_peerings_of_its_share() -> None:
    assert (needs.PEERINGS, "ap-northeast-1") not in lacking(*many(50))
    need = lacking(*many(51))[needs.PEERINGS, "ap-northeast-1"]
    assert (need.needed, need.first_group) == (51, "group-51")
    assert need.command == (
        "aws service-quotas request-service-quota-increase --service-code vpc "
        "--quota-code L-7E9ECCDB --desired-value 125 --region ap-northeast-1"
    )


def test_the_group_is_found_by_its_number_and_not_by_its_place_in_the_file() -> None:
    groups = many(51)
    need = lacking(groups[-1], *groups[:-1])[needs.PEERINGS, "ap-northeast-1"]
    assert need.first_group == "group-51"


def test_only_the_region_with_too_many_groups_is_named() -> None:
    here, there = many(40), [group(n, regions=["us-east-1"]) for n in range(41, 60)]
    regions = {region for quota, region in lacking(*here, *there) if quota is needs.PEERINGS}
    assert regions == set()


@pytest.mark.parametrize(
    ("quota", "fits"), [(needs.ROUTES, 49), (needs.RULES, 59), (needs.PEERINGS, 50)]
)
def test_what_a_share_needs_besides_its_groups_counts_too(quota: GrowingQuota, fits: int) -> None:
    assert (quota, "ap-northeast-1") not in lacking(*many(fits))
    need = lacking(*many(fits + 1))[quota, "ap-northeast-1"]
    assert need.first_group == f"group-{fits + 1}"


def test_every_shard_has_a_vpc_and_the_home_region_one_more() -> None:
    groups = [group(125 * shard + 1) for shard in range(5)]
    need = lacking(*groups)[needs.VPCS, "ap-northeast-1"]
    assert need.needed == 6


def test_an_organisation_of_a_new_account_takes_nine_groups() -> None:
    place = (needs.ACCOUNTS, "us-east-1")
    assert place not in lacking(*many(9))
    assert lacking(*many(10))[place].first_group == "group-10"


def test_clusters_of_all_scientists_need_two_addresses_each() -> None:
    people = ["ann", "bob", "eva"]
    need = lacking(group(1, scientists=people))[needs.ADDRESSES, "ap-northeast-1"]
    assert need.needed == 6
    assert "if each of its 3 scientists has a cluster" in str(need)


def test_a_full_shard_can_be_had_after_increases() -> None:
    assert all(need.possible for need in quota_needs(platform(*many(125))))


def test_what_aws_never_grants_has_no_command() -> None:
    impossible = QuotaNeed(needs.PEERINGS, "1" * 12, "us-east-1", "share VPC 0", 126, "late")
    assert "AWS grants 125 at most" in str(impossible)
    assert impossible.as_dict()["command"] is None


def test_a_group_whose_template_cloudformation_would_refuse_is_named() -> None:
    people = [f"scientist{number}" for number in range(200)]
    short = {f"key{number}": f"value {number}" for number in range(30)}
    long = {f"{number:02}{'k' * 126}": "v" * 256 for number in range(30)}
    assert needs.TEMPLATE not in {quota for quota, _ in lacking(group(1, scientists=people))}
    assert lacking(group(1, scientists=people, tags=short)).get((needs.TEMPLATE, HOME)) is None
    need = lacking(group(1, scientists=people, tags=long))[needs.TEMPLATE, HOME]
    assert need.needed > 4_000_000
    assert (need.possible, need.first_group) == (False, "group-1")
    assert "200 scientists and 30 tags" in str(need)
    assert "AWS grants 1,000,000 at most" in str(need)


def test_a_raised_quota_is_never_requested_in_pieces() -> None:
    first, second = (
        lacking(*many(count))[needs.PEERINGS, "ap-northeast-1"].command for count in (51, 100)
    )
    assert first == second


GROWING = [one for one in vars(needs).values() if isinstance(one, GrowingQuota)]


@pytest.mark.parametrize("quota", [one for one in GROWING if one.kind.service == "vpc"])
def test_defaults_and_names_are_those_that_aws_lists(quota: GrowingQuota) -> None:
    recorded = RECORDED[quota.kind.code]
    assert (recorded["QuotaName"], recorded["Value"]) == (quota.kind.name, quota.default)
    assert recorded["Adjustable"] is True


def test_the_estimate_of_the_bucket_policy_covers_the_real_one() -> None:
    from gotocloud.constructs.distribution import Distribution
    from tests.constructs.samples import only, sample_stack

    accounts = [f"{300000000000 + number}" for number in range(400)]
    stack = sample_stack()
    Distribution(stack, "Distribution", bucket_name="d" * 63, readers=accounts)
    text = json.dumps(only(stack, "AWS::S3::BucketPolicy")["PolicyDocument"], separators=(",", ":"))
    estimate = needs.BUCKET_POLICY_CHARACTERS + needs.ACCOUNT_CHARACTERS * len(accounts)
    assert len(text) <= estimate <= len(text) + 1_000


def test_the_largest_acceptor_role_fits_its_trust_policy_as_iam_keeps_it() -> None:
    from gotocloud.constructs.peering_acceptors import MAX_ACCOUNTS

    accounts = [f"arn:aws:iam::{300000000000 + number}:root" for number in range(MAX_ACCOUNTS)]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": accounts},
        "Action": "sts:AssumeRole",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    estimate = needs.TRUST_POLICY_CHARACTERS + needs.PRINCIPAL_CHARACTERS * MAX_ACCOUNTS
    assert len(text) <= estimate <= needs.TRUST_POLICY.default


def test_the_local_aws_has_the_same_defaults() -> None:
    stated = {row["code"]: float(row["value"]) for row in local_quotas.default_quotas()}
    for quota in GROWING:
        if quota.kind.code in stated:
            assert stated[quota.kind.code] == quota.default
