from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from gotocloud.constructs.boundary import boundary_arn
from gotocloud.constructs.cluster_provider import ClusterProvider, ProviderRole
from gotocloud.constructs.cluster_service import ClusterService
from tests.constructs.samples import ACCOUNT, only, resources, sample_stack, statements

pytestmark = pytest.mark.cdk


def test_the_official_template_of_the_region_gets_our_own_role() -> None:
    stack = sample_stack()
    provider = ClusterProvider(
        stack, "Provider", role=ProviderRole.of_account(stack, "ProviderRole")
    )
    cdk.CfnOutput(stack, "Token", value=provider.token)
    nested = only(stack, "AWS::CloudFormation::Stack")
    assert nested["TemplateURL"] == (
        "https://ap-northeast-1-aws-parallelcluster.s3.ap-northeast-1.amazonaws.com/"
        "parallelcluster/3.16.1/templates/custom_resource/cluster.yaml"
    )
    assert nested["Parameters"] == {
        "CustomLambdaRole": f"arn:aws:iam::{ACCOUNT}:role/gotocloud-cluster-provider"
    }


def test_the_provider_makes_bounded_roles_only() -> None:
    stack = sample_stack()
    ProviderRole(stack, "Role", regions=["ap-northeast-1"], releases_bucket="dist", stack_name="s")
    found: dict[str, dict[str, Any]] = {}
    for policy in resources(stack, "AWS::IAM::ManagedPolicy"):
        found |= statements(policy)
    bounded = {"iam:PermissionsBoundary": boundary_arn("aws", ACCOUNT)}
    for sid in ("MakeBoundedRoles", "AttachNodePolicies"):
        assert found[sid]["Condition"]["StringEquals"] == bounded
        assert found[sid]["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/parallelcluster/*"
    makers = {sid for sid, s in found.items() if "iam:CreateRole" in s["Action"]}
    assert makers == {"MakeBoundedRoles"}


def test_cloudformations_role_makes_no_roles_and_deletes_no_data() -> None:
    stack = sample_stack()
    ClusterService(stack, "Service", regions=["ap-northeast-1"])
    role = only(stack, "AWS::IAM::Role")
    trust = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    actions = {
        action
        for policy in resources(stack, "AWS::IAM::ManagedPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    assert not actions & {"iam:CreateRole", "s3:DeleteBucket", "s3:DeleteObject", "iam:PassRole"}
