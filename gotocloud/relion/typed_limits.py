"""What a scientist typed against what a queue has."""

from __future__ import annotations

import re

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import InputError
from gotocloud.relion.gpu_map import IDS
from gotocloud.relion.job import Job
from gotocloud.relion.overrides import Overrides


def check_typed(job: Job, partition: Partition, chosen: Overrides) -> None:
    """Refuse what cannot be had, all of it at once."""
    problems = []
    single = not job.runs_mpi
    if chosen.nodes is not None:
        if chosen.nodes > partition.max_nodes:
            problems.append(
                f"{chosen.nodes} machines: the queue {partition.name} has {partition.max_nodes} "
                f"(allowed: 1 to {partition.max_nodes})"
            )
        if single and chosen.nodes > 1:
            problems.append(f"{chosen.nodes} machines: {job.kind} has no MPI and runs on 1")
        if chosen.ranks is not None and chosen.ranks < chosen.nodes:
            problems.append(
                f"{chosen.ranks} ranks cannot fill {chosen.nodes} machines "
                f"(allowed: 1 to {chosen.ranks} machines)"
            )
    if chosen.ranks is not None and chosen.ranks < 1:
        problems.append(f"{chosen.ranks} ranks: 1 is the least")
    if chosen.threads is not None and not 1 <= chosen.threads <= partition.vcpus:
        problems.append(
            f"{chosen.threads} threads: a {partition.instance_type} has {partition.vcpus} vCPUs "
            f"(allowed: 1 to {partition.vcpus})"
        )
    if chosen.gpu_ids:
        problems += _gpu_problems(chosen.gpu_ids, partition)
    if problems:
        raise InputError(
            f"{job.name} cannot run with the values of its form.",
            problems=problems,
            next_command="gotocloud form --show",
        )


def _gpu_problems(gpu_ids: str, partition: Partition) -> list[str]:
    if not partition.gpus:
        return [f"GPUs {gpu_ids!r}: the queue {partition.name} has none"]
    allowed = f"allowed: 0 to {partition.gpus - 1}, ':' between ranks, ',' between threads"
    if not IDS.fullmatch(gpu_ids):
        return [f"GPUs {gpu_ids!r}: that is no list of GPUs ({allowed})"]
    beyond = {one for one in re.split("[:,]", gpu_ids) if int(one) >= partition.gpus}
    if beyond:
        listed = ", ".join(sorted(beyond, key=int))
        return [f"GPUs {gpu_ids!r}: a {partition.instance_type} has no GPU {listed} ({allowed})"]
    return []
