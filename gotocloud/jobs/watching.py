"""Watch jobs: which there are, how they are, how one ends, what it has cost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gotocloud.costs.machine_time import MachineTime, table_price, total, uses_of
from gotocloud.errors import GoToCloudError
from gotocloud.jobs.cluster import this_cluster
from gotocloud.jobs.workload import workload_of
from gotocloud.slurm import client
from gotocloud.slurm.accounting import SACCT_FIELDS, SACCT_OPTIONS, parse_sacct
from gotocloud.slurm.client import SlurmError
from gotocloud.slurm.cluster_facts import known_facts
from gotocloud.slurm.job_rows import JobRow, RowSources, accounted_row, ended_rows, queued_rows
from gotocloud.slurm.queue_state import SQUEUE_FORMAT, parse_squeue
from gotocloud.slurm.recovery import ACTIVE_STATES
from gotocloud.slurm.standstill import Standstill, standstill
from gotocloud.slurm.submissions import RECORD_FILE, load, record_folders
from gotocloud.slurm.workload import Ending
from gotocloud.waiting import poll

POLL_S = 2.0
PATIENCE = 5
"""Looks in a row that find no job: one that just ended writes its marker soon after."""


def job_rows(project: Path, *, everything: bool) -> list[JobRow]:
    """Rows of jobs for a list.

    Args:
        project: The project folder whose ended jobs are listed.
        everything: Whether to list the jobs of every user and those that have ended.

    Raises:
        GoToCloudError: if Slurm does not answer.
    """
    queue = parse_squeue(client.jobs(SQUEUE_FORMAT, *(() if everything else ("--me",))))
    sources = _sources()
    rows = list(queued_rows(queue, sources))
    if everything:
        rows += ended_rows(project, sources, without=[row.name for row in rows])
        with_rows = {row.slurm_id for row in rows}
        accounted = parse_sacct(client.accounted(SACCT_FIELDS, *SACCT_OPTIONS))
        rows += [accounted_row(job, sources) for job in accounted if job.slurm_id not in with_rows]
    return rows


def standstills() -> tuple[Standstill, ...]:
    """Every user's jobs whose logs stand still for longer than their own pace explains.

    No record of a user's is read, so that root may look too.

    Raises:
        GoToCloudError: if Slurm does not answer.
    """
    now_s = time.time()
    queue = parse_squeue(client.jobs(SQUEUE_FORMAT))
    found = (standstill(job, workload_of("relion").progress, now_s) for job in queue)
    return tuple(one for one in found if one is not None)


def submitted_jobs(project: Path) -> Iterator[Path]:
    """Folders of all jobs that were submitted: of a project, and of this user's in Slurm."""
    seen = set()
    for folder in sorted(record_folders(project)):
        seen.add(folder)
        yield folder
    try:
        listed = client.jobs(SQUEUE_FORMAT, "--states=all", "--me")
    except SlurmError:
        return
    for job in parse_squeue(listed):
        folder = Path(job.directory) / job.name
        if job.token and _is_own(folder / RECORD_FILE) and folder not in seen:
            seen.add(folder)
            yield folder


def machine_time(folder: Path, region: str) -> MachineTime | None:
    """Time and cost of all attempts at a job; None for a job that was not submitted here.

    RELION empties a job's folder before it runs the job from the beginning
    (3dem/relion, src/pipeliner.cpp, `runJob`), so every recorded attempt belongs to its result.

    Raises:
        GoToCloudError: if its record cannot be read.
    """
    record = load(folder)
    return None if record is None else total(uses_of(record.attempts, table_price(region)))


def wait_for_end(folder: Path) -> Ending | None:
    """How a job ends; waits for it. None if Slurm has no such job and nothing marks its end."""
    missed = 0

    def look() -> tuple[Ending | None] | None:
        nonlocal missed
        endings = _endings(folder)
        if endings:
            return (endings[0],)
        missed = 0 if _is_alive(folder) else missed + 1
        return (None,) if missed > PATIENCE else None

    found = poll(look, pause_s=POLL_S)
    return found[0] if found else None


def _endings(folder: Path) -> Sequence[Ending]:
    record = load(folder)
    markers = workload_of(record.workload if record else "relion").markers
    shown = markers.of(folder)
    return [ending for ending in Ending if ending in shown]


def _is_alive(folder: Path) -> bool:
    record = load(folder)
    latest = record.latest if record else None
    if latest is None or not latest.slurm_id:
        return False
    found = client.job(latest.slurm_id)
    return found is not None and found.get("JobState") in ACTIVE_STATES


def _is_own(record: Path) -> bool:
    """Whether this user wrote the record.

    Its commands are run without a question, and Slurm's list names folders in which another
    user may have put one since.
    """
    try:
        return record.is_file() and record.lstat().st_uid == os.getuid()
    except OSError:
        return False


def _sources() -> RowSources:
    """Queues, prices and kinds of program; without queues the list is still useful."""
    try:
        partitions = this_cluster().partitions
    except GoToCloudError:
        partitions = ()
    return RowSources(
        {one.name: one for one in partitions}, table_price(known_facts().region), workload_of
    )
