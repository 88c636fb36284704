"""The nodes that ParallelCluster makes of a rendered configuration, as Slurm gets them.

Pure: a rendered configuration in, data out. Names, features, memory and exclusiveness follow
ParallelCluster 3 (`slurm_parallelcluster_{queue}_partition.conf` on a head node).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.cluster_configs.instances import instance_types

SCHEDULABLE_MEMORY = 0.95
"""Share of an instance's memory that ParallelCluster offers to jobs by default."""

GPU_MODELS = {
    "g4dn": "t4",
    "g5": "a10g",
    "g6": "l4",
    "g6e": "l40s",
    "g7": "rtxpro4500",
    "g7e": "rtxproserver6000",
    "p4d": "a100",
    "p5": "h100",
}
"""Slurm's name of the GPUs of an instance family; EC2's DescribeInstanceTypes, a test compares."""


@dataclass(frozen=True)
class ComputeResource:
    """The nodes of one compute resource, all alike.

    Args:
        queue: Queue it belongs to, which is Slurm's partition.
        name: ParallelCluster's name of the resource.
        instance_type: EC2's name.
        count: Most nodes at a time.
        vcpus: Slurm's CPUs of a node.
        memory_mib: Slurm's memory of a node.
        gpus: GPUs of a node.
        efa: Whether the nodes have an Elastic Fabric Adapter.
    """

    queue: str
    name: str
    instance_type: str
    count: int
    vcpus: int
    memory_mib: int
    gpus: int
    efa: bool

    @property
    def gpu_model(self) -> str:
        """Slurm's name of its GPUs."""
        return GPU_MODELS[self.instance_type.split(".")[0]]

    @property
    def features(self) -> tuple[str, ...]:
        """As ParallelCluster writes them."""
        names = ["dynamic", self.instance_type, self.name]
        return (*names, *(["efa"] if self.efa else []), *(["gpu"] if self.gpus else []))

    @property
    def prefix(self) -> str:
        """What its nodes' names begin with."""
        return f"{self.queue}-dy-{self.name}-"

    @property
    def node_names(self) -> tuple[str, ...]:
        """Every node, as ParallelCluster names them."""
        return tuple(f"{self.prefix}{number}" for number in range(1, self.count + 1))


@dataclass(frozen=True)
class SlurmQueue:
    """One partition.

    Args:
        name: Its name.
        exclusive: Whether a job has its nodes to itself.
        resources: Its nodes.
    """

    name: str
    exclusive: bool
    resources: tuple[ComputeResource, ...]


def slurm_queues(rendered: Mapping[str, Any]) -> tuple[SlurmQueue, ...]:
    """The partitions of a rendered ParallelCluster configuration, in its order.

    Only dynamic nodes: our configurations have no others.
    """
    return tuple(_queue(queue) for queue in rendered["Scheduling"]["SlurmQueues"])


def node_names(queues: Iterable[SlurmQueue]) -> tuple[str, ...]:
    """Every node of every partition, in order."""
    return tuple(
        name for queue in queues for resource in queue.resources for name in resource.node_names
    )


def _queue(queue: Mapping[str, Any]) -> SlurmQueue:
    return SlurmQueue(
        name=queue["Name"],
        exclusive=queue["JobExclusiveAllocation"],
        resources=tuple(
            _resource(queue["Name"], resource) for resource in queue["ComputeResources"]
        ),
    )


def _resource(queue: str, resource: Mapping[str, Any]) -> ComputeResource:
    machine = instance_types()[resource["InstanceType"]]
    return ComputeResource(
        queue=queue,
        name=resource["Name"],
        instance_type=machine.name,
        count=int(resource["MaxCount"]),
        vcpus=machine.vcpus,
        memory_mib=int(machine.memory_gib * 1024 * SCHEDULABLE_MEMORY),
        gpus=machine.gpus,
        efa=bool(resource["Efa"]["Enabled"]),
    )
