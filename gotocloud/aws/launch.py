"""Launching a stack from a published template, until it stands: again and again if need be.

Everything here can be interrupted anywhere and called again: the state in AWS decides.
"""

from __future__ import annotations

import json

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.listener import Listener
from gotocloud.aws.removal import Events, remove, wait_for_end
from gotocloud.aws.session import error_code, explained
from gotocloud.aws.stacks import StackEvent, new_events, stack_of
from gotocloud.contract.tag_text import from_tag
from gotocloud.contract.tags import PROJECT_TAG
from gotocloud.errors import GoToCloudError, shell_line
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.diagnosis import Cause, Diagnosis, Failure, diagnose
from gotocloud.projects.plans import StackPlan
from gotocloud.projects.states import State

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")


class LaunchError(GoToCloudError):
    """A stack could not be made; what there was of it has been removed again."""

    def __init__(self, message: str, diagnosis: Diagnosis) -> None:
        super().__init__(
            message,
            problems=diagnosis.details,
            advice=diagnosis.remedy,
            next_command=diagnosis.command,
        )
        self.cause: Cause = diagnosis.cause


def settle(cloud: Cloud, plan: StackPlan, listener: Listener, *, retry: str) -> dict[str, str]:
    """Have a stack stand, whatever there is of it now; returns its outputs.

    What stands is left alone, what is being made is waited for, what failed before is removed
    and made again. When it fails now, it is removed, so that nothing of it is billed.

    Args:
        retry: The command that does this again, for messages.

    Raises:
        LaunchError: if it cannot be made; with the reason and what to do.
        GoToCloudError: if AWS does not answer, or people must decide.
    """
    watched = False
    events = Events(cloud, listener)
    while True:
        stack = stack_of(cloud, plan.name)
        state = stack.state
        if watched and stack.exists:
            # A stack can be done before the wait for it.
            events.report(stack.stack_id)
        if state is State.READY:
            return dict(stack.outputs)
        if state is State.BROKEN:
            raise broken(stack)
        if state is State.ABSENT:
            # Without a template this is only to be waited for.
            if watched or not plan.template_url:
                raise GoToCloudError(
                    f"The stack {plan.name} was removed while it was made.",
                    next_command=retry,
                )
            listener.step(f"Launching {plan.name} from release {plan.release}")
            _create(cloud, plan)
            watched = True
        elif state in {State.MAKING, State.ENDING}:
            watched = watched or state is State.MAKING
            wait_for_end(cloud, stack.stack_id, listener, events)
        elif watched:
            raise _cleared_failure(cloud, plan, stack, listener, retry)
        else:
            listener.step(f"Removing what an earlier attempt left of {plan.name}")
            remove(cloud, stack, listener)


def broken(stack: DeployedStack) -> GoToCloudError:
    """The error for a project's stack that was ready once, with the way out."""
    project = from_tag(stack.tags.get(PROJECT_TAG, ""))
    finishing = shell_line("gotocloud", "finish", project, "--keep-data")
    return GoToCloudError(
        f"Stack {stack.name} is {stack.status}: it worked once, and a change of it failed. It is "
        "left as it is.",
        advice="The bucket can be kept, and taken over by a new stack.",
        next_command=f"{finishing} && {shell_line('gotocloud', 'setup', project, '--adopt')}",
    )


_PROTECTED = {
    "EnableTerminationProtection": True,
    # Against mistakes: an update can bring another policy for itself:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
    "StackPolicyBody": json.dumps(
        {
            "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": ["Update:Replace", "Update:Delete"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"ResourceType": ["AWS::S3::Bucket"]}},
                },
            ]
        }
    ),
}


def _create(cloud: Cloud, plan: StackPlan) -> None:
    cfn = cloud.client("cloudformation")
    with explained(f"create stack {plan.name} in {plan.region}"):
        try:
            cfn.create_stack(
                StackName=plan.name,
                TemplateURL=plan.template_url,
                RoleARN=plan.role_arn,
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in plan.parameters.items()
                ],
                Tags=[{"Key": key, "Value": value} for key, value in plan.tags.items()],
                Capabilities=list(CAPABILITIES),
                **(_PROTECTED if plan.holds_data else {}),
            )
        except cfn.exceptions.ClientError as error:
            # The same command in another window was faster: then that one is waited for.
            if error_code(error) != "AlreadyExistsException":
                raise


def _cleared_failure(
    cloud: Cloud, plan: StackPlan, stack: DeployedStack, listener: Listener, retry: str
) -> LaunchError:
    failures = _failures(cloud, stack)
    if not failures and stack.reason:
        failures = [Failure(plan.name, "AWS::CloudFormation::Stack", stack.reason)]
    diagnosis = diagnose(failures, retry=retry)
    listener.step(f"It failed; removing {plan.name}, so that nothing of it is billed")
    remove(cloud, stack, listener)
    return LaunchError(
        f"{diagnosis.summary} Stack {plan.name} was removed again: nothing of it is billed.",
        diagnosis,
    )


def _failures(cloud: Cloud, stack: DeployedStack) -> list[Failure]:
    seen: dict[str, StackEvent] = {}
    events = new_events(stack.stack_id, cloud.region, cloud.client("cloudformation"), seen)
    return [
        Failure(event.resource, event.resource_type, event.reason)
        for event in events
        if event.failed and event.resource != stack.name
    ]
