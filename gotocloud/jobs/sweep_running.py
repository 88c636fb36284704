"""Runs a sweep, one RELION job after the other; continues where it was interrupted."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gotocloud.advisor.sweep import ledger
from gotocloud.advisor.sweep.job_file import job_star
from gotocloud.advisor.sweep.ledger import Stage, Sweep
from gotocloud.advisor.sweep.plan import typed
from gotocloud.costs.machine_time import Cost
from gotocloud.errors import GoToCloudError
from gotocloud.files import write_file
from gotocloud.jobs.pipeliner import Pipeliner
from gotocloud.jobs.relion_workload import MARKERS
from gotocloud.jobs.submitting import was_handed_over
from gotocloud.jobs.watching import machine_time, wait_for_end
from gotocloud.relion.job import read_job
from gotocloud.slurm.cluster_facts import known_facts
from gotocloud.slurm.workload import Ending

LOST = "lost"
_OUTCOMES = {
    Ending.SUCCESS: "succeeded",
    Ending.FAILURE: "failed",
    Ending.ABORTED: "aborted",
    None: LOST,
}


@dataclass(frozen=True)
class SweepReport:
    """How far a sweep came.

    Args:
        sweep: As its file has it now.
        stopped: Why it did not go to the end; empty when it did.
    """

    sweep: Sweep
    stopped: str = ""


def run_sweep(path: Path, show: Callable[[Sweep, int], None]) -> SweepReport:
    """Run what has not run yet, within the budget.

    Args:
        path: The sweep's file, in the RELION project's folder.
        show: Called before each run with the sweep and the run's index.

    Raises:
        GoToCloudError: if another process runs the sweep, or RELION fails.
    """
    project = path.absolute().parent
    pipeliner = Pipeliner(project, path.with_suffix(".log"))
    pipeliner.check()
    with _alone(path):
        sweep = ledger.load(path)
        while (number := sweep.next_number) is not None:
            entry = sweep.entries[number]
            if entry.stage is Stage.PLANNED and (why := sweep.over_budget(number)):
                return SweepReport(sweep, why)
            show(sweep, number)
            sweep = _one(sweep, number, path, pipeliner)
        return SweepReport(sweep)


def _one(sweep: Sweep, number: int, path: Path, pipeliner: Pipeliner) -> Sweep:
    def noted(changed: Sweep) -> Sweep:
        write_file(path, ledger.dump(changed))
        return changed

    if sweep.entries[number].stage is not Stage.RUNNING:
        sweep = _added(sweep, number, noted, pipeliner)
    job = sweep.entries[number].job
    folder = pipeliner.project / job
    if not MARKERS.of(folder) and not was_handed_over(folder):
        # One of its own for each try: RELION refuses a schedule that seems to run already.
        pipeliner.run(job, f"gotocloud-bench-{number + 1}-{os.getpid()}")
    return noted(ended(sweep, number, folder))


def ended(sweep: Sweep, number: int, folder: Path) -> Sweep:
    """The sweep with the end of a run and its cost; waits for the end.

    Args:
        sweep: As its file has it.
        number: Index of the run.
        folder: Folder of its job.
    """
    outcome = _OUTCOMES[wait_for_end(folder)]
    spent = machine_time(folder, known_facts().region)
    cost = spent.cost if spent else Cost(None, complete=False)
    return sweep.with_entry(
        number,
        stage=Stage.ENDED,
        outcome=outcome,
        usd=cost.usd,
        usd_complete=cost.complete,
    )


def _added(
    sweep: Sweep, number: int, noted: Callable[[Sweep], Sweep], pipeliner: Pipeliner
) -> Sweep:
    entry = sweep.entries[number]
    base = pipeliner.project / sweep.base
    text = job_star(typed(read_job(base), entry.plan.setting))
    expected = entry.job or f"{base.parent.name}/job{pipeliner.next_number():03d}/"
    if entry.stage is Stage.ADDING and pipeliner.has(expected):
        # It was added, and the command was killed before it could record that.
        return noted(sweep.with_entry(number, stage=Stage.RUNNING, job=expected))
    expected = f"{base.parent.name}/job{pipeliner.next_number():03d}/"
    sweep = noted(sweep.with_entry(number, stage=Stage.ADDING, job=expected))
    description = pipeliner.log.with_suffix(f".{number + 1:03d}_job.star")
    description.write_text(text, encoding="utf-8")
    pipeliner.add(description)
    if not pipeliner.has(expected):
        raise GoToCloudError(
            f"RELION did not add {expected}. Another person or program may add jobs to this "
            "project at the same time. Type the command again.",
        )
    description.unlink()
    return noted(sweep.with_entry(number, stage=Stage.RUNNING))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the sweep, so that no other command runs it at the same time."""
    ledger.load(path)
    lock = path.with_name(f".{path.name}.lock")
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GoToCloudError(f"Another command runs {path.name} already.") from None
        yield
