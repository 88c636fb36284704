"""Launching a stack from a published template, until it stands: again and again if need be.

Everything here can be interrupted anywhere and called again: the state in AWS decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gotocloud import __version__
from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.group_facts import GroupFacts
from gotocloud.aws.listener import Listener
from gotocloud.aws.releases import owned, require_scripts, verified_template
from gotocloud.aws.session import error_code, explained
from gotocloud.aws.stacks import POLL_S, StackEvent, describe, new_events
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.releases import MANIFEST, PROJECT_TEMPLATE, release_key
from gotocloud.contract.releases import PREFIX as RELEASES_PREFIX
from gotocloud.contract.tag_text import from_tag
from gotocloud.contract.tags import PROJECT_TAG
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError, shell_line
from gotocloud.formats import duration_text, parse_json
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.diagnosis import Cause, Diagnosis, Failure, diagnose
from gotocloud.projects.names import version_order
from gotocloud.projects.plans import StackPlan
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

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")


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


def choose_release(cloud: Cloud, facts: GroupFacts, wanted: str | None) -> tuple[str, str]:
    """The release to launch from, and how it was chosen.

    The newest one that is published completely; the program's own version where the account
    may not list releases.

    Args:
        wanted: A requested version.

    Raises:
        GoToCloudError: if nothing is published.
    """
    if wanted:
        return wanted, "as requested"
    s3 = cloud.client("s3", facts.releases_region)
    bucket = facts[Fact.RELEASES_BUCKET]

    def listed() -> list[str]:
        pages = s3.get_paginator("list_objects_v2").paginate(
            **owned(bucket), Prefix=f"{RELEASES_PREFIX}/", Delimiter="/"
        )
        prefixes = [it["Prefix"] for page in pages for it in page.get("CommonPrefixes", ())]
        return [prefix.split("/")[1] for prefix in prefixes]

    versions, why = answer_of(f"list the releases in {bucket}", listed)
    if versions is None:
        return __version__, f"this program's own version, because releases cannot be listed ({why})"
    approved = facts.approved_releases
    launchable = [version for version in versions if not approved or version in approved]
    for version in sorted(launchable, key=version_order, reverse=True):
        key = release_key(version, MANIFEST)
        # Bound now: the loop goes on to another key.
        found, _ = answer_of(
            f"look at s3://{bucket}/{key}",
            lambda key=key: s3.head_object(**owned(bucket), Key=key),  # type: ignore[misc]
        )
        if found is not None:
            return version, "the newest"
    raise GoToCloudError(
        f"No release is published in {bucket}"
        + (f" of those that are approved: {', '.join(approved)}." if approved else "."),
        advice="Ask the management group to publish one (gotocloud platform publish).",
    )


def published_template(
    cloud: Cloud, facts: GroupFacts, release: str, path: str
) -> tuple[str, dict[str, Any]]:
    """URL and content of a published template that matches its manifest.

    For a cluster, the scripts that its nodes would run match it as well.

    Raises:
        GoToCloudError: if it is not published, or has been changed.
    """
    bucket, region = facts[Fact.RELEASES_BUCKET], facts.releases_region
    url, content = verified_template(
        bucket,
        region,
        release,
        path,
        url_suffix=facts.url_suffix,
        s3=cloud.client("s3", region),
        approved=facts.approved_releases,
    )
    if path != PROJECT_TEMPLATE:
        require_scripts(
            bucket,
            region,
            release,
            s3=cloud.client("s3", region),
            approved=facts.approved_releases,
        )
    template: dict[str, Any] = parse_json(content)
    return url, template


def stack_of(cloud: Cloud, name: str) -> DeployedStack:
    """A stack of the caller's account and region by its name or id.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    return describe(name, cloud.region, cfn=cloud.client("cloudformation"))


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
            # A stack can be done before anybody waited for it.
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
            _wait(cloud, stack.stack_id, listener, events)
        elif watched:
            raise _cleared_failure(cloud, plan, stack, listener, retry)
        else:
            listener.step(f"Removing what an earlier attempt left of {plan.name}")
            remove(cloud, stack, listener)


def remove(cloud: Cloud, stack: DeployedStack, listener: Listener) -> None:
    """Delete a stack and wait until it is gone.

    What AWS does not delete is left behind if it costs nothing and keeps no name: else the stack,
    and what it bills, would stay for ever.

    Raises:
        GoToCloudError: if something of it cannot be deleted, and may go on being billed.
    """
    events = Events(cloud, _from_its_removal(listener))
    if _wait(cloud, stack.stack_id, listener, events).state is State.ABSENT:
        return
    begin_removal(cloud, stack)
    if _wait(cloud, stack.stack_id, listener, events).state is State.ABSENT:
        return
    stuck = _undeleted(cloud, stack)
    if stuck and all(one.resource_type in FREE_WITHOUT_STACK for one in stuck):
        names = [one.resource for one in stuck]
        listener.step(f"Leaving behind what AWS does not delete, and does not bill: {names}")
        begin_removal(cloud, stack, leave=names)
        if _wait(cloud, stack.stack_id, listener, events).state is State.ABSENT:
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
    # Against mistakes: an update can bring another policy for itself.
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


def _wait(cloud: Cloud, stack_id: str, listener: Listener, events: Events) -> DeployedStack:
    """Wait until nothing is in progress; the stack as it is then."""
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


def _failures(cloud: Cloud, stack: DeployedStack) -> list[Failure]:
    seen: dict[str, StackEvent] = {}
    events = new_events(stack.stack_id, cloud.region, cloud.client("cloudformation"), seen)
    return [
        Failure(event.resource, event.resource_type, event.reason)
        for event in events
        if event.failed and event.resource != stack.name
    ]
