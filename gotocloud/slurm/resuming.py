"""Look at an attempt and do what follows. `recovery` decides, `restarting` makes the next one."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from gotocloud.errors import GoToCloudError
from gotocloud.formats import whole_number
from gotocloud.slurm import client
from gotocloud.slurm.case import Case, CaseReport, Restarter
from gotocloud.slurm.client import SlurmError
from gotocloud.slurm.evidence import gather
from gotocloud.slurm.recovery import (
    ACTIVE_STATES,
    WAITING_STATES,
    Again,
    AttemptOutcome,
    AttemptVerdict,
    judge,
)
from gotocloud.slurm.restarting import again, follow, next_step_of
from gotocloud.slurm.submissions import locked


def look_after(folder: Path, restarter: Restarter, *, by_hand: bool) -> CaseReport:
    """Restart a job if it lost a machine; leave one that runs, waits or has ended.

    Args:
        folder: The job's folder.
        restarter: What restarting it needs.
        by_hand: Whether a person named the job: then it also runs again after it was cancelled,
            aborted or out of time, or lost too many machines.

    Raises:
        InputError: if it was never submitted.
        GoToCloudError: if it cannot be restarted.
    """
    with locked(folder):
        case = Case.of(folder, restarter).settled()
        latest = case.latest
        if not latest.is_open:
            return _closed(case, by_hand=by_hand)
        found = client.job(latest.slurm_id)
        state = (found or {}).get("JobState", "")
        if state == "COMPLETING":
            return case.report(f"Slurm job {latest.slurm_id} is just ending.")
        if state in ACTIVE_STATES:
            return _active(case, state)
        verdict = judge(gather(folder, latest, case.workload.markers, found, inside=False))
        return follow(case, verdict)


def ended(folder: Path, status: int, restarter: Restarter) -> CaseReport:
    """Called by the batch script itself when its commands have not succeeded."""
    with locked(folder):
        case = Case.of(folder, restarter)
        latest = case.latest
        own = os.environ.get("SLURM_JOB_ID", latest.slurm_id)
        if not latest.is_open or (latest.slurm_id and latest.slurm_id != own):
            return case.report("Another attempt runs instead of this one.")
        found = _job_or_none(own)
        evidence = gather(folder, latest, case.workload.markers, found, inside=True)
        verdict = judge(replace(evidence, exit_status=status))
        if verdict.outcome is AttemptOutcome.LOST:
            _keep_from_requeueing(own)
        report = follow(case, verdict, after=own)
    if _is_put_back(found):
        # Slurm would start it in the same queue, after two minutes at the earliest. If it starts
        # all the same, it finds that another attempt runs.
        client.cancel(own)
    return report


def restarted(folder: Path, restarter: Restarter) -> CaseReport:
    """Called by a batch script that Slurm has started again: what it runs now."""
    with locked(folder):
        case = Case.of(folder, restarter)
        own = os.environ.get("SLURM_JOB_ID", case.latest.slurm_id)
        case = case.settled()
        latest = case.latest
        if not latest.is_open or latest.slurm_id != own:
            return case.report("Another attempt runs instead of this one.")
        evidence = gather(folder, latest, case.workload.markers, None, inside=False)
        verdict = judge(replace(evidence, exit_status=None, slurm_state="NODE_FAIL"))
        return follow(case, verdict, after=own, here=True)


def _closed(case: Case, *, by_hand: bool) -> CaseReport:
    """A job whose last attempt has ended: a person, or an interrupted command, restarts it."""
    latest, outcome = case.latest, case.latest.outcome
    has_ended = bool(case.workload.markers.of(case.folder))
    if outcome == AttemptOutcome.WITHDRAWN and (by_hand or not has_ended):
        return again(case, Again((latest.queue,), latest.why))
    if outcome == AttemptOutcome.LOST and not has_ended:
        # The command that restarted it was interrupted.
        return follow(case, AttemptVerdict(AttemptOutcome.LOST, latest.detail))
    if not by_hand:
        return case.report(f"It has ended: {outcome}.")
    if outcome in (
        AttemptOutcome.LOST,
        AttemptOutcome.CANCELLED,
        AttemptOutcome.TIME_LIMIT,
        AttemptOutcome.ABORTED,
    ):
        fresh = replace(case, record=replace(case.record, round=case.record.round + 1))
        return again(fresh, Again((latest.queue,), f"by hand, after: {outcome}"))
    if outcome == AttemptOutcome.SUCCEEDED:
        return case.report("It has succeeded; there is nothing to resume.")
    raise GoToCloudError(
        f"{case.record.job} has {outcome}: {latest.detail}. The same would happen again; "
        "change its settings and run or continue it in its own program.",
        next_command=f"tail {case.folder / 'run.err'}",
    )


def _active(case: Case, state: str) -> CaseReport:
    latest = case.latest
    where = f"Slurm job {latest.slurm_id} in {latest.queue}"
    if state not in WAITING_STATES:
        return case.report(f"It runs, as {where}.")
    if (case.folder / case.workload.markers.abort_now).exists():
        if not case.restarter.dry_run:
            client.cancel(latest.slurm_id)
        return follow(case, AttemptVerdict(AttemptOutcome.ABORTED, "aborted while it waited"))
    if latest.started_at_s is None:
        return case.report(f"It waits, as {where}.")
    verdict = AttemptVerdict(AttemptOutcome.LOST, "its machine was lost, and Slurm has put it back")
    step = next_step_of(case, verdict)
    if isinstance(step, Again) and step.queues[0] == latest.queue:
        return case.report(f"It waits to continue, as {where}.")
    return follow(case, verdict, cancel=latest.slurm_id)


def _is_put_back(found: dict[str, str] | None) -> bool:
    if found is None:
        return False
    before = whole_number(os.environ.get("SLURM_RESTART_COUNT", "")) or 0
    return (whole_number(found.get("Restarts", "")) or 0) > before


def _keep_from_requeueing(identifier: str) -> None:
    """The job continues as another one, so Slurm must not start it again as well."""
    try:
        client.update(identifier, Requeue="0")
    except SlurmError:
        # It is ending already; if it starts again, it finds that another attempt runs.
        return


def _job_or_none(identifier: str) -> dict[str, str] | None:
    try:
        return client.job(identifier)
    except SlurmError:
        return None
