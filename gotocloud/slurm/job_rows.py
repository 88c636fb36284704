"""What `gotocloud jobs` shows of each job: Slurm's word for it, its log, its cost so far.

Files are read for so many jobs only, those that run first, and of a log only its end, so
that a long queue does not make the list slow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import GoToCloudError
from gotocloud.relion.run_log import LOG_FILE, ExitStatus, RunLog, exit_status, parse_run_log
from gotocloud.slurm.accounting import EndedJob
from gotocloud.slurm.queue_state import QueuedJob
from gotocloud.slurm.reasons import reason_words
from gotocloud.slurm.submissions import RECORD_FILE, Attempt, Submission, load

LOOKED_UP = 200
"""Jobs whose files are read; no cluster has so many machines that more could run."""

LOG_END_BYTES = 32 * 1024
"""Of a log, in which the progress bar of an iteration takes some 5,000."""

HOUR_S = 3600

Price = Callable[[str, bool], float | None]
"""USD of an hour of an instance type, on demand or spot; None if unknown."""


@dataclass(frozen=True)
class Cost:
    """What a job's machines have cost while it ran.

    Args:
        usd: The part that is known; None if nothing is.
        complete: Whether that is all.
    """

    usd: float | None
    complete: bool

    def __str__(self) -> str:
        if self.usd is None:
            return "unknown"
        return f"{'' if self.complete else 'at least '}{self.usd:.2f} USD"


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
        why: Why it waits, in plain words; empty if it does not.
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

    @property
    def progress(self) -> str:
        """The iteration in words: "12 of 25", "7", or nothing."""
        if not self.iteration:
            return ""
        return f"{self.iteration} of {self.iterations}" if self.iterations else f"{self.iteration}"

    def as_dict(self) -> dict[str, Any]:
        """The row for a JSON report."""
        plain = {key: value for key, value in vars(self).items() if key != "cost"}
        cost = {"cost_usd": self.cost.usd, "cost_complete": self.cost.complete}
        return {**plain, **cost}


@dataclass(frozen=True)
class Surroundings:
    """What rows need besides the queue.

    Args:
        partitions: Name -> queue.
        price: What machines cost.
    """

    partitions: Mapping[str, Partition]
    price: Price

    @classmethod
    def of(cls, partitions: Iterable[Partition], price: Price) -> Surroundings:
        """The surroundings with these queues."""
        return cls({one.name: one for one in partitions}, price)


def queued_rows(
    jobs: Sequence[QueuedJob], around: Surroundings, *, limit: int = LOOKED_UP
) -> tuple[JobRow, ...]:
    """Rows of the jobs that Slurm has: those that run, then those that wait."""
    ordered = sorted(jobs, key=lambda job: not job.is_running)
    return tuple(
        _queued_row(job, around, look=number < limit) for number, job in enumerate(ordered)
    )


def ended_rows(
    project: Path, around: Surroundings, *, without: Iterable[str], limit: int = LOOKED_UP
) -> tuple[JobRow, ...]:
    """Rows of the jobs of a project that have ended, the latest first.

    Args:
        project: RELION's project folder.
        around: Prices and time.
        without: RELION's names of jobs that are in the queue.
        limit: The most of them.
    """
    skipped = {_plain(name) for name in without}
    records = sorted(
        (path for path in project.glob(f"*/job*/{RECORD_FILE}") if not path.parent.is_symlink()),
        key=_changed,
        reverse=True,
    )
    rows = (
        _ended_row(project, record.parent, around)
        for record in records[: limit + len(skipped)]
        if _plain("/".join(record.parent.parts[-2:])) not in skipped
    )
    return tuple(row for row in rows if row is not None)[:limit]


def _queued_row(job: QueuedJob, around: Surroundings, *, look: bool) -> JobRow:
    folder = Path(job.directory) / job.name
    record = _record(folder) if look and job.token else None
    log = _log(folder) if look and job.token and job.is_running else RunLog()
    attempts = record.attempts if record else ()
    elapsed_s, cost = _so_far(job, attempts, around)
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
        iteration=log.iteration or None,
        iterations=log.iterations_total,
        resolution_angstrom=log.final_resolution_angstrom or log.resolution_angstrom,
        attempts=len(_started(_earlier(job, attempts))) + (1 if job.is_running else 0),
        elapsed_s=elapsed_s,
        cost=cost,
        looked_up=look,
        has_machines=job.is_running,
        waits=job.is_waiting,
    )


def _so_far(
    job: QueuedJob, attempts: Sequence[Attempt], around: Surroundings
) -> tuple[float | None, Cost]:
    """Time and cost of a job in the queue: earlier attempts and the one that runs."""
    elapsed_s, usd, complete = _sum(_earlier(job, attempts), around, history=attempts)
    if job.is_running:
        this = next((one for one in attempts if one.token == job.token), None)
        rate = _rate(job, this, around)
        if job.elapsed_s is None or rate is None:
            complete = False
        else:
            usd = (usd or 0.0) + rate * job.elapsed_s / HOUR_S
        elapsed_s += job.elapsed_s or 0
    return elapsed_s, Cost(_known(usd, complete), complete)


def _earlier(job: QueuedJob, attempts: Iterable[Attempt]) -> list[Attempt]:
    return [one for one in attempts if one.token != job.token]


def _rate(job: QueuedJob, attempt: Attempt | None, around: Surroundings) -> float | None:
    """USD per hour of all machines of a running job."""
    if attempt is not None and attempt.price_usd_per_hour is not None:
        return attempt.price_usd_per_hour * job.nodes
    partition = around.partitions.get(job.partition)
    price = around.price(partition.instance_type, partition.spot) if partition else None
    return None if price is None else price * job.nodes


def _sum(
    attempts: Sequence[Attempt], around: Surroundings, *, history: Sequence[Attempt]
) -> tuple[float, float | None, bool]:
    """Seconds, known USD and whether that is all, of attempts that no longer run.

    Args:
        attempts: These.
        around: Prices.
        history: All attempts of the job.
    """
    elapsed_s, usd, complete = 0.0, None, True
    for attempt in _started(attempts):
        began, ended = attempt.started_at_s, _end(attempt, history)
        if began is None or ended is None:
            complete = False
            continue
        seconds = max(0.0, ended - began)
        elapsed_s += seconds
        price = attempt.price_usd_per_hour
        if price is None and attempt.instance_type:
            price = around.price(attempt.instance_type, attempt.spot)
        if price is None:
            complete = False
        else:
            usd = (usd or 0.0) + price * attempt.nodes * seconds / HOUR_S
    return elapsed_s, usd, complete


def _started(attempts: Iterable[Attempt]) -> list[Attempt]:
    return [one for one in attempts if one.started_at_s is not None]


def _end(attempt: Attempt, history: Sequence[Attempt]) -> float | None:
    """When an attempt ended; one that was lost ended at the latest when the next was made."""
    if attempt.ended_at_s is not None:
        return attempt.ended_at_s
    later = [one.submitted_at_s for one in history if one.number > attempt.number]
    return next((at for at in later if at is not None), None)


def _known(usd: float | None, complete: bool) -> float | None:
    # Nothing has run, so nothing was paid.
    return 0.0 if usd is None and complete else usd


def _ended_row(project: Path, folder: Path, around: Surroundings) -> JobRow | None:
    record = _record(folder)
    latest = record.latest if record else None
    if record is None or latest is None:
        return None
    log = _log(folder)
    elapsed_s, usd, complete = _sum(record.attempts, around, history=record.attempts)
    return JobRow(
        name=f"{'/'.join(folder.parts[-2:])}/",
        project=str(project),
        slurm_id=latest.slurm_id,
        user="",
        queue=latest.queue,
        nodes=latest.nodes,
        state=_ending(folder, latest),
        slurm_state="",
        why="",
        slurm_reason="",
        iteration=log.iteration or None,
        iterations=log.iterations_total,
        resolution_angstrom=log.final_resolution_angstrom or log.resolution_angstrom,
        attempts=len(_started(record.attempts)),
        elapsed_s=elapsed_s,
        cost=Cost(_known(usd, complete), complete),
        looked_up=True,
    )


def _ending(folder: Path, latest: Attempt) -> str:
    words = {
        ExitStatus.SUCCESS: "done",
        ExitStatus.FAILURE: "failed",
        ExitStatus.ABORTED: "aborted",
    }
    return words.get(exit_status(folder)) or latest.outcome or "not in the queue any more"


def _record(folder: Path) -> Submission | None:
    try:
        return load(folder)
    except (GoToCloudError, OSError):
        return None


def _log(folder: Path) -> RunLog:
    """The facts at the end of a job's log."""
    try:
        with (folder / LOG_FILE).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_END_BYTES))
            return parse_run_log(file.read().decode("utf-8", errors="replace"))
    except OSError:
        return RunLog()


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _plain(name: str) -> str:
    return name.strip("/")


def accounted_row(job: EndedJob, around: Surroundings) -> JobRow:
    """The row of a job of which only Slurm's accounts know."""
    partition = around.partitions.get(job.partition)
    price = around.price(partition.instance_type, partition.spot) if partition else None
    known = price is not None and job.elapsed_s is not None
    usd = (price or 0.0) * job.nodes * (job.elapsed_s or 0) / HOUR_S
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
        cost=Cost(usd if known else None, known),
        looked_up=True,
    )
