"""The idle guard on a head node: looks, and carries out what follows from it.

It pauses by the code of `gotocloud pause`, with two differences: its commands run on this very
machine, and it does not wait for the end, because the end is its own.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.cluster_end import deadline
from gotocloud.aws.listener import Listener
from gotocloud.aws.local_node import Runner
from gotocloud.aws.pausing import (
    ClusterState,
    PauseOptions,
    cluster_state,
    pause,
    reopen,
)
from gotocloud.aws.session import explained
from gotocloud.aws.stacks import stack_of
from gotocloud.contract.project_bucket import GUARD_NOTICE, NOTICE_AT, NOTICE_TEXT, STACK_ID
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.stacks import ClusterParameter
from gotocloud.errors import GoToCloudError
from gotocloud.projects.idle_guard import Action, Decision, still_used
from gotocloud.projects.observation import (
    OBSERVE,
    Observation,
    read_observation,
    unseen,
    warning_script,
)
from gotocloud.projects.pausing import CLOSE, Proof

ACCOUNT_FIELD = 4
"""Of an ARN."""


class HeadNodeFacts(Protocol):
    """The facts of a head node about its cluster."""

    @property
    def stack(self) -> str:
        """Its CloudFormation stack."""

    @property
    def project(self) -> str:
        """Whose cluster it is."""

    @property
    def scientist(self) -> str:
        """Whose project that is."""


@dataclass(frozen=True)
class Guarded:
    """The cluster of this head node.

    Args:
        now: It, with this machine as its head node.
        node: This machine.
        deadline_s: Until when it is kept, in seconds since 1970; None while it is used.
    """

    now: ClusterState
    node: Runner
    deadline_s: float | None


def guarded(cloud: Cloud, facts: HeadNodeFacts, node: Runner) -> Guarded:
    """The cluster that this head node belongs to, as CloudFormation describes it.

    Raises:
        GoToCloudError: if it cannot be read, or is another than in the facts.
    """
    stack = stack_of(cloud, facts.stack)
    if not stack.exists:
        raise GoToCloudError(f"There is no stack {facts.stack}, to which this machine belongs.")
    account = stack.stack_id.split(":")[ACCOUNT_FIELD]
    names = ProjectNames(facts.scientist, account, facts.project)
    if names.cluster_stack != facts.stack:
        raise GoToCloudError(
            f"By its facts this machine belongs to stack {facts.stack}, but the cluster of "
            f"{facts.project!r} is {names.cluster_stack}. It is kept.",
        )
    now = replace(cluster_state(cloud, names), node=node)
    until = deadline(cloud, now.stack)
    return Guarded(now, node, None if until is None else until.timestamp())


def observe(node: Runner) -> Observation:
    """Look whether a person uses the cluster; what cannot be seen is unknown."""
    try:
        return read_observation(node.run(OBSERVE, "look whether a person uses the cluster"))
    except (GoToCloudError, ValueError):
        return unseen(time.time())


def carry_out(cloud: Cloud, one: Guarded, decision: Decision, listener: Listener) -> Proof | None:
    """Do what was decided; returns the proof when it has begun to delete the cluster.

    Raises:
        GoToCloudError: if it cannot be done; the cluster is kept.
    """
    if decision.reopen:
        reopen(cloud, one.now, sleep=listener.sleep)
    if decision.action is Action.WARN:
        warn(one.node, decision.message)
    elif decision.action is Action.CLOSE:
        one.node.run(CLOSE, "close the queues")
    elif decision.action is Action.PAUSE:
        by_deadline = one.deadline_s is not None
        options = PauseOptions(
            wait=by_deadline,
            in_use=lambda: _wanted_again(cloud, one, by_deadline=by_deadline),
            follow=False,
        )
        return pause(cloud, one.now, options, listener)
    return None


def notify(cloud: Cloud, one: Guarded, text: str) -> None:
    """Leave word in the project's bucket, where `gotocloud status` finds it; empty: it is over.

    Raises:
        GoToCloudError: if it cannot be written.
    """
    bucket = one.now.stack.parameters[ClusterParameter.BUCKET_NAME]
    content = {STACK_ID: one.now.stack.stack_id, NOTICE_TEXT: text}
    content[NOTICE_AT] = datetime.now(UTC).isoformat(timespec="seconds")
    with explained(f"leave a notice in {bucket}"):
        cloud.client("s3").put_object(
            Bucket=bucket,
            Key=GUARD_NOTICE,
            Body=json.dumps(content, indent=1).encode(),
            ContentType="application/json",
        )


def warn(node: Runner, text: str) -> None:
    """Tell everybody who is on the head node."""
    node.run(warning_script(text), "warn its users")


def _wanted_again(cloud: Cloud, one: Guarded, *, by_deadline: bool) -> tuple[str, ...]:
    seen = observe(one.node)
    found = still_used(seen, by_deadline=by_deadline)
    until = deadline(cloud, one.now.stack)
    if until is not None and until.timestamp() > seen.at_s:
        found += (f"the cluster is to be kept until {until:%Y-%m-%d %H:%M} UTC",)
    return tuple(f"{text}." for text in found)
