"""What a group has and what it costs now, from AWS."""

from __future__ import annotations

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import explained
from gotocloud.aws.stacks import typed
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX, PROJECT_STACK_PREFIX
from gotocloud.projects.deployed_stack import DeployedStack


def group_stacks(cloud: Cloud) -> tuple[DeployedStack, ...]:
    """The stacks of the group's projects and clusters in the caller's region.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    with explained(f"list the stacks in {cloud.region}"):
        return stacks_in(cloud, cloud.region)


def stacks_in(cloud: Cloud, region: str) -> tuple[DeployedStack, ...]:
    """The same in a named region; AWS's errors as they are."""
    cfn = cloud.client("cloudformation", region)
    return tuple(
        typed(stack)
        for page in cfn.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackName"].startswith((PROJECT_STACK_PREFIX, CLUSTER_STACK_PREFIX))
    )
