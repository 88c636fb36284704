"""Carries a sweep out, one RELION job after the other; goes on where it was interrupted."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gotocloud.advisor.sweep import ledger
from gotocloud.advisor.sweep.job_file import job_star
from gotocloud.advisor.sweep.ledger import Stage, Sweep
from gotocloud.advisor.sweep.plan import typed
from gotocloud.cli.work.pipeliner import Pipeliner
from gotocloud.errors import GoToCloudError
from gotocloud.files import write_file
from gotocloud.relion.job import read_job
from gotocloud.relion.run_log import ExitStatus, exit_status
from gotocloud.slurm.submissions import Submission
from gotocloud.slurm.submissions import load as load_submission

POLL_S = 2.0
LOST = "lost"
SECONDS_PER_HOUR = 3600
_OUTCOMES = {
    ExitStatus.SUCCESS: "succeeded",
    ExitStatus.FAILURE: "failed",
    ExitStatus.ABORTED: "aborted",
}


@dataclass(frozen=True)
class Report:
    """How far a sweep came.

    Args:
        sweep: As its file has it now.
        stopped: Why it did not go to the end; empty when it did.
    """

    sweep: Sweep
    stopped: str = ""


def run_sweep(path: Path, report_progress: Callable[[Sweep, int], None]) -> Report:
    """Run what has not run yet, within the budget.

    Args:
        path: The sweep's file, in the RELION project's folder.
        report_progress: Called before each run and after the last, with sweep and index.

    Raises:
        GoToCloudError: if another process carries the sweep out, or RELION fails.
    """
    project = path.absolute().parent
    pipeliner = Pipeliner(project, path.with_suffix(".log"))
    pipeliner.check()
    with _alone(path):
        sweep = ledger.load(path)
        while (number := sweep.next_number) is not None:
            entry = sweep.entries[number]
            if entry.stage is Stage.PLANNED and (why := sweep.over_budget(number)):
                return Report(sweep, why)
            report_progress(sweep, number)
            sweep = _one(sweep, number, path, pipeliner)
        return Report(sweep)


def _one(sweep: Sweep, number: int, path: Path, pipeliner: Pipeliner) -> Sweep:
    def noted(changed: Sweep) -> Sweep:
        write_file(path, ledger.dump(changed))
        return changed

    if sweep.entries[number].stage is not Stage.RUNNING:
        sweep = _added(sweep, number, noted, pipeliner)
    job = sweep.entries[number].job
    folder = pipeliner.project / job
    if exit_status(folder) is ExitStatus.NONE and load_submission(folder) is None:
        # One of its own for each try: RELION refuses a schedule that seems to run already.
        pipeliner.run(job, f"gotocloud-bench-{number + 1}-{os.getpid()}")
    outcome = _waited(folder)
    return noted(sweep.with_entry(number, stage=Stage.ENDED, outcome=outcome, usd=cost_usd(folder)))


def _added(
    sweep: Sweep, number: int, noted: Callable[[Sweep], Sweep], pipeliner: Pipeliner
) -> Sweep:
    entry = sweep.entries[number]
    base = pipeliner.project / sweep.base
    text = job_star(typed(read_job(base), entry.plan.setting))
    foreseen = entry.job or f"{base.parent.name}/job{pipeliner.next_number():03d}/"
    if entry.stage is Stage.ADDING and pipeliner.has(foreseen):
        # It was added, and what added it died before it could say so.
        return noted(sweep.with_entry(number, stage=Stage.RUNNING, job=foreseen))
    foreseen = f"{base.parent.name}/job{pipeliner.next_number():03d}/"
    sweep = noted(sweep.with_entry(number, stage=Stage.ADDING, job=foreseen))
    description = pipeliner.log.with_suffix(f".{number + 1:03d}_job.star")
    description.write_text(text, encoding="utf-8")
    pipeliner.add(description)
    if not pipeliner.has(foreseen):
        raise GoToCloudError(
            f"RELION did not add {foreseen}. Does another user add jobs to this project? "
            "Type the command again.",
        )
    description.unlink()
    return noted(sweep.with_entry(number, stage=Stage.RUNNING))


def _waited(folder: Path) -> str:
    """How a job ended; waits for it, and gives up only when Slurm has no record of it."""
    unknown = 0
    while (status := exit_status(folder)) is ExitStatus.NONE:
        unknown = 0 if _is_alive(folder) else unknown + 1
        if unknown > _PATIENCE:
            return LOST
        time.sleep(POLL_S)
    return _OUTCOMES[status]


_PATIENCE = 5
"""Looks in a row that find nothing: a job that just ended writes its marker soon after."""


def _is_alive(folder: Path) -> bool:
    from gotocloud.slurm import client
    from gotocloud.slurm.recovery import ACTIVE_STATES

    submission = load_submission(folder)
    latest = submission.latest if submission else None
    if latest is None or not latest.slurm_id:
        return False
    found = client.job(latest.slurm_id)
    return found is not None and found.get("JobState") in ACTIVE_STATES


def cost_usd(folder: Path) -> float | None:
    """What a job's machines cost while its attempts ran; None if a price is unknown."""
    submission = load_submission(folder)
    return None if submission is None else _cost(submission)


def _cost(submission: Submission) -> float | None:
    total = 0.0
    for attempt in submission.attempts:
        if attempt.started_at_s is None:
            continue
        if attempt.price_usd_per_hour is None or attempt.ended_at_s is None:
            return None
        hours = (attempt.ended_at_s - attempt.started_at_s) / SECONDS_PER_HOUR
        total += hours * attempt.nodes * attempt.price_usd_per_hour
    return total


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Lock the sweep against a second run meanwhile."""
    ledger.load(path)
    lock = path.with_name(f".{path.name}.lock")
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GoToCloudError(f"Another command carries {path.name} out already.") from None
        yield
