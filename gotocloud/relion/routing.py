"""Which queue, how many machines, ranks and threads a job gets, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gotocloud.cluster_configs.limits import ONE_GPU, SMALL
from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import GoToCloudError, InputError, unknown_name
from gotocloud.relion.gpu_map import IDS
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import GpuUse, Parallelism
from gotocloud.relion.memory import fitting_ranks, gpu_memory_gb, gpu_memory_there_gb
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.settings import (
    AS_TYPED,
    VCPUS_A_RANK,
    Setting,
    derived_setting,
    published_setting,
)
from gotocloud.relion.sizing import OVERHEAD_S, gpu_seconds, sized
from gotocloud.relion.spreading import gpu_for_each, gpu_list, spread

if TYPE_CHECKING:
    from gotocloud.cluster_configs.model import ClusterConfiguration


@dataclass(frozen=True)
class Route:
    """Where a job runs and how it is spread.

    Args:
        queue: Slurm's name of the queue.
        instance_type: EC2's name of its machines.
        nodes: Machines.
        ranks: MPI ranks, the leader included; 1 is a program without MPI.
        layout: Ranks of each machine, in order; the leader stands on the first. RELION
            spreads GPUs over followers in rank order, so ranks must be placed in blocks
            of just these sizes (3dem/relion #156).
        threads: Threads of each rank.
        gpus_per_node: GPUs to ask Slurm for on each machine; 0 without GPU work. Never ask
            per task: then every GPU looks like number 0 (3dem/relion #1074).
        gpu_ids: What `--gpu` gets; empty leaves the spread to RELION.
        module: Environment module that the scientist chose; None for the catalogue's.
        exclusive: Whether the job has its machines to itself.
        spot: Whether the machines may be taken away.
        reason: The choice and why, in one sentence.
        source: Where the figures come from.
    """

    queue: str
    instance_type: str
    nodes: int
    ranks: int
    layout: tuple[int, ...]
    threads: int
    gpus_per_node: int
    gpu_ids: str
    module: str | None
    exclusive: bool
    spot: bool
    reason: str
    source: str

    @property
    def ranks_per_node(self) -> int:
        """Ranks of the fullest machine."""
        return max(self.layout)

    @property
    def shape(self) -> str:
        """Machines, ranks and threads: "8 x g4dn.12xlarge, 33 ranks x 6 threads"."""
        ranks = f"{self.ranks} ranks x " if self.ranks > 1 else ""
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        gpus = self.gpus_per_node * self.nodes
        on = f", {gpus} GPU{'s' if gpus > 1 else ''}" if gpus else ""
        return f"{self.nodes} x {self.instance_type}, {ranks}{threads}{on}"


def route(
    job: Job,
    partitions: Sequence[Partition],
    overrides: Overrides | None = None,
    *,
    configuration: ClusterConfiguration | None = None,
    prefer_spot: bool = False,
    settings: Sequence[Setting] = (),
) -> Route:
    """The machines for a job.

    Args:
        job: The job.
        partitions: The cluster's queues.
        overrides: What the scientist chose (`overrides_of`). Default: nothing.
        configuration: Which queue serves which job type, where queues serve several.
            Default: queues are known by their names alone.
        prefer_spot: Whether the cluster was started to use spot machines. A job that could
            not go on after an interruption stays on demand all the same.
        settings: Measured settings, best first; they count before anything published.

    Raises:
        InputError: with everything in the choice that cannot be had, and what can.
        GoToCloudError: if the cluster has no queue for it.
    """
    chosen = overrides or Overrides()
    kind = job.kind
    measured = None if chosen.queue else _measured(kind, partitions, settings)
    home, note = _home(job, partitions, chosen, configuration, measured)
    partition, purchase = _purchase(job, home, partitions, chosen, prefer_spot=prefer_spot)
    setting = (
        next((s for s in settings if _fits(s, kind, partition)), None)
        or published_setting(kind, partition.instance_type)
        or derived_setting(job, partition)
    )
    _check(job, partition, chosen)
    # Typed ranks fill machines as densely as the setting does, however small the job is.
    setting, cuts = (setting, []) if chosen.ranks else sized(job, partition, setting)
    shape = _shape(job, partition, setting, chosen)
    notes = [note, *(cuts if shape.is_setting else ()), *shape.notes, purchase]
    made = Route(
        queue=partition.name,
        instance_type=partition.instance_type,
        nodes=shape.nodes,
        ranks=shape.ranks,
        layout=shape.layout,
        threads=shape.threads,
        gpus_per_node=shape.gpus_per_node,
        gpu_ids=shape.gpu_ids,
        module=chosen.module,
        exclusive=partition.exclusive,
        spot=partition.spot,
        reason="",
        source=setting.source if shape.is_setting else f"{AS_TYPED}; otherwise: {setting.source}",
    )
    because = _because(setting, shape)
    said = "; ".join(one for one in (because, *notes) if one)
    return replace(made, reason=f"{partition.queue_name}: {made.shape}: {said}.")


def _because(setting: Setting, shape: _Shape) -> str:
    if not shape.is_setting:
        return AS_TYPED
    if shape.idle_gpus:
        return (
            f"{setting.because}, which is for GPUs, but they stay idle here because "
            "'Use GPU acceleration?' is No"
        )
    return setting.because


def _fits(setting: Setting, kind: str, partition: Partition) -> bool:
    return (setting.kind, setting.instance_type) == (kind, partition.instance_type)


def _measured(
    kind: str, partitions: Sequence[Partition], settings: Sequence[Setting]
) -> Partition | None:
    """The queue with the machine of the best measured setting that can be had."""
    for setting in settings:
        for partition in partitions:
            if not partition.spot and _fits(setting, kind, partition):
                return partition
    return None


def _home(
    job: Job,
    partitions: Sequence[Partition],
    chosen: Overrides,
    configuration: ClusterConfiguration | None,
    measured: Partition | None,
) -> tuple[Partition, str]:
    """The queue of the job, on demand unless another was typed, and a remark on it."""
    by_name = {partition.name: partition for partition in partitions}
    if chosen.queue is not None and (chosen.queue in by_name or not chosen.foreign):
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
        return _smaller(job, usual, by_name, configuration) if free else (usual, "")
    return _substitute(job, partitions)


def _queues_of(job: Job, configuration: ClusterConfiguration | None) -> tuple[str, ...]:
    """Names of the queues of a job, the preferred one first."""
    if configuration is None:
        return (job.queue_job_type,)
    queues = configuration.queues_for(job.queue_job_type, job.kind, job.type.name)
    return tuple(queue.name for queue in queues)


def _smaller(
    job: Job,
    usual: Partition,
    by_name: Mapping[str, Partition],
    configuration: ClusterConfiguration | None,
) -> tuple[Partition, str]:
    """The shared small queue for a job whose items cannot fill a machine of its own queue."""
    items = job.work.items
    if configuration is None or not job.runs_mpi or not items:
        return usual, ""
    if job.refines:
        return _fewer_gpus(job, usual, by_name, configuration) if job.uses_gpu else (usual, "")
    if job.uses_gpu:
        return usual, ""
    threads = VCPUS_A_RANK if job.type.parallelism.takes_threads else 1
    for queue in configuration.queues_for(SMALL):
        there = by_name.get(queue.name)
        if there is None or there == usual or there.exclusive or items * threads > there.vcpus:
            continue
        fits = fitting_ranks(job, threads, there.memory_gib)
        if fits is None or fits >= items:
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
    if seconds is None or seconds >= OVERHEAD_S:
        return usual, ""
    for queue in configuration.queues_for(ONE_GPU):
        there = by_name.get(queue.name)
        if there is None or not 0 < there.gpus < usual.gpus:
            continue
        if job.splits_halves and not _halves_fit(job, there):
            continue
        return there, f"one GPU is enough for {job.work}"
    return usual, ""


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


def _purchase(
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


def _check(job: Job, partition: Partition, chosen: Overrides) -> None:
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


@dataclass(frozen=True)
class _Shape:
    nodes: int
    ranks: int
    layout: tuple[int, ...]
    threads: int
    gpus_per_node: int
    gpu_ids: str
    is_setting: bool
    idle_gpus: bool
    notes: tuple[str, ...]


def _shape(job: Job, partition: Partition, setting: Setting, chosen: Overrides) -> _Shape:
    program = job.program
    nodes, ranks, notes = _nodes_and_ranks(job, partition, setting, chosen)
    threads = chosen.threads or setting.threads
    idle_leader = bool(program.leaders(ranks))
    layout = spread(ranks, nodes, idle_leader=idle_leader)
    on_gpu = bool(partition.gpus) and (job.uses_gpu or not program.name)
    if job.type.parallelism is Parallelism.NONE and not on_gpu:
        notes.append(
            "it needs a single core, so 'Submit to queue?' No would run it on the head node "
            "without another machine"
        )
    if chosen.gpu_ids is not None:
        gpu_ids = chosen.gpu_ids
    elif not (on_gpu and job.uses_gpu):
        gpu_ids = ""
    elif program.gpu is GpuUse.ONE:
        gpu_ids = "0"
    elif program.gpu is GpuUse.RANKS:
        gpu_ids = gpu_for_each(layout, partition.gpus)
    else:
        gpu_ids = gpu_list(layout, partition.gpus, idle_leader=idle_leader)
    same = (nodes, ranks, threads) == (setting.nodes, setting.ranks, setting.threads)
    free = chosen.ranks is None and chosen.threads is None and chosen.nodes is None
    return _Shape(
        nodes=len(layout),
        ranks=ranks,
        layout=layout,
        threads=threads,
        gpus_per_node=partition.gpus if on_gpu else 0,
        gpu_ids=gpu_ids,
        is_setting=same or free,
        idle_gpus=bool(partition.gpus) and not on_gpu and job.type.can_use_gpu,
        notes=tuple(notes),
    )


def _nodes_and_ranks(
    job: Job, partition: Partition, setting: Setting, chosen: Overrides
) -> tuple[int, int, list[str]]:
    if not job.runs_mpi:
        return 1, chosen.ranks or 1, []
    notes: list[str] = []
    a_node = _ranks_a_node(job, setting)
    leader = job.program.leaders(2)
    if chosen.ranks is not None:
        workers = max(1, chosen.ranks - job.program.leaders(chosen.ranks))
        nodes = chosen.nodes or -(-workers // a_node)
        if nodes > partition.max_nodes:
            most = partition.max_nodes * a_node + leader
            notes.append(
                f"{chosen.ranks} ranks fill more than the {partition.max_nodes} machines of the "
                f"queue, which take {most}"
            )
            nodes = partition.max_nodes
        return nodes, chosen.ranks, notes
    nodes = chosen.nodes or min(setting.nodes, partition.max_nodes)
    if not chosen.nodes and nodes < setting.nodes:
        notes.append(f"on the {nodes} that the queue has instead of {setting.nodes}")
    ranks = setting.ranks if nodes == setting.nodes else nodes * a_node + leader
    if job.splits_halves and ranks % 2 == 0:
        # Random halves need an odd number of ranks (3dem/relion, ml_optimiser_mpi.cpp).
        ranks += nodes * a_node
    return nodes, ranks, notes


def _ranks_a_node(job: Job, setting: Setting) -> int:
    """Ranks that do image work on each machine of a setting."""
    leader = job.program.leaders(setting.ranks)
    return max(1, -(-(setting.ranks - leader) // setting.nodes))
