"""Restart jobs that lost a machine: what `gotocloud resume` does, for people and for scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gotocloud.errors import InputError
from gotocloud.jobs.cluster import this_cluster
from gotocloud.jobs.workload import workload_of
from gotocloud.slurm import resuming
from gotocloud.slurm.attempts import PAUSE_S
from gotocloud.slurm.case import CaseReport, Restarter
from gotocloud.slurm.client import NoAnswerError
from gotocloud.slurm.submissions import Attempt, Submission
from gotocloud.waiting import poll

TRIES = 5
"""Of a batch script: no person is there while Slurm's controller starts again."""


def job_folder(job: Path) -> Path:
    """The absolute folder of a job as a person names it.

    Raises:
        InputError: if there is none.
    """
    folder = job.parent if job.name == "job.star" else job
    if not folder.is_dir():
        raise InputError(
            f"There is no job folder {str(job)!r}; name one as RELION does, for example "
            "Refine3D/job025, from the project folder.",
            next_command="ls -d */job*",
        )
    return folder.absolute()


def restarter(*, dry_run: bool, tries: int) -> Restarter:
    """What restarting jobs on this cluster needs.

    Args:
        dry_run: Whether only a report is made.
        tries: How often to call a controller of Slurm that does not answer.

    Raises:
        GoToCloudError: if there is no Slurm, or it does not answer.
    """
    cluster = this_cluster()

    def attempt_in(folder: Path, record: Submission, queue: str) -> Attempt:
        return workload_of(record.workload).attempt_in(folder, record, cluster, queue)

    return Restarter(
        site=cluster.site,
        workload_of=workload_of,
        attempt_in=attempt_in,
        dry_run=dry_run,
        tries=tries,
    )


def for_script(folder: Path, status: int | None, show: Callable[[str], None]) -> CaseReport:
    """What a batch script does next.

    Args:
        folder: The job's folder.
        status: What the script's commands ended with; None if Slurm has started it again.
        show: Shows a sentence while it waits for Slurm.

    Raises:
        GoToCloudError: if the job cannot be restarted, or Slurm does not answer for long.
    """
    unanswered: list[NoAnswerError] = []

    def look() -> CaseReport | None:
        try:
            found = restarter(dry_run=False, tries=TRIES)
            if status is None:
                return resuming.restarted(folder, found)
            return resuming.ended(folder, status, found)
        except NoAnswerError as error:
            unanswered.append(error)
            if len(unanswered) < TRIES:
                show(f"{error.message} Next try in {PAUSE_S:g} s.")
            return None

    report = poll(look, pause_s=PAUSE_S, tries=TRIES)
    if report is None:
        raise unanswered[-1]
    return report
