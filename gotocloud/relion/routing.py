"""Which queue, how many machines, ranks and threads a job gets, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import GpuUse, Parallelism
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.queue_choice import bought, fits, home_queue, measured_queue
from gotocloud.relion.settings import (
    AS_TYPED,
    Setting,
    derived_setting,
    published_setting,
)
from gotocloud.relion.sizing import sized, unmeasured
from gotocloud.relion.spreading import gpu_for_each, gpu_list, spread
from gotocloud.relion.typed_limits import check_typed

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
        foreign_queue: The form's queue, if that is another site's and did not count.
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
    foreign_queue: str = ""

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
    overrides: Overrides | None,
    *,
    configuration: ClusterConfiguration | None,
    prefer_spot: bool,
    settings: Sequence[Setting],
) -> Route:
    """The machines for a job; nothing that changes the answer is optional.

    Args:
        job: The job.
        partitions: The cluster's queues.
        overrides: What the scientist chose (`overrides_of`); None for nothing.
        configuration: Which queue serves which job type, where queues serve several;
            None where a cluster has queues only that are named like job types.
        prefer_spot: Whether the cluster was started to use spot machines. A job that could
            not go on after an interruption stays on demand all the same.
        settings: Measured settings of the job's work, best first; they count before anything
            published.

    Raises:
        InputError: with everything in the choice that cannot be had, and what can.
        GoToCloudError: if the cluster has no queue for it.
    """
    chosen = overrides or Overrides()
    foreign_queue = ""
    if chosen.queue_is_foreign([one.name for one in partitions]):
        foreign_queue, chosen = chosen.queue or "", replace(chosen, queue=None)
    kind = job.kind
    measured = None if chosen.queue else measured_queue(kind, partitions, settings)
    home, note = home_queue(job, partitions, chosen, configuration, measured)
    partition, purchase = bought(job, home, partitions, chosen, prefer_spot=prefer_spot)
    own = next((s for s in settings if fits(s, kind, partition)), None)
    setting = (
        own or published_setting(kind, partition.instance_type) or derived_setting(job, partition)
    )
    check_typed(job, partition, chosen)
    # Typed ranks fill machines as densely as the setting does, however small the job is; what was
    # measured on the same work needs no estimate of it.
    as_it_is = chosen.ranks or own
    setting, cuts = (setting, []) if as_it_is else sized(job, partition, setting)
    shape = _shape(job, partition, setting, chosen)
    lacking = "" if own else unmeasured(job)
    notes = [note, *(cuts if shape.is_setting else ()), *shape.notes, lacking, purchase]
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
        foreign_queue=foreign_queue,
        source=setting.source if shape.is_setting else f"{AS_TYPED}; otherwise: {setting.source}",
    )
    because = _because(setting, shape)
    stated = "; ".join(one for one in (because, *notes) if one)
    return replace(made, reason=f"{partition.queue_name}: {made.shape}: {stated}.")


def _because(setting: Setting, shape: _Shape) -> str:
    if not shape.is_setting:
        return AS_TYPED
    if shape.idle_gpus:
        return (
            f"{setting.because}, which is for GPUs, but they stay idle here because "
            "'Use GPU acceleration?' is No"
        )
    return setting.because


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
    elif program.gpu is GpuUse.SOME:
        gpu_ids = ",".join(map(str, range(partition.gpus)))
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
        # Random halves need an odd number of ranks
        # (https://github.com/3dem/relion/blob/5.0.1/src/ml_optimiser_mpi.cpp#L798).
        ranks += nodes * a_node
    return nodes, ranks, notes


def _ranks_a_node(job: Job, setting: Setting) -> int:
    """Ranks that do image work on each machine of a setting."""
    leader = job.program.leaders(setting.ranks)
    return max(1, -(-(setting.ranks - leader) // setting.nodes))
