"""What follows from the end of an attempt: the next attempt, or the end of the job."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from gotocloud.costs.machine_time import table_price
from gotocloud.errors import GoToCloudError, shell_line
from gotocloud.slurm import client
from gotocloud.slurm.attempts import finish, hand_over, new_token, note
from gotocloud.slurm.case import Case, CaseReport
from gotocloud.slurm.evidence import log_since
from gotocloud.slurm.recovery import Again, AttemptOutcome, AttemptVerdict, JobOver, next_step
from gotocloud.slurm.submissions import Attempt, AttemptState, load, save
from gotocloud.slurm.workload import Ending
from gotocloud.slurm.writing import write_script


def next_step_of(case: Case, verdict: AttemptVerdict) -> JobOver | Again:
    """What follows from a verdict on the latest attempt."""
    return next_step(
        verdict,
        (*case.interruptions_before(), case.judged(verdict)),
        case.restarter.site.partitions,
        can_continue=case.workload.can_continue(case.folder),
    )


def follow(
    case: Case, verdict: AttemptVerdict, *, after: str = "", here: bool = False, cancel: str = ""
) -> CaseReport:
    """Do what follows from a verdict.

    Args:
        case: The job.
        verdict: How its latest attempt ended.
        after: The Slurm job that must have ended before the next one starts.
        here: Whether that job may run the next attempt itself.
        cancel: A waiting Slurm job that the next attempt replaces.
    """
    step = next_step_of(case, verdict)
    if isinstance(step, JobOver):
        return _finish(case, verdict, step)
    if not case.restarter.dry_run:
        if cancel:
            client.cancel(cancel, only_pending=True)
        case = case.closed(verdict)
    return again(case, step, after=after, here=here)


def again(case: Case, step: Again, *, after: str = "", here: bool = False) -> CaseReport:
    """Make the next attempt, in the first queue that accepts it."""
    problems = []
    # Slurm has started the job's machines again: no queue is quicker or cheaper, as long as spot
    # is still to be tried.
    stays = here and case.latest.queue in step.queues and _may_stay(case, step)
    for queue in (case.latest.queue,) if stays else step.queues:
        try:
            attempt = _next_attempt(case, step, queue)
            if case.restarter.dry_run:
                return case.report(_sentence(attempt))
            if stays:
                return _continue_here(case, attempt)
            placed = _submit(case, attempt, after)
        except GoToCloudError as error:
            problems.append(f"{queue}: {error.message}")
            case = replace(case, record=load(case.folder) or case.record)
            continue
        text = f"{_sentence(placed)} Slurm job {placed.slurm_id}."
        note(case.folder, text)
        return case.report(text)
    return _nowhere(case, problems)


def _finish(case: Case, verdict: AttemptVerdict, step: JobOver) -> CaseReport:
    text = f"This job {_ended_words(verdict.outcome)}: {step.detail}."
    if step.ending is Ending.FAILURE and verdict.outcome is AttemptOutcome.FAILED:
        error = case.workload.last_error(log_since(case.folder, case.latest))
        text += f" Its log ends with: {error}" if error else " run.err is empty."
    if not case.restarter.dry_run:
        case.closed(verdict)
        finish(case.folder, case.workload, step.ending, text)
    return case.report(text)


def _ended_words(outcome: AttemptOutcome) -> str:
    return {
        AttemptOutcome.SUCCEEDED: "succeeded",
        AttemptOutcome.ABORTED: "was aborted",
        AttemptOutcome.CANCELLED: "was cancelled",
    }.get(outcome, "failed")


def _may_stay(case: Case, step: Again) -> bool:
    first = case.restarter.site.partition(step.queues[0])
    return first is not None and first.spot == case.latest.spot


def _next_attempt(case: Case, step: Again, queue: str) -> Attempt:
    """The next attempt: in the same shape on the same machines, else shaped for the queue."""
    record, latest, restarter = case.record, case.latest, case.restarter
    partition = restarter.site.partition(queue)
    base = latest
    if partition is not None and partition.instance_type != latest.instance_type:
        base = restarter.attempt_in(case.folder, record, queue)
    spot = partition.spot if partition else latest.spot
    start = case.workload.next_start(case.folder, record)
    return replace(
        base,
        number=record.attempts[-1].number + 1,
        round=record.round,
        token=new_token(),
        queue=queue,
        spot=spot,
        price_usd_per_hour=table_price(restarter.site.facts.region)(base.instance_type, spot),
        why=step.detail,
        continue_from=start.continue_from,
        skipped=start.skipped,
        finishing=start.finishing,
        state=AttemptState.INTENDED,
        slurm_id="",
        submitted_at_s=None,
        started_at_s=None,
        ended_at_s=None,
        exit_status=None,
        node_list="",
        iteration=None,
        outcome="",
        detail="",
    )


def _submit(case: Case, attempt: Attempt, after: str) -> Attempt:
    _prepare(case, attempt)
    record = hand_over(
        case.record,
        attempt,
        case.workload,
        case.restarter.site,
        project=case.project,
        after=after,
        tries=case.restarter.tries,
    )
    return record.attempts[-1]


def _prepare(case: Case, attempt: Attempt) -> None:
    """Remove an old ending, and what the lost machine may have left half written."""
    case.workload.markers.set(case.folder, None)
    removed = case.workload.prepare(case.folder, attempt)
    if removed:
        note(case.folder, removed)


def _continue_here(case: Case, attempt: Attempt) -> CaseReport:
    """Continue in the very job that Slurm has started again."""
    latest = case.latest
    attempt = replace(
        attempt,
        state=AttemptState.SUBMITTED,
        slurm_id=os.environ.get("SLURM_JOB_ID", ""),
        submitted_at_s=latest.submitted_at_s,
        why=f"{attempt.why.partition(':')[0]}: Slurm has started its machines again",
    )
    _prepare(case, attempt)
    record = case.record.with_attempt(attempt)
    script, _ = write_script(record, attempt, case.workload, case.restarter.site, case.project)
    save(case.folder, record)
    text = _sentence(attempt)
    note(case.folder, text)
    return replace(case.report(text), script=script)


def _sentence(attempt: Attempt) -> str:
    start = (
        f"continues from {Path(attempt.continue_from).name}"
        if attempt.continue_from
        else f"continues with command {attempt.skipped + 1}"
        if attempt.skipped
        else "starts again"
    )
    return f"Attempt {attempt.number} {start} in {attempt.queue} ({attempt.why})."


def _nowhere(case: Case, problems: list[str]) -> CaseReport:
    text = "The job lost its machine and cannot be submitted again."
    if not case.restarter.dry_run:
        finish(case.folder, case.workload, Ending.FAILURE, "\n".join([text, *problems]))
    raise GoToCloudError(
        text, problems=problems, next_command=shell_line("gotocloud", "resume", case.record.job)
    )
