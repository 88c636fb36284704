"""Look at an attempt, decide, and do what follows. The decisions are in `recovery`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.relion.job import Job, read_job
from gotocloud.slurm import client
from gotocloud.slurm.attempts import (
    Surroundings,
    close,
    commands_finished,
    finish,
    new_token,
    note,
    place,
    price,
    remove_unsettled,
    settle_intent,
    skips_finished,
    write_script,
)
from gotocloud.slurm.client import SlurmError
from gotocloud.slurm.evidence import gather, last_error, log_since
from gotocloud.slurm.recovery import (
    ABORT_NOW,
    ABORTED,
    ACTIVE_STATES,
    FAILURE,
    SUCCESS,
    WAITING_STATES,
    Again,
    Finish,
    Outcome,
    Verdict,
    judge,
    next_step,
)
from gotocloud.slurm.submissions import Attempt, State, Submission, load, locked, save

NewShape = Callable[[Job, str], "Attempt"]
"""Routes a job to a queue and gives the attempt's shape; raises where that cannot be."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Who decides about jobs, and with what.

    Args:
        surroundings: The cluster.
        reshape: Routes a job to another queue; number, round and token are still open.
        dry_run: Only say what would be done.
        tries: How often to ask a controller of Slurm that does not answer.
    """

    surroundings: Surroundings
    reshape: NewShape
    dry_run: bool = False
    tries: int = 1


@dataclass(frozen=True)
class Report:
    """What was done about a job, in a sentence.

    Args:
        job: RELION's name of the job.
        text: The sentence.
        script: A script to go on with in the same Slurm job; None if there is none.
    """

    job: str
    text: str
    script: Path | None = None


def look_after(folder: Path, recovery: Recovery, *, by_hand: bool = False) -> Report:
    """Settle what has become of a job; does nothing for one that runs, waits or is done.

    Args:
        folder: The job's folder.
        recovery: Who decides.
        by_hand: A person's command: a job that was given up, cancelled or out of time runs again.

    Raises:
        InputError: if it was never submitted.
        GoToCloudError: if it cannot be restarted.
    """
    with locked(folder):
        record = _record(folder)
        latest = record.attempts[-1]
        if latest.state is State.INTENDED:
            record, latest = _settled(folder, record, latest)
        if not latest.is_open:
            return _closed(folder, record, latest, recovery, by_hand=by_hand)
        found = client.job(latest.slurm_id)
        state = (found or {}).get("JobState", "")
        if state == "COMPLETING":
            return Report(record.job, f"Slurm job {latest.slurm_id} is just ending.")
        if state in ACTIVE_STATES:
            return _active(folder, record, latest, state, recovery)
        verdict = judge(gather(folder, latest, found, inside=False))
        return _follow(folder, record, latest, verdict, recovery)


def ended(folder: Path, status: int, recovery: Recovery) -> Report:
    """Called by the batch script itself when its commands have not succeeded."""
    with locked(folder):
        record = _record(folder)
        latest = record.attempts[-1]
        own = os.environ.get("SLURM_JOB_ID", latest.slurm_id)
        if not latest.is_open or (latest.slurm_id and latest.slurm_id != own):
            return Report(record.job, "Another attempt has taken over.")
        found = _job_or_none(own)
        evidence = replace(gather(folder, latest, found, inside=True), exit_status=status)
        verdict = judge(evidence)
        if verdict.outcome is Outcome.LOST:
            _keep_from_requeueing(own)
        report = _follow(folder, record, latest, verdict, recovery, after=own)
    if _is_put_back(found):
        # Slurm would start it in the same queue, after two minutes at the earliest. Should
        # it come so far all the same, it finds that another attempt has taken over.
        client.cancel(own)
    return report


def restarted(folder: Path, recovery: Recovery) -> Report:
    """Called by a batch script that Slurm has started again: what it runs now."""
    with locked(folder):
        record = _record(folder)
        latest = record.attempts[-1]
        own = os.environ.get("SLURM_JOB_ID", latest.slurm_id)
        if latest.state is State.INTENDED:
            record, latest = _settled(folder, record, latest)
        if not latest.is_open or latest.slurm_id != own:
            return Report(record.job, "Another attempt has taken over.")
        evidence = replace(
            gather(folder, latest, None, inside=False), exit_status=None, slurm_state="NODE_FAIL"
        )
        verdict = judge(evidence)
        return _follow(folder, record, latest, verdict, recovery, after=own, here=True)


def _record(folder: Path) -> Submission:
    record = load(folder)
    if record is None or not record.attempts:
        raise InputError(
            f"{folder} was not submitted by `gotocloud submit`, so there is nothing to resume.",
            next_command="gotocloud jobs --all",
        )
    return record


def _settled(folder: Path, record: Submission, latest: Attempt) -> tuple[Submission, Attempt]:
    record = settle_intent(folder.parents[1], record, latest)
    return record, record.attempts[-1]


def _closed(
    folder: Path, record: Submission, latest: Attempt, recovery: Recovery, *, by_hand: bool
) -> Report:
    """A job whose last attempt is settled: only a person, or a broken-off command, goes on."""
    outcome = latest.outcome
    if outcome == Outcome.WITHDRAWN and (by_hand or not _has_verdict(folder)):
        return _again(folder, record, latest, Again((latest.queue,), latest.why), recovery)
    if outcome == Outcome.LOST and not _has_verdict(folder):
        # Whoever wanted to go on from here was interrupted.
        return _follow(folder, record, latest, Verdict(Outcome.LOST, latest.detail), recovery)
    if not by_hand:
        return Report(record.job, f"It has ended: {outcome}.")
    if outcome in (Outcome.LOST, Outcome.CANCELLED, Outcome.TIME_LIMIT, Outcome.ABORTED):
        fresh = replace(record, round=record.round + 1)
        return _again(
            folder, fresh, latest, Again((latest.queue,), f"by hand, after: {outcome}"), recovery
        )
    if outcome == Outcome.SUCCEEDED:
        return Report(record.job, "It has succeeded; there is nothing to resume.")
    raise GoToCloudError(
        f"{record.job} has {outcome}: {latest.detail}. The same would happen again; "
        "change its settings in RELION and run or continue it there.",
        next_command=f"tail {folder / 'run.err'}",
    )


def _has_verdict(folder: Path) -> bool:
    return any(folder.glob("RELION_JOB_EXIT_*"))


def _active(
    folder: Path, record: Submission, latest: Attempt, state: str, recovery: Recovery
) -> Report:
    where = f"Slurm job {latest.slurm_id} in {latest.queue}"
    if state not in WAITING_STATES:
        return Report(record.job, f"It runs, as {where}.")
    if (folder / ABORT_NOW).exists():
        if not recovery.dry_run:
            client.cancel(latest.slurm_id)
        return _follow(
            folder, record, latest, Verdict(Outcome.ABORTED, "aborted while it waited"), recovery
        )
    if latest.started_at_s is None:
        return Report(record.job, f"It waits, as {where}.")
    verdict = Verdict(Outcome.LOST, "its machine was lost, and Slurm has put it back")
    step = _step(record, latest, verdict, recovery, folder)
    if isinstance(step, Again) and step.queues[0] == latest.queue:
        return Report(record.job, f"It waits to go on, as {where}.")
    return _follow(folder, record, latest, verdict, recovery, cancel=latest.slurm_id)


def _is_put_back(found: dict[str, str] | None) -> bool:
    if found is None:
        return False
    before = int(os.environ.get("SLURM_RESTART_COUNT", "0") or 0)
    return int(found.get("Restarts", "0") or 0) > before


def _keep_from_requeueing(identifier: str) -> None:
    """The job goes on as another one, so Slurm must not start it again as well."""
    try:
        client.update(identifier, Requeue="0")
    except SlurmError:
        # It is ending already; should it start again, it finds that another has taken over.
        return


def _job_or_none(identifier: str) -> dict[str, str] | None:
    try:
        return client.job(identifier)
    except SlurmError:
        return None


def _step(
    record: Submission, latest: Attempt, verdict: Verdict, recovery: Recovery, folder: Path
) -> Finish | Again:
    job = read_job(folder)
    judged = replace(latest, outcome=verdict.outcome.value)
    attempts = tuple(one for one in record.this_round[:-1] if one.outcome != Outcome.WITHDRAWN)
    return next_step(
        verdict,
        (*attempts, judged),
        recovery.surroundings.partitions,
        can_continue=job.type.continues or skips_finished(job),
    )


def _follow(
    folder: Path,
    record: Submission,
    latest: Attempt,
    verdict: Verdict,
    recovery: Recovery,
    *,
    after: str = "",
    here: bool = False,
    cancel: str = "",
) -> Report:
    """Do what follows from a verdict."""
    step = _step(record, latest, verdict, recovery, folder)
    if isinstance(step, Finish):
        return _finish(folder, record, latest, verdict, step, recovery)
    if not recovery.dry_run:
        if cancel:
            client.cancel(cancel, only_pending=True)
        record = close(folder.parents[1], record, latest, verdict.outcome, verdict.detail)
        latest = record.attempts[-1]
    return _again(folder, record, latest, step, recovery, after=after, here=here)


def _finish(
    folder: Path,
    record: Submission,
    latest: Attempt,
    verdict: Verdict,
    step: Finish,
    recovery: Recovery,
) -> Report:
    text = f"This job {_ended_words(verdict.outcome)}: {step.detail}."
    if step.marker == FAILURE and verdict.outcome is Outcome.FAILED:
        text += f" Its log: {last_error(log_since(folder, latest))}"
    if not recovery.dry_run:
        close(folder.parents[1], record, latest, verdict.outcome, verdict.detail)
        finish(folder, step.marker, text)
    return Report(record.job, text)


def _ended_words(outcome: Outcome) -> str:
    return {
        Outcome.SUCCEEDED: "succeeded",
        Outcome.ABORTED: "was aborted",
        Outcome.CANCELLED: "was cancelled",
    }.get(outcome, "failed")


def _again(
    folder: Path,
    record: Submission,
    latest: Attempt,
    step: Again,
    recovery: Recovery,
    *,
    after: str = "",
    here: bool = False,
) -> Report:
    """Make the next attempt, in the first queue that takes it."""
    job = read_job(folder)
    project = folder.parents[1]
    problems = []
    # Slurm has started the job's machines again: there is nothing quicker or cheaper, as long
    # as spot is still to be tried.
    stays = here and latest.queue in step.queues and _may_stay(step, latest, recovery)
    for queue in (latest.queue,) if stays else step.queues:
        try:
            attempt = _next_attempt(folder, record, latest, step, queue, job, recovery)
            if recovery.dry_run:
                return Report(record.job, _sentence(attempt))
            if stays:
                return _go_on_here(folder, record, attempt, recovery)
            _prepare(folder, attempt)
            record = place(
                record,
                attempt,
                recovery.surroundings,
                project=project,
                after=after,
                tries=recovery.tries,
            )
        except GoToCloudError as error:
            problems.append(f"{queue}: {error.message}")
            record = load(folder) or record
            continue
        placed = record.attempts[-1]
        text = f"{_sentence(placed)} Slurm job {placed.slurm_id}."
        note(folder, text)
        return Report(record.job, text)
    return _nowhere(folder, record, problems, recovery)


def _may_stay(step: Again, latest: Attempt, recovery: Recovery) -> bool:
    first = recovery.surroundings.partition(step.queues[0])
    return first is not None and first.spot == latest.spot


def _next_attempt(
    folder: Path,
    record: Submission,
    latest: Attempt,
    step: Again,
    queue: str,
    job: Job,
    recovery: Recovery,
) -> Attempt:
    """The next attempt: in the same shape on the same machines, else on a new route."""
    partition = recovery.surroundings.partition(queue)
    base = latest
    if partition is not None and partition.instance_type != latest.instance_type:
        base = recovery.reshape(job, queue)
    spot = partition.spot if partition else latest.spot
    skipped = commands_finished(record, latest, folder)
    return replace(
        base,
        number=record.attempts[-1].number + 1,
        round=record.round,
        token=new_token(),
        queue=queue,
        spot=spot,
        price_usd_per_hour=price(base.instance_type, spot, recovery.surroundings.facts.region)[0],
        why=step.detail,
        continue_from="" if skipped else _continue_from(folder, record, job),
        skipped=skipped,
        finishing=skips_finished(job) and not skipped,
        state=State.INTENDED,
        slurm_id="",
        submitted_at_s=None,
        started_at_s=None,
        ended_at_s=None,
        exit_status=None,
        node_list="",
        outcome="",
        detail="",
    )


def _continue_from(folder: Path, record: Submission, job: Job) -> str:
    """The newest usable optimiser file of this round, as seen from the project folder."""
    if not job.type.continues:
        return ""
    from gotocloud.relion.optimisers import newest_optimiser

    path = newest_optimiser(folder)
    began = next((one.submitted_at_s for one in record.this_round if one.submitted_at_s), None)
    first = began if began is not None else 0.0
    if path is None or path.stat().st_mtime < first:
        return next((one.continue_from for one in reversed(record.this_round)), "")
    return f"{record.job}{path.name}"


def _prepare(folder: Path, attempt: Attempt) -> None:
    """Clear away what the lost machine may have left half written, and an old verdict."""
    for marker in (SUCCESS, FAILURE, ABORTED):
        (folder / marker).unlink(missing_ok=True)
    if attempt.finishing:
        gone = remove_unsettled(folder)
        if gone:
            note(folder, f"{len(gone)} files that may be half written are made again")


def _go_on_here(folder: Path, record: Submission, attempt: Attempt, recovery: Recovery) -> Report:
    """Go on in the very job that Slurm has started again."""
    own = os.environ.get("SLURM_JOB_ID", "")
    latest = record.attempts[-1]
    attempt = replace(
        attempt,
        state=State.SUBMITTED,
        slurm_id=own,
        submitted_at_s=latest.submitted_at_s,
        why=f"{attempt.why.partition(':')[0]}: Slurm has started its machines again",
    )
    _prepare(folder, attempt)
    record = record.with_attempt(attempt)
    script, _ = write_script(record, attempt, recovery.surroundings, folder.parents[1])
    save(folder, record)
    text = _sentence(attempt)
    note(folder, text)
    return Report(record.job, text, script)


def _sentence(attempt: Attempt) -> str:
    start = (
        f"continues from {Path(attempt.continue_from).name}"
        if attempt.continue_from
        else f"goes on with command {attempt.skipped + 1}"
        if attempt.skipped
        else "starts again"
    )
    return f"Attempt {attempt.number} {start} in {attempt.queue} ({attempt.why})."


def _nowhere(folder: Path, record: Submission, problems: list[str], recovery: Recovery) -> Report:
    text = "The job lost its machine and cannot be submitted again."
    if not recovery.dry_run:
        finish(folder, FAILURE, "\n".join([text, *problems]))
    raise GoToCloudError(text, problems=problems, next_command=f"gotocloud resume {record.job}")
