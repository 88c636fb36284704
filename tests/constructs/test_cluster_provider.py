from __future__ import annotations

import dataclasses

import aws_cdk as cdk
import pytest
from constructs import Construct

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.constructs.boundary import boundary_arn
from gotocloud.constructs.cluster_provider import ClusterProvider, ProviderRole
from gotocloud.constructs.cluster_service import ClusterService
from tests.constructs.samples import (
    ACCOUNT,
    only,
    provider_statements,
    resources,
    sample_stack,
)
from tests.security.checks.template import as_list

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
        f"parallelcluster/{engine_of().version}/templates/custom_resource/cluster.yaml"
    )
    assert nested["Parameters"] == {
        "CustomLambdaRole": f"arn:aws:iam::{ACCOUNT}:role/gotocloud-cluster-provider"
    }


def test_a_stack_has_one_provider_for_each_version() -> None:
    stack = sample_stack()
    first = ClusterProvider.get_or_create(stack)
    assert ClusterProvider.get_or_create(Construct(stack, "Deeper")) is first
    other = dataclasses.replace(engine_of(), version="9.8.7")
    second = ClusterProvider.get_or_create(stack, engine=other)
    assert second.engine is other
    urls = [nested["TemplateURL"] for nested in resources(stack, "AWS::CloudFormation::Stack")]
    assert sorted(url.split("/parallelcluster/")[1].split("/")[0] for url in urls) == sorted(
        [engine_of().version, "9.8.7"]
    )


def test_a_provider_takes_its_role_at_the_first_call_only() -> None:
    stack = sample_stack()
    role = ProviderRole.of_account(stack, "Role")
    made = ClusterProvider.get_or_create(stack, role=role)
    assert ClusterProvider.get_or_create(stack) is made
    assert ClusterProvider.get_or_create(stack, role=role) is made
    with pytest.raises(ValueError, match="has another role already: give the role at the first"):
        ClusterProvider.get_or_create(stack, role=ProviderRole.of_account(stack, "Other"))


def test_the_provider_makes_bounded_roles_only() -> None:
    found = provider_statements()
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
        for action in as_list(statement["Action"])
    }
    assert not actions & {
        "iam:CreateRole",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "iam:PassRole",
    }
