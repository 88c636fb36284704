"""Hand an attempt at a job to Slurm, once and only once, and record how it ended."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gotocloud.printed import lines_of
from gotocloud.slurm import client
from gotocloud.slurm.client import NoAnswerError, SlurmError
from gotocloud.slurm.recovery import AttemptOutcome
from gotocloud.slurm.script import COMMENT_PREFIX, sbatch_options
from gotocloud.slurm.site import Site
from gotocloud.slurm.submissions import (
    Attempt,
    AttemptState,
    Submission,
    clear_control,
    save,
    withdraw,
)
from gotocloud.slurm.workload import Ending, Workload
from gotocloud.slurm.writing import write_script
from gotocloud.waiting import poll

NOTE = " GoToCloud: "
"""How a line that GoToCloud adds to a job's log begins."""

PAUSE_S = 30.0
"""Between two calls to a controller that does not answer."""


def new_token() -> str:
    """A name for an attempt that no other has."""
    return uuid.uuid4().hex[:12]


def hand_over(
    submission: Submission,
    attempt: Attempt,
    workload: Workload,
    site: Site,
    *,
    project: Path,
    after: str,
    tries: int,
) -> Submission:
    """Record an attempt, then submit it to Slurm.

    Args:
        submission: The record so far.
        attempt: What to submit.
        workload: What its program is.
        site: The cluster.
        project: The project folder.
        after: A Slurm job that must have ended before; empty without one.
        tries: How often to call a controller that does not answer.

    Returns:
        The record, with Slurm's id.

    Raises:
        SlurmError: if Slurm has not accepted it, or will not run it: then it is withdrawn.
        GoToCloudError: if the commands cannot be run.
    """
    folder = project / submission.job
    clear_control(folder, attempt)
    attempt = replace(attempt, log_start=_size(folder / "run.err"))
    submission = submission.with_attempt(attempt)
    script, batch = write_script(submission, attempt, workload, site, project)
    save(folder, submission)
    options = [*sbatch_options(batch), *([f"--dependency=afterany:{after}"] if after else [])]
    try:
        identifier = _submitted(script, options, attempt, tries)
    except NoAnswerError as error:
        _give_up(folder, submission, attempt, AttemptOutcome.WITHDRAWN, error.message)
        raise
    except SlurmError as error:
        _give_up(folder, submission, attempt, AttemptOutcome.REFUSED, error.message)
        raise
    submitted = replace(
        attempt, state=AttemptState.SUBMITTED, slurm_id=identifier, submitted_at_s=time.time()
    )
    submission = submission.with_attempt(submitted)
    save(folder, submission)
    return submission


def settle_intent(project: Path, submission: Submission, attempt: Attempt) -> Submission:
    """Find out what became of an attempt that was recorded but has no Slurm id.

    Returns:
        The record: the attempt has its id, or is withdrawn and will never run.

    Raises:
        SlurmError: if Slurm does not answer.
    """
    folder = project / submission.job
    identifier = client.find(COMMENT_PREFIX + attempt.token)
    if identifier is None:
        return _give_up(
            folder,
            submission,
            attempt,
            AttemptOutcome.WITHDRAWN,
            "the command that submitted it was interrupted",
        )
    found = replace(
        attempt, state=AttemptState.SUBMITTED, slurm_id=identifier, submitted_at_s=time.time()
    )
    submission = submission.with_attempt(found)
    save(folder, submission)
    return submission


def close(
    project: Path, submission: Submission, attempt: Attempt, outcome: AttemptOutcome, detail: str
) -> Submission:
    """Record how an attempt ended."""
    ended = replace(attempt, state=AttemptState.ENDED, outcome=outcome.value, detail=detail)
    submission = submission.with_attempt(ended)
    save(project / submission.job, submission)
    return submission


def finish(folder: Path, workload: Workload, ending: Ending, text: str) -> None:
    """Mark a job as ended, for its program, and note why in its log, for people."""
    note(folder, text, error=ending is Ending.FAILURE)
    workload.markers.set(folder, ending)


def note(folder: Path, text: str, *, error: bool = False) -> None:
    """Add lines to the job's own log, where the scientist looks."""
    with (folder / ("run.err" if error else "run.out")).open("a", encoding="utf-8") as log:
        log.writelines(f"{NOTE}{line}\n" for line in lines_of(text))


def _submitted(script: Path, options: Sequence[str], attempt: Attempt, tries: int) -> str:
    """Slurm's id, also where the answer was lost: submits again only if Slurm has no such job."""
    unanswered: list[NoAnswerError] = []

    def look() -> str | None:
        try:
            accepted = client.find(COMMENT_PREFIX + attempt.token) if unanswered else None
            return accepted or client.submit(script, options)
        except NoAnswerError as error:
            unanswered.append(error)
            return None

    identifier = poll(look, pause_s=PAUSE_S, tries=tries) or _found(attempt)
    if identifier is None:
        raise unanswered[-1]
    return identifier


def _found(attempt: Attempt) -> str | None:
    try:
        return client.find(COMMENT_PREFIX + attempt.token)
    except SlurmError:
        return None


def _give_up(
    folder: Path, submission: Submission, attempt: Attempt, outcome: AttemptOutcome, detail: str
) -> Submission:
    withdraw(folder, attempt)
    ended = replace(attempt, state=AttemptState.ENDED, outcome=outcome.value, detail=detail)
    submission = submission.with_attempt(ended)
    save(folder, submission)
    return submission


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
