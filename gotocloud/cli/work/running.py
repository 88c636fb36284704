"""The running cluster that a command is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gotocloud.cli.output import narrate
from gotocloud.contract.stacks import ClusterOutput
from gotocloud.errors import GoToCloudError, shell_line

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.head_node import HeadNode
    from gotocloud.aws.projects import Place
    from gotocloud.contract.project_names import ProjectNames


@dataclass(frozen=True)
class Running:
    """A cluster that runs.

    Args:
        node: Its head node.
        address: Public address of the head node.
        desktop_group: Security group of its desktop.
    """

    names: ProjectNames
    node: HeadNode
    address: str
    desktop_group: str


def running(cloud: Cloud, where: Place, project: str | None, verb: str, *, change: bool) -> Running:
    """The cluster of a project; closes desktops that are past their time on the way.

    Args:
        change: Whether anything may be changed.

    Raises:
        GoToCloudError: if it does not run.
    """
    from gotocloud.aws.head_node import HeadNode
    from gotocloud.aws.pausing import cluster_state, interrupted
    from gotocloud.aws.projects import checked_names, only_project
    from gotocloud.projects.states import State

    name = project or only_project(cloud, where, verb)
    if change:
        close_stale_desktops(cloud)
    now = cluster_state(cloud, checked_names(where, name))
    outputs = now.stack.outputs
    if now.state is not State.READY or not isinstance(now.node, HeadNode):
        raise GoToCloudError(
            f"The cluster of {name!r} does not run: it is {now.state.value}.",
            next_command=shell_line("gotocloud", "start", name),
        )
    if interrupted(cloud, now):
        narrate(
            "Warning: a pause was interrupted; files are not exported as they are written. "
            f"To work on: {now.retry} --reopen"
        )
    return Running(
        now.names,
        now.node,
        outputs.get(ClusterOutput.HEAD_NODE_PUBLIC_IP, ""),
        outputs.get(ClusterOutput.DESKTOP_SECURITY_GROUP_ID, ""),
    )


def close_stale_desktops(cloud: Cloud) -> None:
    """Close desktops that are past their time, or open to the world, and tell of each."""
    from gotocloud.aws.desktop_access import close_stale

    for one in close_stale(cloud):
        narrate(f"Closed a desktop to {one.network}: {one.description or 'open to the world'}.")
