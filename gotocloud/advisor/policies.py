"""The public run of RELION's tutorial under different queues: what would have been paid."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from gotocloud.advisor.idling import QueueGaps, idle_minutes
from gotocloud.advisor.job_names import pretty, queue_of
from gotocloud.advisor.paid import BOOT_S
from gotocloud.advisor.records import SECONDS_PER_HOUR
from gotocloud.advisor.replay import HEAD_NODE, Replayed, ReplayJob, gaps_s, replay
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.limits import ONE_GPU, SMALL
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.printed import lines_of
from gotocloud.relion.sizing import LEAST_WORK_S

CONFIGURATION = "cryoem-spa"
USUAL_IDLE_MINUTES = 10
"""ParallelCluster's own default (3.16.1, pcluster/config/cluster_config.py, SlurmSettings)."""
SOURCE = (
    "KEK-SBRC-CryoEM/CS-Schemes, cost_calculator/plot_cost.ipynb (3fdefdb): the RELION 5 "
    "tutorial, 58 jobs, us-east-1"
)

ASSUMPTIONS = (
    "Each job is submitted when the one before has ended: the source has no clock times.",
    "Times in jobs are the published ones. On the small machine a job takes as much longer as "
    "there are fewer cores for its threads, which is an upper bound.",
    f"A machine works {BOOT_S:.0f} s after its request (median of seven starts of the run), "
    "and is paid from its request until Slurm switches it off, up to 30 s after its idle time.",
    "The short idle times are chosen from the gaps of this very run.",
    "Prices are those of the source; the small machine, c7i.4xlarge, costs a twelfth of "
    "c7i.48xlarge. Steps that the run did on its head node stay there. Head node, Lustre and "
    "storage are not counted.",
)


@dataclass(frozen=True)
class PublicJob:
    """One job of the public run, as published; 0 and empty where it had no machine.

    Args:
        job: RELION's number of it.
        kind: Its kind of work.
        name: Its name in the run.
        instance_type: EC2's name.
        nodes: Machines.
        units: Ranks x threads that compute.
        gpus: GPUs.
        in_job_s: Seconds of the program.
        submission_to_exit_s: Seconds from its submission to its end.
        usd_per_node_hour: Price of one machine.
    """

    job: str
    kind: str
    name: str
    instance_type: str
    nodes: int
    units: int
    gpus: int
    in_job_s: float
    submission_to_exit_s: float
    usd_per_node_hour: float


@dataclass(frozen=True)
class QueuePolicy:
    """The run under one policy.

    Args:
        name: Of the policy, in words.
        replayed: What became of it.
        jobs: As they were run; none of the run as it was.
        idle_minutes: QueueGaps -> its scaling-down time; empty for the run as it was.
    """

    name: str
    replayed: Replayed
    jobs: tuple[ReplayJob, ...] = ()
    idle_minutes: dict[str, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The policy for a JSON report."""
        return {
            "policy": self.name,
            **vars(self.replayed),
            "paid_over_in_job": self.replayed.ratio,
            "idle_minutes": self.idle_minutes,
        }


@cache
def public_run() -> tuple[PublicJob, ...]:
    """The 58 jobs, in order."""
    text = files(__package__).joinpath("public_run.csv").read_text(encoding="utf-8")
    return tuple(
        PublicJob(
            job=row["job"],
            kind=row["kind"],
            name=row["name"],
            instance_type=row["instance_type"],
            nodes=int(row["nodes"]),
            units=int(row["ranks"] or 1) * int(row["threads"] or 1),
            gpus=int(row["gpus"] or 0),
            in_job_s=float(row["in_job_s"]),
            submission_to_exit_s=float(row["submission_to_exit_s"]),
            usd_per_node_hour=float(row["usd_per_node_hour"] or 0),
        )
        for row in csv.DictReader(lines_of(text))
    )


def policies(run: Sequence[PublicJob]) -> tuple[QueuePolicy, ...]:
    """A run under each policy."""
    by_kind, sized = [_of_kind(job) for job in run], by_size(run)
    return (
        as_it_was(run),
        _policy("a queue for each kind of work, ten idle minutes", by_kind, _ten),
        _policy("the same queues, the idle time of each chosen", by_kind, _own),
        _policy("machines by size, the idle time of each queue chosen", sized, _own),
        _policy("machines by size, one idle time chosen for all queues", sized, _shared),
    )


def by_size(run: Iterable[PublicJob]) -> tuple[ReplayJob, ...]:
    """The jobs of a run on the queues where routing puts work of their size."""
    return tuple(_sized(job) for job in run)


def as_it_was(run: Iterable[PublicJob]) -> QueuePolicy:
    """The run with the waiting times that it had: paid is what was published."""
    mine = list(run)

    def usd(seconds: Callable[[PublicJob], float]) -> float:
        return sum(seconds(j) / SECONDS_PER_HOUR * j.nodes * j.usd_per_node_hour for j in mine)

    waited = sum(job.submission_to_exit_s for job in mine)
    return QueuePolicy(
        "as it was, from submission to exit",
        Replayed(
            hours=waited / SECONDS_PER_HOUR,
            in_job_usd=usd(lambda job: job.in_job_s),
            paid_usd=usd(lambda job: job.submission_to_exit_s),
            starts=0,
        ),
    )


def particle_parts(run: Sequence[PublicJob]) -> tuple[QueuePolicy, ...]:
    """The first particle job of each kind of a run, on machines by size.

    Without InitialModel these are the steps of Magellon's published run of the tutorial's
    particles (May 2026: 0.62 USD in jobs on one g5.2xlarge).
    """
    steps = ("class2d-vdam", "class3d", "refine3d", "postprocess")
    return tuple(
        _policy(
            ", ".join(map(pretty, kinds)),
            by_size(next(job for job in run if job.kind == kind) for kind in kinds),
            _own,
        )
        for kinds in (steps, ("class2d-vdam", "initialmodel", *steps[1:]))
    )


Idle = Callable[[Sequence[ReplayJob]], dict[str, int]]


def _policy(name: str, jobs: Sequence[ReplayJob], idle: Idle) -> QueuePolicy:
    minutes = idle(jobs)
    idle_s = {queue: 60.0 * value for queue, value in minutes.items()}
    return QueuePolicy(name, replay(jobs, idle_s), tuple(jobs), minutes)


def _queues(jobs: Sequence[ReplayJob]) -> dict[str, QueueGaps]:
    usd = {job.queue: job.nodes * job.usd_per_node_hour for job in jobs}
    return {name: QueueGaps(gaps, BOOT_S, usd[name]) for name, gaps in gaps_s(jobs).items()}


def _ten(jobs: Sequence[ReplayJob]) -> dict[str, int]:
    return dict.fromkeys(_queues(jobs), USUAL_IDLE_MINUTES)


def _own(jobs: Sequence[ReplayJob]) -> dict[str, int]:
    return {name: idle_minutes([one]) for name, one in _queues(jobs).items()}


def _shared(jobs: Sequence[ReplayJob]) -> dict[str, int]:
    queues = _queues(jobs)
    return dict.fromkeys(queues, idle_minutes(list(queues.values())))


def _of_kind(job: PublicJob) -> ReplayJob:
    """A job on the queue of its kind of work, with the machine that it had."""
    return ReplayJob(job.job, _queue_of(job), job.nodes, job.in_job_s, job.usd_per_node_hour)


def _queue_of(job: PublicJob) -> str:
    if not job.nodes:
        return HEAD_NODE
    configuration = load_configuration(CONFIGURATION)
    work = queue_of(job.kind, on_gpu=job.gpus > 0)
    queue = configuration.queues_for(work, job.kind)[0]
    if job.gpus and not instance_types()[queue.instance_types[0]].gpus:
        # A program of one's own (External) that uses a GPU.
        queue = configuration.queues_for(ONE_GPU)[0]
    return queue.name


def _sized(job: PublicJob) -> ReplayJob:
    """A job where routing puts work of its size: one GPU, or the shared small machine."""
    as_was = _of_kind(job)
    if not job.nodes:
        return as_was
    if job.gpus:
        return replace(as_was, queue=ONE_GPU)
    small = _on_small(job)
    return small if small.in_job_s < LEAST_WORK_S else as_was


def _on_small(job: PublicJob) -> ReplayJob:
    """A job on the small machine, which costs as much for each vCPU: c7i has one price for all."""
    queue = load_configuration(CONFIGURATION).queues_for(SMALL)[0]
    name = queue.instance_types[0]
    small, large = (instance_types()[one].vcpus for one in (name, job.instance_type))
    # A rank without threads has a physical core, of two vCPUs, where there are enough.
    slower = min(job.units, large / 2) / min(job.units, small / 2)
    usd = job.usd_per_node_hour * small / large
    return ReplayJob(job.job, queue.name, 1, job.in_job_s * slower, usd)
