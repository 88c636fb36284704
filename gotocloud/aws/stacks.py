"""CloudFormation stacks: what they are, what they give, what happens to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import client, error_code, explained
from gotocloud.projects.deployed_stack import DeployedStack

POLL_S = 5.0
TIMEOUT_S = 5400.0
"""A cluster's custom resource alone may take 3600 s, the longest that CloudFormation waits:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cfn-customresource.html
"""


@dataclass(frozen=True)
class StackEvent:
    """One event of a stack.

    Args:
        reason: CloudFormation's explanation; empty if it gives none.
    """

    event_id: str
    resource: str
    resource_type: str
    status: str
    reason: str

    @property
    def failed(self) -> bool:
        """Whether this resource could not be made."""
        return self.status.endswith("_FAILED")


def describe(name: str, region: str, *, cfn: Any = None) -> DeployedStack:
    """A stack as CloudFormation describes it, or that it does not exist.

    Args:
        cfn: CloudFormation client. Default: that of the standard configuration.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    cfn = cfn or client("cloudformation", region)
    with explained(f"look at stack {name} in {region}"):
        try:
            found = cfn.describe_stacks(StackName=name)["Stacks"][0]
        except cfn.exceptions.ClientError as error:
            if error_code(error) == "ValidationError" and "does not exist" in str(error):
                return DeployedStack(name)
            raise
    return typed(found)


def stack_of(cloud: Cloud, name: str) -> DeployedStack:
    """A stack of the caller's account and region by its name or id.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    return describe(name, cloud.region, cfn=cloud.client("cloudformation"))


def typed(stack: Mapping[str, Any]) -> DeployedStack:
    """A stack as DescribeStacks returns it."""
    created = stack.get("CreationTime")
    return DeployedStack(
        name=stack["StackName"],
        status=stack["StackStatus"],
        description=stack.get("Description", ""),
        reason=stack.get("StackStatusReason", "") or "",
        created=created.isoformat() if created else "",
        stack_id=stack.get("StackId", ""),
        parameters={it["ParameterKey"]: it["ParameterValue"] for it in stack.get("Parameters", ())},
        tags={it["Key"]: it["Value"] for it in stack.get("Tags", ())},
        outputs={it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", ())},
        protected=bool(stack.get("EnableTerminationProtection")),
    )


def outputs(name: str, region: str, *, cfn: Any = None) -> Mapping[str, str] | None:
    """The outputs of a stack; None if it does not exist.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    stack = describe(name, region, cfn=cfn)
    return stack.outputs if stack.exists else None


def resources(cfn: Any, name: str) -> list[Mapping[str, Any]]:
    """Every resource of a stack; DescribeStackResources would stop after a hundred.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
    """
    pages = cfn.get_paginator("list_stack_resources").paginate(StackName=name)
    return [one for page in pages for one in page["StackResourceSummaries"]]


def new_events(name: str, region: str, cfn: Any, seen: dict[str, StackEvent]) -> list[StackEvent]:
    """The events of a stack that have not been seen, the oldest first.

    AWS lists the newest first:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html

    Args:
        name: Name or id of the stack.
        seen: Events by their id; the new ones are added.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    fresh = []
    with explained(f"read the events of stack {name} in {region}"):
        for page in cfn.get_paginator("describe_stack_events").paginate(StackName=name):
            events = [_event(item) for item in page["StackEvents"]]
            new = [event for event in events if event.event_id not in seen]
            fresh += new
            # A page with something known has everything older behind it.
            if len(new) < len(events):
                break
    fresh.reverse()
    seen.update((event.event_id, event) for event in fresh)
    return fresh


def _event(item: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        event_id=item["EventId"],
        resource=item.get("LogicalResourceId", ""),
        resource_type=item.get("ResourceType", ""),
        status=item.get("ResourceStatus", ""),
        reason=item.get("ResourceStatusReason", ""),
    )
