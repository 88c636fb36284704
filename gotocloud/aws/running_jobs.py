"""Reads from head nodes how many jobs they have: all at once, and not for long."""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Thread

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.head_node import HeadNode
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX, ClusterOutput
from gotocloud.errors import GoToCloudError
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.jobs_now import COUNT, JobsNow, read_count
from gotocloud.projects.states import State

WITHIN_S = 12.0
"""How long the slowest head node is waited for."""


def jobs_now(
    cloud: Cloud, stacks: Iterable[DeployedStack], *, within_s: float = WITHIN_S
) -> dict[str, JobsNow]:
    """Jobs of every cluster that runs, by the name of its stack.

    Nothing is raised: what cannot be read has its reason.
    """
    ready = [
        one
        for one in stacks
        if one.name.startswith(CLUSTER_STACK_PREFIX) and one.state is State.READY
    ]
    late = JobsNow(why=f"the head node did not answer within {within_s:g} s")
    found = dict.fromkeys((one.name for one in ready), late)
    if not ready:
        return found
    # Clients are made before threads share them.
    cloud.client("ssm")

    def look(stack: DeployedStack) -> None:
        found[stack.name] = _jobs(cloud, stack, within_s)

    # Daemons: an answer that never comes does not keep the program from ending.
    threads = [Thread(target=look, args=(stack,), daemon=True) for stack in ready]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(found)


def _jobs(cloud: Cloud, stack: DeployedStack, within_s: float) -> JobsNow:
    instance = stack.outputs.get(ClusterOutput.HEAD_NODE_INSTANCE_ID)
    if not instance:
        return JobsNow(why="its stack names no head node")
    try:
        return read_count(HeadNode(cloud, instance).run(COUNT, "count jobs", within_s=within_s))
    except GoToCloudError as error:
        return JobsNow(why="; ".join((error.message, *error.problems)))
    except Exception as error:
        # It would only show in the terminal, as a traceback.
        return JobsNow(why=f"{type(error).__name__}: {error}")
