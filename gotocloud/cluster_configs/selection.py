"""What a cluster configuration comes down to where only some instance types are offered."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import ClusterConfiguration, Queue, QueueMachine
from gotocloud.cluster_configs.offerings import Offerings
from gotocloud.errors import GoToCloudError


@dataclass(frozen=True)
class ChosenQueue:
    """A queue and the instance type that it uses in one region."""

    queue: Queue
    choice: QueueMachine

    @property
    def efa(self) -> bool:
        """Whether the nodes get EFA: requested, and the type has it."""
        return self.queue.efa and instance_types()[self.choice.instance_type].efa


@dataclass(frozen=True)
class Selection:
    """What a configuration comes down to where only some instance types are offered.

    Args:
        head_node: Instance type of the head node.
        queues: The queues that can be had.
        left_out: The queues that cannot, because none of their types is offered.
    """

    head_node: str
    queues: tuple[ChosenQueue, ...]
    left_out: tuple[Queue, ...]


def select(configuration: ClusterConfiguration, offered: Container[str] | None) -> Selection:
    """Choose the first offered instance type of the head node and of each queue.

    Args:
        configuration: What the cluster looks like.
        offered: Instance types offered in its zone; None when the zone offers all of them.

    Raises:
        GoToCloudError: if there is no head node or no queue to be had at all, or no data on
            an instance type.
    """
    if offered is None:
        offered = configuration.instance_types
    if isinstance(offered, Offerings):
        offered.require(configuration.instance_types)
    heads = [name for name in configuration.head_node.instance_types if name in offered]
    chosen = []
    left_out = []
    for queue in configuration.queues:
        choices = [choice for choice in queue.choices if choice.instance_type in offered]
        if choices:
            chosen.append(ChosenQueue(queue, choices[0]))
        else:
            left_out.append(queue)
    if not heads or not chosen:
        missing = "queue" if heads else "head node"
        raise GoToCloudError(
            f"Cluster configuration {configuration.name!r} cannot be used here: "
            f"no instance type of any {missing} is offered.",
            next_command="gotocloud platform zones",
        )
    return Selection(head_node=heads[0], queues=tuple(chosen), left_out=tuple(left_out))
