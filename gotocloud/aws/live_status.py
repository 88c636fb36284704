"""What a group has and what it costs now, from AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import explained
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX, PROJECT_STACK_PREFIX
from gotocloud.projects.overview import StackFacts


def group_stacks(cloud: Cloud) -> tuple[StackFacts, ...]:
    """The stacks of the group's projects and clusters in the caller's region.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    with explained(f"list the stacks in {cloud.region}"):
        return stacks_in(cloud, cloud.region)


def stacks_in(cloud: Cloud, region: str) -> tuple[StackFacts, ...]:
    """The same in a named region; AWS's errors as they are."""
    cfn = cloud.client("cloudformation", region)
    return tuple(
        stack_facts(stack)
        for page in cfn.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackName"].startswith((PROJECT_STACK_PREFIX, CLUSTER_STACK_PREFIX))
    )


def stack_facts(stack: Mapping[str, Any]) -> StackFacts:
    """A stack as DescribeStacks returns it."""
    created = stack.get("CreationTime")
    return StackFacts(
        name=stack["StackName"],
        status=stack["StackStatus"],
        description=stack.get("Description", ""),
        reason=stack.get("StackStatusReason", "") or "",
        created=created.isoformat() if created else "",
        stack_id=stack.get("StackId", ""),
        parameters={it["ParameterKey"]: it["ParameterValue"] for it in stack.get("Parameters", ())},
        tags={it["Key"]: it["Value"] for it in stack.get("Tags", ())},
        outputs={it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", ())},
    )
