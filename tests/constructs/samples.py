"""A stack to put constructs in, and what most of them need."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template
from constructs import Construct

from gotocloud.constructs.account import AccountRoles
from gotocloud.constructs.cluster_provider import ProviderRole
from gotocloud.constructs.sdk_calls import SdkCalls
from gotocloud.constructs.zoned_network import ZonedNetwork

ACCOUNT = "222222222222"
REGION = "ap-northeast-1"
SUBNETS = {
    "apne1-az4": IPv4Network("10.9.0.0/27"),
    "apne1-az1": IPv4Network("10.9.0.32/27"),
}


def sample_stack() -> cdk.Stack:
    """An empty stack in a real region."""
    env = cdk.Environment(account=ACCOUNT, region=REGION)
    return cdk.Stack(cdk.App(analytics_reporting=False), "Sample", env=env)


def sample_calls(stack: cdk.Stack) -> SdkCalls:
    """The API calls of a stack."""
    return SdkCalls(stack, "Calls", role=sample_roles(stack).deployment)


def sample_roles(stack: Construct) -> AccountRoles:
    """The account's roles."""
    scope = stack.node.try_find_child("Roles") or Construct(stack, "Roles")
    assert isinstance(scope, Construct)
    if scope.node.children:
        scope = Construct(stack, f"Roles{len(stack.node.children)}")
    return AccountRoles.of_account(scope)


def sample_network(
    stack: cdk.Stack,
    *,
    subnets: dict[str, IPv4Network] | None = None,
    internet: bool = False,
    calls: SdkCalls | None = None,
) -> ZonedNetwork:
    """A network with two subnets."""
    return ZonedNetwork(
        stack,
        "Network",
        name="sample",
        cidr=IPv4Network("10.9.0.0/24"),
        subnets=SUBNETS if subnets is None else subnets,
        internet=internet,
        roles=sample_roles(stack),
        calls=calls or sample_calls(stack),
    )


def resources(stack: cdk.Stack, kind: str) -> list[dict[str, Any]]:
    """Properties of every resource of a kind."""
    found = Template.from_stack(stack).find_resources(kind)
    return [resource.get("Properties", {}) for resource in found.values()]


def only(stack: cdk.Stack, kind: str) -> dict[str, Any]:
    """Properties of the one resource of a kind."""
    (properties,) = resources(stack, kind)
    return properties


def statements(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Statements of a managed policy by their name."""
    return {s["Sid"]: s for s in policy["PolicyDocument"]["Statement"]}


def provider_statements() -> dict[str, dict[str, Any]]:
    """Every statement of the role of ParallelCluster's provider, by its name."""
    stack = sample_stack()
    ProviderRole(
        stack,
        "Role",
        regions=["ap-northeast-1"],
        releases_bucket="dist",
        releases_account="111111111111",
        stack_name="s",
    )
    found: dict[str, dict[str, Any]] = {}
    for policy in resources(stack, "AWS::IAM::ManagedPolicy"):
        found |= statements(policy)
    return found
