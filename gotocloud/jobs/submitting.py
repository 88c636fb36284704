"""Submit a RELION job: placed, checked, recorded, and only once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.jobs.cluster import Cluster, this_cluster
from gotocloud.jobs.placing import PlacedJob, place_job
from gotocloud.jobs.relion_commands import FilledTemplate, parse_filled
from gotocloud.jobs.relion_workload import RelionWorkload, as_commanded, attempt_of
from gotocloud.relion.job import Job, read_job
from gotocloud.slurm import client
from gotocloud.slurm.attempts import close, finish, hand_over, note, settle_intent
from gotocloud.slurm.recovery import ACTIVE_STATES, AttemptOutcome
from gotocloud.slurm.script import batch_script
from gotocloud.slurm.submissions import Attempt, AttemptState, Submission, load, locked
from gotocloud.slurm.workload import Ending
from gotocloud.slurm.writing import batch_of

_JOB_FOLDER = re.compile(r"job\d{1,9}")
_RELION = RelionWorkload()
_NEVER_RAN = frozenset({AttemptOutcome.REFUSED, AttemptOutcome.WITHDRAWN})


class BusyError(GoToCloudError):
    """The job runs or waits already: it stays as it is, and its log gets no error."""


@dataclass(frozen=True)
class Submitted:
    """A job that Slurm has.

    Args:
        slurm_id: Slurm's id.
        messages: What a person must see, in sentences.
    """

    slurm_id: str
    messages: tuple[str, ...]


def submit(script: Path) -> Submitted:
    """Submit what RELION filled in.

    Args:
        script: RELION's script, made from GoToCloud's template.

    Raises:
        BusyError: if the job runs already; nothing has changed.
        GoToCloudError: if it was not submitted. RELION shows the job as failed, and the job's
            log contains the reason.
    """
    try:
        filled, folder = _read(script)
    except InputError as error:
        if _is_job_folder(script.parent) and not isinstance(error, _NoFolderError):
            _mark_failed(script.parent, str(error))
        raise
    try:
        return _submit(script, filled, folder)
    except BusyError:
        raise
    except Exception as error:
        # An earlier submission that still runs decides how the job ends.
        if not _still_runs(folder):
            _mark_failed(folder, str(error))
        raise


def was_handed_over(folder: Path) -> bool:
    """Whether Slurm got a job, also where the command that submitted it was killed.

    Args:
        folder: The job's folder.

    Raises:
        SlurmError: if Slurm does not answer.
    """
    if load(folder) is None:
        return False
    with locked(folder):
        record = load(folder)
        latest = record.latest if record else None
        if record is None or latest is None:
            return False
        if latest.state is AttemptState.INTENDED:
            latest = settle_intent(folder.parents[1], record, latest).attempts[-1]
    return latest.outcome not in _NEVER_RAN


def planned_script(script: Path) -> str:
    """The batch script that Slurm would get; nothing is written or submitted.

    Raises:
        GoToCloudError: if the job cannot be submitted.
    """
    filled, folder = _read(script)
    cluster = this_cluster()
    found = place_job(as_commanded(read_job(folder), filled.commands), cluster)
    found.accepted()
    submission = _new_round(filled, script, found.job, None)
    attempt = attempt_of(found, cluster, number=1, round_number=1)
    return batch_script(batch_of(submission, attempt, _RELION, cluster.site, found.job.project))


class _NoFolderError(InputError):
    """The script names a job folder that is not here."""


def _read(script: Path) -> tuple[FilledTemplate, Path]:
    try:
        text = script.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise _NoFolderError(f"{str(script)!r} cannot be read: {error.strerror}.") from error
    filled = parse_filled(text, str(script))
    # Slurm and people copy scripts; RELION itself calls from the project folder.
    named = script.absolute().parents[2:3]
    projects = [*named, Path.cwd()] if str(script).endswith(filled.job + script.name) else []
    for project in (*projects, Path.cwd()):
        if (project / filled.job).is_dir():
            return filled, project / filled.job
    raise _NoFolderError(
        f"{str(script)!r} names the job folder {filled.job!r}, which is not here. "
        "Run the command in RELION's project folder.",
        next_command="ls -d */job*",
    )


def _is_job_folder(folder: Path) -> bool:
    return bool(_JOB_FOLDER.fullmatch(folder.name)) or (folder / "job.star").exists()


def _mark_failed(folder: Path, text: str) -> None:
    finish(folder, _RELION, Ending.FAILURE, f"This job was not submitted.\n{text}")


def _submit(script: Path, filled: FilledTemplate, folder: Path) -> Submitted:
    cluster = this_cluster()
    found = place_job(as_commanded(read_job(folder), filled.commands), cluster)
    warnings = tuple(f"Warning: {one}" for one in found.accepted())
    with locked(folder):
        earlier = _earlier(folder, script)
        if isinstance(earlier, Submitted):
            return earlier
        submission = _new_round(filled, script, found.job, earlier)
        attempt = _hand_over(submission, found, cluster)
    where = f"Slurm job {attempt.slurm_id} in {attempt.queue}"
    note(folder, "\n".join([where, *warnings]))
    # The reason names queue, machines and ranks.
    return Submitted(attempt.slurm_id, (*found.remarks, *warnings, found.route.reason))


def _hand_over(submission: Submission, found: PlacedJob, cluster: Cluster) -> Attempt:
    number = submission.attempts[-1].number + 1 if submission.attempts else 1
    attempt = attempt_of(found, cluster, number=number, round_number=submission.round)
    record = hand_over(
        submission,
        attempt,
        _RELION,
        cluster.site,
        project=found.job.project,
        after="",
        tries=1,
    )
    return record.attempts[-1]


def _stamp(script: Path) -> str:
    return f"{hashlib.sha256(script.read_bytes()).hexdigest()[:32]}-{script.stat().st_mtime_ns}"


def _earlier(folder: Path, script: Path) -> Submission | Submitted | None:
    """What was submitted before: the record to continue, or this very submission.

    Raises:
        BusyError: if the job runs or waits.
    """
    record = load(folder)
    latest = record.latest if record else None
    if record is None or latest is None:
        return record
    project = folder.parents[1]
    if latest.state is AttemptState.INTENDED:
        record = settle_intent(project, record, latest)
        latest = record.attempts[-1]
    same = record.stamp == _stamp(script)
    if latest.is_open:
        if _runs(latest):
            if same:
                return Submitted(latest.slurm_id, (f"{record.job} was submitted already.",))
            raise BusyError(
                f"{record.job} still runs or waits, as Slurm job {latest.slurm_id} in "
                f"{latest.queue}: two of them would write the same files.",
                next_command=shell_line("scancel", latest.slurm_id),
            )
        if not same:
            return close(
                project, record, latest, AttemptOutcome.CANCELLED, "RELION submitted it again"
            )
    if same and latest.outcome not in _NEVER_RAN:
        raise BusyError(
            f"This very script has run before, as Slurm job {latest.slurm_id} "
            f"({latest.outcome or 'ended'}). Run or continue the job in RELION, which writes a "
            "new script; a job that lost its machine is restarted from where it was.",
            next_command=shell_line("gotocloud", "resume", record.job),
        )
    return record


def _still_runs(folder: Path) -> bool:
    try:
        record = load(folder)
        latest = record.latest if record else None
        return latest is not None and latest.is_open and _runs(latest)
    except GoToCloudError:
        return False


def _runs(latest: Attempt) -> bool:
    found = client.job(latest.slurm_id)
    return found is not None and found.get("JobState") in ACTIVE_STATES


def _new_round(
    filled: FilledTemplate, script: Path, job: Job, earlier: Submission | None
) -> Submission:
    stamp = _stamp(script)
    again = earlier is not None and earlier.stamp == stamp
    return Submission(
        workload=_RELION.name,
        job=filled.job,
        label=job.label,
        stamp=stamp,
        round=(earlier.round + (0 if again else 1)) if earlier else 1,
        script=filled.job + script.name,
        settings=filled.settings,
        commands=filled.commands,
        attempts=earlier.attempts if earlier else (),
    )
