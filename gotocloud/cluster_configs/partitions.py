"""Slurm's partitions as routing, checks and forms see them.

A partition is a queue of the configuration, or its spot twin, with the machine that the
region gives it. `configured_partitions` lists what a configuration will have;
`gotocloud.slurm.sinfo` lists what the running Slurm has. A test keeps them equal.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.limits import SPOT_SUFFIX

if TYPE_CHECKING:
    from gotocloud.cluster_configs.model import ClusterConfiguration
    from gotocloud.cluster_configs.selection import ChosenQueue


@dataclass(frozen=True)
class Partition:
    """One queue of the running cluster.

    Args:
        name: Name in Slurm, for example "refine3d-spot".
        instance_type: EC2's name of its machines, for example "g4dn.metal".
        max_nodes: The most machines it can have at a time.
        vcpus: Virtual CPUs of a machine, hyper-threads counted; Slurm's CPUs.
        memory_gib: Main memory of a machine.
        gpus: GPUs of a machine.
        gpu_memory_gib: Memory of one GPU; None without a GPU or when not known.
        spot: Whether its machines may be taken away.
        exclusive: Whether a job has its machines to itself.
    """

    name: str
    instance_type: str
    max_nodes: int
    vcpus: int
    memory_gib: float
    gpus: int
    gpu_memory_gib: float | None
    spot: bool
    exclusive: bool

    @property
    def queue_name(self) -> str:
        """Name of the configuration's queue, the same on demand and spot."""
        return self.name.removesuffix(SPOT_SUFFIX) if self.spot else self.name


def configured_partitions(
    configuration: ClusterConfiguration, offered: Container[str]
) -> tuple[Partition, ...]:
    """The partitions of a configuration, in its order, each on demand and then spot.

    Args:
        configuration: The cluster configuration.
        offered: Instance types offered in the cluster's zone.

    Raises:
        GoToCloudError: as `select`, if there is no queue to be had.
    """
    # The models take longer to import than most commands take to run.
    from gotocloud.cluster_configs.selection import select

    return tuple(
        _partition(chosen, spot=spot)
        for chosen in select(configuration, offered).queues
        for spot in (False, True)
    )


def _partition(chosen: ChosenQueue, *, spot: bool) -> Partition:
    queue, choice = chosen.queue, chosen.choice
    machine = instance_types()[choice.instance_type]
    return Partition(
        name=queue.spot_name if spot else queue.name,
        instance_type=machine.name,
        max_nodes=choice.max_nodes,
        vcpus=machine.vcpus,
        memory_gib=machine.memory_gib,
        gpus=machine.gpus,
        gpu_memory_gib=machine.gpu_memory_gib,
        spot=spot,
        exclusive=queue.exclusive,
    )
