"""Which queue a job goes to, and whether its machines are spot or on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gotocloud.cluster_configs.limits import ONE_GPU, SMALL
from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import GoToCloudError, InputError, unknown_name
from gotocloud.relion.gpu_map import device_lists
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import SpreadRule
from gotocloud.relion.memory import fitting_ranks, gpu_memory_gb, gpu_memory_there_gb
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.settings import Setting
from gotocloud.relion.sizing import (
    LEAST_WORK_S,
    gpu_seconds,
    rank_seconds,
    rank_threads,
)

if TYPE_CHECKING:
    from gotocloud.cluster_configs.model import ClusterConfiguration


def fits(setting: Setting, kind: str, partition: Partition) -> bool:
    """Whether a setting is for a kind of job on the machines of a queue."""
    return (setting.kind, setting.instance_type) == (kind, partition.instance_type)


def measured_queue(
    kind: str, partitions: Sequence[Partition], settings: Sequence[Setting]
) -> Partition | None:
    """The queue with the machine of the best measured setting that can be had."""
    for setting in settings:
        for partition in partitions:
            if not partition.spot and fits(setting, kind, partition):
                return partition
    return None


def home_queue(
    job: Job,
    partitions: Sequence[Partition],
    chosen: Overrides,
    configuration: ClusterConfiguration | None,
    measured: Partition | None,
) -> tuple[Partition, str]:
    """The queue of the job, on demand unless another was typed, and a remark on it."""
    by_name = {partition.name: partition for partition in partitions}
    if chosen.queue is not None:
        if chosen.queue not in by_name:
            raise unknown_name(
                "queue", chosen.queue, ("automatic", *by_name), next_command="gotocloud form --show"
            )
        return by_name[chosen.queue], "queue as typed"
    usual = next((by_name[one] for one in _queues_of(job, configuration) if one in by_name), None)
    if measured is not None:
        return measured, ""
    if usual is not None:
        free = chosen.nodes is None and chosen.ranks is None and chosen.threads is None
        if not job.type.registered and job.names_gpu:
            return _with_gpus(job, usual, partitions, chosen)
        if job.program.shape is SpreadRule.TYPED:
            return _for_typed(job, usual, by_name, configuration, chosen)
        if not free:
            return usual, ""
        smaller = _smaller(job, usual, by_name, configuration)
        return smaller if smaller[1] else _larger_memory(job, usual, partitions)
    return _substitute(job, partitions)


def _queues_of(job: Job, configuration: ClusterConfiguration | None) -> tuple[str, ...]:
    """Names of the queues of a job, the preferred one first."""
    if configuration is None:
        return (job.queue_job_type,)
    queues = configuration.queues_for(job.queue_job_type, job.kind, job.type.name)
    return tuple(queue.name for queue in queues)


def _for_typed(
    job: Job,
    usual: Partition,
    by_name: Mapping[str, Partition],
    configuration: ClusterConfiguration | None,
    chosen: Overrides,
) -> tuple[Partition, str]:
    """The shared small queue for a program of one's own with few ranks and threads."""
    ranks, threads = chosen.ranks or job.ranks, chosen.threads or job.threads
    if configuration is None or chosen.nodes or job.type.can_use_gpu:
        return usual, ""
    for queue in configuration.queues_for(SMALL):
        there = by_name.get(queue.name)
        if there and not there.exclusive and there != usual and ranks * threads <= there.vcpus:
            return there, (
                f"a part of a machine has room for so few; type the queue {usual.name} if the "
                f"program needs more than {there.memory_gib:g} GiB of memory"
            )
    return usual, ""


def _with_gpus(
    job: Job, usual: Partition, partitions: Sequence[Partition], chosen: Overrides
) -> tuple[Partition, str]:
    """The smallest machines with the GPUs that a job of an unknown type names."""
    named = [one for each in device_lists(job.gpu_ids) for one in each]
    ranks, threads = chosen.ranks or job.ranks, chosen.threads or job.threads
    able = [one for one in partitions if one.gpus > max(named, default=0) and not one.spot]
    if not able:
        return usual, "its settings name a GPU, and no queue of this cluster has it"
    wide = [one for one in able if ranks * threads <= one.vcpus * one.max_nodes]
    best = min(wide or able, key=lambda one: (one.gpus, one.vcpus, one.name))
    return best, "a queue with GPUs, because its settings name one"


def _smaller(
    job: Job,
    usual: Partition,
    by_name: Mapping[str, Partition],
    configuration: ClusterConfiguration | None,
) -> tuple[Partition, str]:
    """The shared small queue for a job that cannot fill a machine of its own queue.

    Either its items cannot, or they are too little work for one more machine
    (`sizing.LEAST_WORK_S`).
    """
    items = job.work.items
    if configuration is None or not items:
        return usual, ""
    if job.refines and job.uses_gpu:
        fewer = _fewer_gpus(job, usual, by_name, configuration)
        return fewer if fewer[1] else _larger_gpus(job, usual, by_name)
    if job.refines or job.uses_gpu or not job.runs_mpi:
        return usual, ""
    threads = rank_threads(job)
    for queue in configuration.queues_for(SMALL):
        there = by_name.get(queue.name)
        if there is None or there == usual or there.exclusive:
            continue
        seconds = rank_seconds(job)
        # Without threads a rank has a physical core.
        workers = there.vcpus // max(2, threads)
        is_short = seconds is not None and seconds / workers < LEAST_WORK_S
        if items * threads > there.vcpus and not is_short:
            continue
        fits = fitting_ranks(job, threads, there.memory_gib)
        if fits is None or fits >= (1 if is_short else items):
            return there, f"a part of a machine is enough for {job.work}"
    return usual, ""


def _fewer_gpus(
    job: Job,
    usual: Partition,
    by_name: Mapping[str, Partition],
    configuration: ClusterConfiguration,
) -> tuple[Partition, str]:
    """A queue with fewer GPUs for a refinement that one GPU does before a machine pays."""
    seconds = gpu_seconds(job)
    if seconds is None or seconds >= LEAST_WORK_S:
        return usual, ""
    for queue in configuration.queues_for(ONE_GPU):
        there = by_name.get(queue.name)
        if there is None or not 0 < there.gpus < usual.gpus:
            continue
        if job.splits_halves and not _halves_fit(job, there):
            continue
        return there, f"one GPU is enough for {job.work}"
    return usual, ""


def _larger_gpus(
    job: Job, usual: Partition, by_name: Mapping[str, Partition]
) -> tuple[Partition, str]:
    """The queue with most GPUs that hold a refinement's last iteration, if the usual one's do not.

    Only a refinement of two halves works at the resolution of its box in the end.
    """
    if not job.splits_halves or job.box_px is None or _gpu_fits(job, usual):
        return usual, ""
    able = [
        one
        for one in by_name.values()
        if one.gpus > 1 and not one.spot and one.exclusive and _gpu_fits(job, one)
    ]
    if not able:
        return usual, ""
    best = max(able, key=lambda one: one.gpus * one.max_nodes)
    needed = gpu_memory_gb(job.box_px, job.padding)
    return best, (
        f"boxes of {job.box_px} px need {needed:.1f} GB of a GPU, which {usual.instance_type} "
        "does not have"
    )


def _larger_memory(
    job: Job, usual: Partition, partitions: Sequence[Partition]
) -> tuple[Partition, str]:
    """The smallest machine without GPUs that holds a rank, where the shared one does not."""
    threads = rank_threads(job)
    if usual.exclusive or fitting_ranks(job, threads, usual.memory_gib) != 0:
        return usual, ""
    able = [
        one
        for one in partitions
        if not one.gpus and not one.spot and fitting_ranks(job, threads, one.memory_gib)
    ]
    if not able:
        return usual, ""
    best = min(able, key=lambda one: (one.memory_gib, one.vcpus))
    return best, f"one rank does not fit {usual.memory_gib:g} GiB of memory"


def _gpu_fits(job: Job, partition: Partition) -> bool:
    """Whether a follower of a refinement fits one GPU; unknown memory counts as enough."""
    there_gb = gpu_memory_there_gb(partition)
    if job.box_px is None or there_gb is None:
        return True
    return gpu_memory_gb(job.box_px, job.padding) <= there_gb


def _halves_fit(job: Job, partition: Partition) -> bool:
    """Whether the two halves of a refinement fit the memory of one GPU together."""
    there_gb = gpu_memory_there_gb(partition)
    if job.box_px is None or there_gb is None:
        return False
    return 2 * gpu_memory_gb(job.box_px, job.padding) <= there_gb


def _substitute(job: Job, partitions: Sequence[Partition]) -> tuple[Partition, str]:
    """Another queue that can do the work, where the region has none for the job type."""
    wanted = job.queue_job_type
    on_demand = [one for one in partitions if not one.spot]
    needs_gpu = job.uses_gpu
    able = [one for one in on_demand if bool(one.gpus) == needs_gpu]
    if not able:
        names = ", ".join(one.name for one in on_demand) or "none"
        raise GoToCloudError(
            f"This cluster has no queue for {wanted} and no other with"
            f"{'' if needs_gpu else 'out'} GPUs; its queues are: {names}. "
            "To use one of them all the same, type its name under 'Queue name'.",
            next_command="gotocloud form --show",
        )
    best = max(able, key=lambda one: one.gpus * one.max_nodes or one.vcpus * one.max_nodes)
    return best, f"this cluster has no {wanted} queue"


def bought(
    job: Job,
    home: Partition,
    partitions: Sequence[Partition],
    chosen: Overrides,
    *,
    prefer_spot: bool,
) -> tuple[Partition, str]:
    """The on-demand or the spot twin of a queue, and why."""
    twins = {one.spot: one for one in partitions if one.queue_name == home.queue_name}
    if chosen.spot is not None:
        return _twin(home, twins, spot=chosen.spot)
    if chosen.queue is not None or not prefer_spot:
        return home, ""
    if not job.can_resume:
        return twins.get(False, home), (
            "on demand although the cluster prefers spot, because this job could not go on "
            "after an interruption"
        )
    if True in twins:
        return twins[True], "spot, as the cluster prefers; an interrupted job goes on by itself"
    return home, ""


def _twin(home: Partition, twins: dict[bool, Partition], *, spot: bool) -> tuple[Partition, str]:
    words = "spot" if spot else "on-demand"
    if spot not in twins:
        raise InputError(
            f"The queue {home.queue_name!r} has no {words} machines here.",
            next_command="gotocloud form --show",
        )
    return twins[spot], f"{words} as typed"
