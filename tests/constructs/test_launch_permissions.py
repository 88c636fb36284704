from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_iam as iam

from gotocloud.constructs.end_permissions import finish_statements
from gotocloud.constructs.launch_permissions import LaunchPermissions, Releases
from gotocloud.constructs.launch_place import LaunchPlace
from gotocloud.platform.addresses import REGIONS_PER_GROUP
from gotocloud.platform.regions import REGIONS
from gotocloud.platform.rules import MAX_RELEASES
from gotocloud.stacks.user import _releases
from tests.constructs.samples import ACCOUNT, resources, sample_stack, statements
from tests.platform.platforms import group, platform

pytestmark = pytest.mark.cdk

URL = "https://dist.s3.ap-northeast-1.amazonaws.com/releases/"
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/gotocloud-cluster-service"


@pytest.fixture(scope="module")
def allowed() -> dict[str, dict[str, Any]]:
    return permissions()


def permissions(*, single_sign_on: bool = False) -> dict[str, dict[str, Any]]:
    stack = sample_stack()
    LaunchPermissions(
        stack,
        "Launch",
        role=iam.Role(stack, "Role", assumed_by=iam.AccountPrincipal(ACCOUNT)),
        releases=Releases(bucket="dist", url=URL, prefix="releases", account="111111111111"),
        service_role_arn=SERVICE_ROLE,
        regions=("ap-northeast-1", "us-east-1"),
        single_sign_on=single_sign_on,
    )
    found: dict[str, dict[str, Any]] = {}
    for policy in resources(stack, "AWS::IAM::ManagedPolicy"):
        found |= statements(policy)
    return found


def test_as_many_releases_as_a_platform_may_approve_fit_into_the_policy() -> None:
    longest = sorted(REGIONS, key=len)[-REGIONS_PER_GROUP:]
    most = platform(
        group(1, regions=longest),
        management={"account": "111111111111", "home_region": longest[-1]},
        regions=longest,
        releases={f"{number}{'0' * 31}": "f" * 64 for number in range(MAX_RELEASES)},
    )
    with pytest.raises(ValueError, match="should match pattern"):
        platform(releases={"1" * 33: "f" * 64})
    stack = sample_stack()
    LaunchPermissions(
        stack,
        "Launch",
        role=iam.Role(stack, "Role", assumed_by=iam.AccountPrincipal(ACCOUNT)),
        releases=_releases(most),
        service_role_arn=SERVICE_ROLE,
        regions=most.groups[0].regions,
    )
    assert resources(stack, "AWS::IAM::ManagedPolicy")


@pytest.mark.parametrize(
    ("kind", "path"), [("project", "project.template.json*"), ("cluster", "cluster/*")]
)
def test_each_kind_of_stack_is_made_of_its_own_published_template_with_the_service_role(
    allowed: dict[str, Any], kind: str, path: str
) -> None:
    launch = allowed[f"Launch{kind.title()}s"]
    assert launch["Condition"]["StringLike"] == {"cloudformation:TemplateUrl": [f"{URL}*/{path}"]}
    assert launch["Condition"]["StringEquals"] == {
        "aws:RequestedRegion": ["ap-northeast-1", "us-east-1"],
        "cloudformation:RoleArn": SERVICE_ROLE,
    }
    stacks = f"arn:aws:cloudformation:*:{ACCOUNT}:stack/gotocloud-{kind}-*/*"
    assert launch["Resource"] == stacks


def test_no_other_statement_creates_or_updates_stacks(allowed: dict[str, Any]) -> None:
    makers = {
        sid
        for sid, statement in allowed.items()
        if {"cloudformation:CreateStack", "cloudformation:UpdateStack"} & set(statement["Action"])
    }
    assert makers == {"LaunchProjects", "LaunchClusters"}


def test_only_the_service_role_is_passed_and_only_to_cloudformation(
    allowed: dict[str, Any],
) -> None:
    passed = allowed["HandOverToCloudFormation"]
    assert passed["Resource"] == SERVICE_ROLE
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
    }


def test_scientists_create_no_ec2_iam_or_fsx_resource_themselves(
    allowed: dict[str, Any],
) -> None:
    actions = [
        action
        for statement in allowed.values()
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    ]
    creating = {a for a in actions if a.split(":")[1].startswith(("Create", "Run", "Delete"))}
    assert creating == {
        "cloudformation:CreateStack",
        "cloudformation:DeleteStack",
        "fsx:CreateDataRepositoryTask",
        "s3:DeleteBucket",
        "s3:DeleteObjectVersion",
    }


def test_desktops_and_sessions_are_limited_by_tag(allowed: dict[str, Any]) -> None:
    assert allowed["OpenDesktop"]["Condition"] == {
        "StringEquals": {"aws:ResourceTag/gtc:door": "desktop"}
    }
    assert allowed["StartSessions"]["Condition"]["StringEquals"] == {
        "aws:ResourceTag/gtc:method": "cryoem"
    }


def test_data_stays_in_buckets_of_the_account(allowed: dict[str, Any]) -> None:
    for sid in ("ListProjectData", "UseProjectData"):
        assert allowed[sid]["Condition"] == {"StringEquals": {"s3:ResourceAccount": ACCOUNT}}
    assert not any("Delete" in action for action in allowed["UseProjectData"]["Action"])


def test_data_are_deleted_version_by_version_with_mfa_in_the_groups_own_buckets(
    allowed: dict[str, Any],
) -> None:
    versions, buckets = allowed["DeleteProjectVersions"], allowed["DeleteEmptyProjectBuckets"]
    assert (versions["Action"], buckets["Action"]) == ("s3:DeleteObjectVersion", "s3:DeleteBucket")
    assert versions["Resource"] == f"arn:aws:s3:::gotocloud-data-*-{ACCOUNT}-*/*"
    assert buckets["Resource"] == f"arn:aws:s3:::gotocloud-data-*-{ACCOUNT}-*"
    for statement in (versions, buckets):
        assert statement["Condition"] == {
            "StringEquals": {"s3:ResourceAccount": ACCOUNT},
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
        }


def test_where_people_sign_on_elsewhere_nothing_requests_mfa_or_mentions_it() -> None:
    found = permissions(single_sign_on=True)
    for sid in ("DeleteProjectVersions", "DeleteEmptyProjectBuckets"):
        assert found[sid]["Condition"] == {"StringEquals": {"s3:ResourceAccount": ACCOUNT}}
    assert "MultiFactorAuth" not in str(found)
    place = LaunchPlace(partition="aws", account=ACCOUNT, regions=("us-east-1",))
    reasons = {statement.why for statement in finish_statements(place, mfa=False)}
    assert all("the role's trust" in why and "Identity Center" in why for why in reasons)


def test_commands_run_on_tagged_machines_with_one_document(allowed: dict[str, Any]) -> None:
    assert allowed["RunOnHeadNodes"]["Condition"]["StringEquals"] == {
        "aws:ResourceTag/gtc:method": "cryoem"
    }
    assert allowed["UseCommandDocument"]["Resource"] == "arn:aws:ssm:*::document/AWS-RunShellScript"
    assert allowed["SwitchAutomaticExport"]["Condition"] == allowed["RunOnHeadNodes"]["Condition"]


def test_a_release_that_is_missing_is_missing_and_not_denied(allowed: dict[str, Any]) -> None:
    listing = allowed["ListReleases"]
    assert (listing["Action"], listing["Resource"]) == ("s3:ListBucket", "arn:aws:s3:::dist")
    # A condition on s3:prefix would let S3 answer 403: a GetObject has no prefix.
    assert listing["Condition"] == {"StringEquals": {"s3:ResourceAccount": "111111111111"}}


def test_of_iam_nothing_is_seen_but_the_role_of_spot(allowed: dict[str, Any]) -> None:
    seen = [one for one in allowed.values() if "iam:GetRole" in one["Action"]]
    name = "AWSServiceRoleForEC2Spot"
    assert [one["Resource"] for one in seen] == [
        [
            f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.amazonaws.com/{name}",
            f"arn:aws:iam::{ACCOUNT}:role/{name}",
        ]
    ]


def test_what_the_preflight_reads_may_be_read(allowed: dict[str, Any]) -> None:
    assert {
        "budgets:ViewBudget",
        "ec2:DescribeAddresses",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeNatGateways",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "fsx:DescribeFileSystems",
        "s3:ListAllMyBuckets",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListServiceQuotas",
    } <= set(allowed["Look"]["Action"])
