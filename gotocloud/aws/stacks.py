"""CloudFormation stacks: their outputs, and launching one from a published template."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.aws.session import client, error_code, explained
from gotocloud.errors import GoToCloudError

POLL_S = 5.0
TIMEOUT_S = 5400.0
"""A cluster's custom resource alone may take 3600 s."""


@dataclass(frozen=True)
class StackEvent:
    """One line of what CloudFormation tells about a stack.

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


def describe(name: str, region: str, *, cfn: Any = None) -> dict[str, Any] | None:
    """A stack as CloudFormation describes it; None if it does not exist.

    Args:
        cfn: CloudFormation client. Default: that of the standard configuration.

    Raises:
        GoToCloudError: if AWS cannot be asked.
    """
    cfn = cfn or client("cloudformation", region)
    with explained(f"look at stack {name} in {region}"):
        try:
            found: dict[str, Any] = cfn.describe_stacks(StackName=name)["Stacks"][0]
        except cfn.exceptions.ClientError as error:
            if error_code(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
    return found


def outputs(name: str, region: str, *, cfn: Any = None) -> dict[str, str] | None:
    """The outputs of a stack; None if it does not exist.

    Raises:
        GoToCloudError: if AWS cannot be asked.
    """
    stack = describe(name, region, cfn=cfn)
    return None if stack is None else _outputs(stack)


def create_stack(
    name: str,
    region: str,
    *,
    template_url: str,
    role_arn: str,
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
    cfn: Any = None,
    on_event: Callable[[StackEvent], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, str]:
    """Launch a stack from a published template and wait for it; returns its outputs.

    A stack that is already there is not launched again: one that is being made is waited
    for, a complete one is done. So an interrupted launch is finished by calling this again.

    Args:
        template_url: URL of a published template.
        role_arn: The service role with which CloudFormation makes the resources.
        on_event: Called with every event, the oldest first.

    Raises:
        GoToCloudError: if the stack cannot be made; tells each failed resource with its reason.
    """
    cfn = cfn or client("cloudformation", region)
    if describe(name, region, cfn=cfn) is None:
        with explained(f"create stack {name} in {region}"):
            cfn.create_stack(
                StackName=name,
                TemplateURL=template_url,
                RoleARN=role_arn,
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in parameters.items()
                ],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            )
    return wait_for_stack(
        name, region, cfn=cfn, on_event=on_event, sleep=sleep, timeout_s=timeout_s
    )


def wait_for_stack(
    name: str,
    region: str,
    *,
    cfn: Any = None,
    on_event: Callable[[StackEvent], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, str]:
    """Wait until a stack is complete; returns its outputs.

    Raises:
        GoToCloudError: if it fails, disappears or takes longer than `timeout_s`.
    """
    cfn = cfn or client("cloudformation", region)
    seen: dict[str, StackEvent] = {}
    waited_s = 0.0
    while True:
        stack = describe(name, region, cfn=cfn)
        if stack is None:
            raise GoToCloudError(f"Stack {name} in {region} has disappeared.")
        for event in new_events(name, region, cfn, seen):
            on_event(event)
        status = str(stack["StackStatus"])
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
            return _outputs(stack)
        if not status.endswith("_IN_PROGRESS"):
            raise _failure(name, region, status, list(seen.values()))
        if waited_s >= timeout_s:
            raise GoToCloudError(
                f"Stack {name} in {region} is still {status} after {waited_s:.0f} s.",
                next_command="run the same command again: it carries on waiting",
            )
        sleep(POLL_S)
        waited_s += POLL_S


def new_events(name: str, region: str, cfn: Any, seen: dict[str, StackEvent]) -> list[StackEvent]:
    """The events of a stack that have not been seen, the oldest first.

    Args:
        name: Name or id of the stack.
        seen: Events by their id; the new ones are added.

    Raises:
        GoToCloudError: if AWS cannot be asked.
    """
    fresh = []
    with explained(f"read the events of stack {name} in {region}"):
        for page in cfn.get_paginator("describe_stack_events").paginate(StackName=name):
            events = [_event(item) for item in page["StackEvents"]]
            new = [event for event in events if event.event_id not in seen]
            fresh += new
            # Newest first: a page with something known has everything older behind it.
            if len(new) < len(events):
                break
    fresh.reverse()
    seen.update((event.event_id, event) for event in fresh)
    return fresh


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", ())}


def _event(item: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        event_id=item["EventId"],
        resource=item.get("LogicalResourceId", ""),
        resource_type=item.get("ResourceType", ""),
        status=item.get("ResourceStatus", ""),
        reason=item.get("ResourceStatusReason", ""),
    )


def _failure(name: str, region: str, status: str, events: list[StackEvent]) -> GoToCloudError:
    problems = [
        f"{event.resource} ({event.resource_type}): {event.reason or event.status}"
        for event in events
        # What CloudFormation cancelled because of another failure explains nothing.
        if event.failed and "cancelled" not in event.reason.lower()
    ]
    return GoToCloudError(
        f"Stack {name} in {region} is {status}.",
        problems=problems,
        next_command=f"aws cloudformation delete-stack --region {region} --stack-name {name}, "
        "then run the same command again",
    )
