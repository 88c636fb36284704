"""What `gotocloud jobs` shows of each job: Slurm's state, its log, its cost so far.

Files are read for so many jobs only, those that run first, and of a log only its end, so
that a long queue does not make the list slow.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.costs.machine_time import Cost, MachineTime, Price, Use, total, uses_of
from gotocloud.errors import GoToCloudError
from gotocloud.printed import lines_of
from gotocloud.slurm.accounting import EndedJob
from gotocloud.slurm.attempts import NOTE
from gotocloud.slurm.case import WorkloadOf
from gotocloud.slurm.evidence import log_since
from gotocloud.slurm.queue_state import QueuedJob
from gotocloud.slurm.reasons import reason_words
from gotocloud.slurm.standstill import Standstill, log_end, standstill
from gotocloud.slurm.submissions import RECORD_FILE, Attempt, Submission, load, record_folders
from gotocloud.slurm.workload import Ending, JobProgress, Workload

LOOKED_UP = 200
"""Jobs whose files are read; no cluster has so many machines that more could run."""

CLOCKS_S = 60.0
"""By so much the clocks of two machines, and of `squeue`, may differ."""


@dataclass(frozen=True)
class JobRow:
    """One job.

    Args:
        name: RELION's name of it, "Class2D/job012/", or Slurm's of a job that is not RELION's.
        project: RELION's project folder, or where the job was submitted.
        slurm_id: Slurm's id; empty for a job that Slurm has forgotten.
        user: Whose it is.
        queue: Slurm's partition.
        nodes: Machines.
        state: In plain words.
        slurm_state: Slurm's own word.
        why: Why it waits or has failed, in plain words; empty if it does neither.
        slurm_reason: Slurm's own word for that.
        iteration: The iteration that runs; None where there is none or it is not known.
        iterations: How many there will be; None if RELION goes on until it converges.
        resolution_angstrom: The latest; None before there is one.
        attempts: How often it was started, interruptions included.
        elapsed_s: Time that it has run, all attempts together; None if unknown.
        cost: What that has cost.
        looked_up: Whether its files were read.
        has_machines: Whether it has them, which cost.
        waits: Whether it is in the queue without.
        standstill: That its log stands still for longer than its own pace explains, and what
            to do; None where it does not.
    """

    name: str
    project: str
    slurm_id: str
    user: str
    queue: str
    nodes: int
    state: str
    slurm_state: str
    why: str
    slurm_reason: str
    iteration: int | None
    iterations: int | None
    resolution_angstrom: float | None
    attempts: int
    elapsed_s: float | None
    cost: Cost
    looked_up: bool
    has_machines: bool = False
    waits: bool = False
    standstill: Standstill | None = None

    @property
    def progress(self) -> str:
        """The iteration in words: "12 of 25", "7", or nothing."""
        if not self.iteration:
            return ""
        return f"{self.iteration} of {self.iterations}" if self.iterations else f"{self.iteration}"

    def as_dict(self) -> dict[str, Any]:
        """The row for a JSON report."""
        plain = {
            key: value for key, value in vars(self).items() if key not in ("cost", "standstill")
        }
        plain["still_s"] = self.standstill.still_s if self.standstill else None
        cost = {"cost_usd": self.cost.usd, "cost_complete": self.cost.complete}
        return {**plain, **cost}


@dataclass(frozen=True)
class RowSources:
    """What rows need besides the queue.

    Args:
        partitions: Name -> queue.
        price: What machines cost.
        workload_of: The kinds of program that jobs run.
    """

    partitions: Mapping[str, Partition]
    price: Price
    workload_of: WorkloadOf

    def queue_price(self, queue: str) -> float | None:
        """USD per hour of a machine of a queue."""
        partition = self.partitions.get(queue)
        return self.price(partition.instance_type, partition.spot) if partition else None


def queued_rows(
    jobs: Sequence[QueuedJob], sources: RowSources, *, limit: int = LOOKED_UP
) -> tuple[JobRow, ...]:
    """Rows of the jobs that Slurm has: those that run, then those that wait."""
    ordered = sorted(jobs, key=lambda job: not job.is_running)
    return tuple(
        _queued_row(job, sources, look=number < limit) for number, job in enumerate(ordered)
    )


def ended_rows(
    project: Path, sources: RowSources, *, without: Iterable[str], limit: int = LOOKED_UP
) -> tuple[JobRow, ...]:
    """Rows of the jobs of a project that have ended, the latest first.

    Args:
        project: RELION's project folder.
        sources: Queues, prices and kinds of program.
        without: RELION's names of jobs that are in the queue.
        limit: The most of them.
    """
    skipped = {_plain(name) for name in without}
    folders = sorted(record_folders(project), key=_changed, reverse=True)
    rows = (
        _ended_row(project, folder, sources)
        for folder in folders[: limit + len(skipped)]
        if _plain("/".join(folder.parts[-2:])) not in skipped
    )
    return tuple(row for row in rows if row is not None)[:limit]


def _queued_row(job: QueuedJob, sources: RowSources, *, look: bool) -> JobRow:
    folder = Path(job.directory) / job.name
    record = _record(folder) if look and job.token else None
    progress = _progress(folder, record, sources) if record and job.is_running else JobProgress()
    attempts = record.attempts if record else ()
    spent = _so_far(job, attempts, sources)
    still = (
        standstill(job, sources.workload_of(record.workload).progress, time.time())
        if record
        else None
    )
    return JobRow(
        name=f"{job.name}/" if job.token else job.name,
        project=job.directory,
        slurm_id=job.slurm_id,
        user=job.user,
        queue=job.partition,
        nodes=job.nodes,
        state=job.state_words,
        slurm_state=job.state,
        why=reason_words(job.reason) if job.is_waiting else "",
        slurm_reason=job.reason,
        iteration=progress.iteration,
        iterations=progress.iterations,
        resolution_angstrom=progress.resolution_angstrom,
        attempts=spent.starts,
        elapsed_s=spent.seconds,
        cost=spent.cost,
        looked_up=look,
        has_machines=job.is_running,
        waits=job.is_waiting,
        standstill=still,
    )


def _so_far(job: QueuedJob, attempts: Sequence[Attempt], sources: RowSources) -> MachineTime:
    """Time and cost of a job in the queue: earlier attempts and the one that runs."""
    uses = uses_of(attempts, sources.price)
    if not job.is_running:
        # An attempt that started and has no end was put back with its job.
        return total(uses)
    this = _running_attempt(job, attempts)
    ended = (use for use, one in zip(uses, attempts, strict=True) if one is not this)
    priced = this or next((one for one in reversed(attempts) if _is_of(job, one)), None)
    return total((*ended, Use(job.elapsed_s, job.nodes, _rate(job, priced, sources))))


def _running_attempt(job: QueuedJob, attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt that runs in a job: the last one, unless it started on earlier machines.

    Slurm keeps the id and the comment of a job that it puts back, so attempts that continue in
    the same job share both. Until `gotocloud resume` has noted the next one, the last that is
    known ended with the machines that it lost.
    """
    this = next((one for one in reversed(attempts) if _is_of(job, one)), None)
    if this is None or this.started_at_s is None or job.elapsed_s is None:
        return this
    allocated_at_s = time.time() - job.elapsed_s
    return this if this.started_at_s >= allocated_at_s - CLOCKS_S else None


def _is_of(job: QueuedJob, attempt: Attempt) -> bool:
    if not attempt.slurm_id:
        return attempt.token == job.token
    return attempt.slurm_id == job.slurm_id


def _rate(job: QueuedJob, attempt: Attempt | None, sources: RowSources) -> float | None:
    """USD per hour of one machine of a running job."""
    if attempt is not None and attempt.price_usd_per_hour is not None:
        return attempt.price_usd_per_hour
    return sources.queue_price(job.partition)


def _ended_row(project: Path, folder: Path, sources: RowSources) -> JobRow | None:
    record = _record(folder)
    latest = record.latest if record else None
    if record is None or latest is None:
        return None
    progress = _progress(folder, record, sources)
    original = record.copied_from(folder)
    # A copy has the record of the job that was paid for.
    spent = total(() if original else uses_of(record.attempts, sources.price))
    workload = sources.workload_of(record.workload)
    return JobRow(
        name=f"{'/'.join(folder.parts[-2:])}/",
        project=str(project),
        slurm_id=latest.slurm_id,
        user="",
        queue=latest.queue,
        nodes=latest.nodes,
        state=f"copy of {original}" if original else _ending(folder, latest, workload),
        slurm_state="",
        why=_cause(folder, latest, workload),
        slurm_reason="",
        iteration=progress.iteration,
        iterations=progress.iterations,
        resolution_angstrom=progress.resolution_angstrom,
        attempts=spent.starts,
        elapsed_s=None if original else spent.seconds,
        cost=spent.cost,
        looked_up=True,
    )


def _ending(folder: Path, latest: Attempt, workload: Workload) -> str:
    words = {Ending.SUCCESS: "done", Ending.FAILURE: "failed", Ending.ABORTED: "aborted"}
    endings = workload.markers.of(folder)
    shown = next((text for ending, text in words.items() if ending in endings), "")
    return shown or latest.outcome or "not in the queue any more"


def _cause(folder: Path, latest: Attempt, workload: Workload) -> str:
    """Why a job failed, from its log, else from the record of its end; empty if it did not."""
    if Ending.FAILURE not in workload.markers.of(folder):
        return ""
    lines = lines_of(log_since(folder, latest))
    own = "\n".join(line for line in lines if not line.startswith(NOTE))
    return workload.last_error(own) or latest.detail


def _record(folder: Path) -> Submission | None:
    try:
        return load(folder)
    except (GoToCloudError, OSError):
        return None


def _progress(folder: Path, record: Submission, sources: RowSources) -> JobProgress:
    """How far a job is, from the end of its log."""
    text = log_end(folder).text
    return sources.workload_of(record.workload).progress(text) if text else JobProgress()


def _changed(folder: Path) -> float:
    try:
        return (folder / RECORD_FILE).stat().st_mtime
    except OSError:
        return 0.0


def _plain(name: str) -> str:
    return name.strip("/")


def accounted_row(job: EndedJob, sources: RowSources) -> JobRow:
    """The row of a job of which only Slurm's accounts know."""
    spent = total([Use(job.elapsed_s, job.nodes, sources.queue_price(job.partition))])
    return JobRow(
        name=job.name,
        project=job.directory,
        slurm_id=job.slurm_id,
        user=job.user,
        queue=job.partition,
        nodes=job.nodes,
        state=job.state_words,
        slurm_state=job.state,
        why="",
        slurm_reason="",
        iteration=None,
        iterations=None,
        resolution_angstrom=None,
        attempts=1,
        elapsed_s=job.elapsed_s,
        cost=spent.cost,
        looked_up=True,
    )
