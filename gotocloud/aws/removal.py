"""Removing a stack: followed to its end, with what AWS does not delete left behind or named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.listener import Listener
from gotocloud.aws.session import explained
from gotocloud.aws.stacks import POLL_S, StackEvent, new_events, stack_of
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError
from gotocloud.formats import duration_text
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.diagnosis import Failure
from gotocloud.projects.states import State
from gotocloud.waiting import looks

FREE_WITHOUT_STACK = frozenset(
    {
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::FSx::DataRepositoryAssociation",
    }
)
"""Resources that cost nothing without their cluster, and whose names AWS draws each time."""


class Events:
    """Reports the events of stacks, each one once."""

    def __init__(self, cloud: Cloud, listener: Listener) -> None:
        self._cloud = cloud
        self._listener = listener
        self._seen: dict[str, StackEvent] = {}

    def report(self, stack_id: str) -> None:
        """Report what is new about a stack."""
        cfn = self._cloud.client("cloudformation")
        for event in new_events(stack_id, self._cloud.region, cfn, self._seen):
            self._listener.event(event)


def wait_for_end(cloud: Cloud, stack_id: str, listener: Listener, events: Events) -> DeployedStack:
    """Wait until nothing is in progress; the stack as it is then.

    Raises:
        GoToCloudError: if AWS does not answer, or goes on for too long.
    """
    for _ in looks(POLL_S, within_s=listener.stack_timeout_s, sleep=listener.sleep):
        stack = stack_of(cloud, stack_id)
        if not stack.exists:
            return stack
        events.report(stack_id)
        if stack.state not in {State.MAKING, State.ENDING}:
            return stack
    raise GoToCloudError(
        f"Stack {stack.name} is still {stack.status} after "
        f"{duration_text(listener.stack_timeout_s)}. AWS goes on with it, and bills for it.",
        advice="The same command goes on waiting.",
        again=True,
    )


def remove(cloud: Cloud, stack: DeployedStack, listener: Listener) -> None:
    """Delete a stack and wait until it is gone.

    What AWS does not delete is left behind if it costs nothing and keeps no name: else the stack,
    and what it bills, would stay for ever.

    Raises:
        GoToCloudError: if something of it cannot be deleted, and may go on being billed.
    """
    if not stack.exists:
        return
    events = Events(cloud, _from_its_removal(listener))
    if wait_for_end(cloud, stack.stack_id, listener, events).state is State.ABSENT:
        return
    begin_removal(cloud, stack)
    if wait_for_end(cloud, stack.stack_id, listener, events).state is State.ABSENT:
        return
    stuck = _undeleted(cloud, stack)
    if stuck and all(one.resource_type in FREE_WITHOUT_STACK for one in stuck):
        names = [one.resource for one in stuck]
        listener.step(f"Leaving behind what AWS does not delete, and does not bill: {names}")
        begin_removal(cloud, stack, leave=names)
        if wait_for_end(cloud, stack.stack_id, listener, events).state is State.ABSENT:
            return
        stuck = _undeleted(cloud, stack)
    raise GoToCloudError(
        f"Stack {stack.name} could not be removed completely: what is left may be billed.",
        problems=[f"{it.resource} ({it.resource_type}): {it.reason}" for it in stuck],
        advice=f"{TELL_MANAGEMENT} Once the cause is removed, the same command goes on.",
        again=True,
    )


def begin_removal(cloud: Cloud, stack: DeployedStack, *, leave: Sequence[str] = ()) -> None:
    """Have CloudFormation delete a stack, with the role that made it.

    Its termination protection ends before: it is against deletion by mistake, in the console.

    Args:
        leave: Resources to leave behind, which AWS allows after a deletion that failed.

    Raises:
        GoToCloudError: if it does not begin.
    """
    cfn = cloud.client("cloudformation")
    if stack.protected:
        with explained(f"end the termination protection of stack {stack.name}"):
            cfn.update_termination_protection(
                StackName=stack.stack_id, EnableTerminationProtection=False
            )
    with explained(f"delete stack {stack.name}"):
        # `RetainResources` is allowed only where a deletion has failed already:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
        cfn.delete_stack(
            StackName=stack.stack_id, **({"RetainResources": list(leave)} if leave else {})
        )


def _from_its_removal(listener: Listener) -> Listener:
    """Leaves out the events of how the stack was made, long ago."""
    removed = False

    def event(one: StackEvent) -> None:
        nonlocal removed
        removed = removed or one.status.startswith("DELETE_")
        if removed:
            listener.event(one)

    return replace(listener, event=event)


def _undeleted(cloud: Cloud, stack: DeployedStack) -> list[Failure]:
    """What the last deletion of a stack could not delete."""
    seen: dict[str, StackEvent] = {}
    left: dict[str, Failure] = {}
    for event in new_events(stack.stack_id, cloud.region, cloud.client("cloudformation"), seen):
        if event.resource == stack.name:
            if event.status == "DELETE_IN_PROGRESS":
                left = {}
        elif event.status == "DELETE_FAILED":
            failure = Failure(event.resource, event.resource_type, event.reason)
            left[event.resource] = failure
    return list(left.values())
