"""The record of a job's attempts: `gotocloud_submission.json` in the job's folder.

An attempt is recorded before it is submitted and carries a token that Slurm keeps as the job's
comment. If a command is killed in between, the next one finds the job by its token or withdraws
the attempt, so no job runs twice.
"""

from __future__ import annotations

import errno
import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gotocloud.errors import GoToCloudError
from gotocloud.files import write_whole
from gotocloud.formats import parse_json

RECORD_FILE = "gotocloud_submission.json"
VERSION = 1
CONTROL_FOLDER = ".gotocloud"
"""Folder in a job's folder: one folder of an attempt each, with its exit markers."""


class AttemptState(StrEnum):
    """Where an attempt stands, in its record."""

    INTENDED = "intended"
    """About to be submitted; Slurm may have it or not."""

    SUBMITTED = "submitted"
    """Slurm has it."""

    ENDED = "ended"
    """It is over, and what follows from it is settled."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One submission to Slurm.

    Args:
        number: From 1, over all rounds.
        round: Which of RELION's submissions of the job it belongs to, from 1.
        token: What Slurm keeps as the job's comment.
        queue: Slurm's partition.
        layout: Ranks of each machine.
        ranks: MPI ranks.
        threads: Threads of each rank.
        vcpus: Virtual CPUs of a machine.
        gpus_per_node: GPUs of each machine that it requested.
        gpu_ids: What RELION's `--gpu` gets; empty leaves it to RELION.
        exclusive: Whether it has its machines to itself.
        instance_type: EC2's name of the machines; empty if unknown.
        spot: Whether they may be taken away.
        price_usd_per_hour: Of one machine; None if unknown.
        why: Why this queue and shape.
        continue_from: Optimiser file, as seen from the project folder; empty from the start.
        skipped: How many of RELION's commands an earlier attempt had finished.
        finishing: Whether it leaves alone what earlier attempts have finished.
        modules: Environment modules.
        log_start: Bytes of RELION's error log that are older than the attempt.
        state: Where it stands.
        slurm_id: Slurm's id; empty until it is known.
        submitted_at_s: Seconds since 1970; None until submitted.
        started_at_s: When its script began; None before.
        ended_at_s: When its script ended; None before, and if it never could state it.
        exit_status: What the script ended with.
        node_list: Where it ran, in Slurm's notation.
        iteration: The iteration in which it ended; None if it had begun none.
        outcome: How it ended, a `recovery.Outcome`; empty before.
        detail: That in words.
    """

    number: int
    round: int
    token: str
    queue: str
    layout: tuple[int, ...]
    ranks: int
    threads: int
    vcpus: int
    gpus_per_node: int = 0
    gpu_ids: str = ""
    exclusive: bool = True
    instance_type: str = ""
    spot: bool = False
    price_usd_per_hour: float | None = None
    why: str = ""
    continue_from: str = ""
    skipped: int = 0
    finishing: bool = False
    modules: tuple[str, ...] = ()
    log_start: int = 0
    state: AttemptState = AttemptState.INTENDED
    slurm_id: str = ""
    submitted_at_s: float | None = None
    started_at_s: float | None = None
    ended_at_s: float | None = None
    exit_status: int | None = None
    node_list: str = ""
    iteration: int | None = None
    outcome: str = ""
    detail: str = ""

    @property
    def nodes(self) -> int:
        """Machines."""
        return len(self.layout)

    @property
    def is_open(self) -> bool:
        """Whether something may still come of it."""
        return self.state is not AttemptState.ENDED


@dataclass(frozen=True, kw_only=True)
class Submission:
    """Everything that was submitted for one job, through every round of RELION's.

    Args:
        workload: Name of the kind of program, a `workload.Workload.name`.
        job: The job's folder as seen from the project folder, "Class2D/job012/".
        label: What kind of job it is, for example RELION's "relion.class2d.em".
        stamp: Differs between two scripts that the program filled in.
        round: How often the program has submitted the job.
        script: The program's script, as seen from the project folder.
        settings: What the form contained.
        commands: The program's commands of this round.
        attempts: All attempts, oldest first.
    """

    workload: str
    job: str
    label: str
    stamp: str
    round: int = 1
    script: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    @property
    def latest(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    def copied_from(self, folder: Path) -> str:
        """The job whose folder was copied to this one; empty if none was.

        RELION gives each job a number of its own; a folder with another one is a copy.
        """
        here = f"{folder.parent.name}/{folder.name}/"
        return self.job if self.job.strip("/") != here.strip("/") else ""

    @property
    def this_round(self) -> tuple[Attempt, ...]:
        """The attempts since RELION last submitted the job."""
        return tuple(one for one in self.attempts if one.round == self.round)

    def with_attempt(self, attempt: Attempt) -> Submission:
        """The same with one attempt added or replaced."""
        others = tuple(one for one in self.attempts if one.number != attempt.number)
        ordered = sorted((*others, attempt), key=lambda one: one.number)
        return replace(self, attempts=tuple(ordered))


def load(job_folder: Path) -> Submission | None:
    """The record of a job, with what its scripts have noted since; None without one.

    Raises:
        GoToCloudError: if there is one that cannot be read.
    """
    path = job_folder / RECORD_FILE
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise _unreadable(path, f"it must have version {VERSION}")
    try:
        submission = _submission(content)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise _unreadable(path, str(error)) from error
    noted = tuple(_noted(job_folder, attempt) for attempt in submission.attempts)
    return replace(submission, attempts=noted)


def save(job_folder: Path, submission: Submission) -> None:
    """Write the record so that it is either the old one or the new one, never half of it."""
    content = {"version": VERSION, **asdict(submission)}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_whole(job_folder / RECORD_FILE, f"{text}\n")


@contextmanager
def locked(job_folder: Path) -> Iterator[None]:
    """Only one command at a time decides about a job.

    A file system without locks leaves it to the tokens.
    """
    folder = job_folder / CONTROL_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):
                raise
        yield


def record_folders(project: Path) -> Iterator[Path]:
    """Folders of the jobs of a project that have a record; an alias is no second job."""
    for record in project.glob(f"*/*/{RECORD_FILE}"):
        if not record.parent.is_symlink() and not record.parents[1].is_symlink():
            yield record.parent


def control_folder(job: str, attempt: int) -> str:
    """Folder of an attempt's markers, as seen from the project folder; ends with a slash."""
    return f"{job}{CONTROL_FOLDER}/{attempt}/"


def control_path(job_folder: Path, attempt: Attempt) -> Path:
    """Folder of an attempt's markers and notes."""
    return job_folder / control_folder("", attempt.number)


def clear_control(job_folder: Path, attempt: Attempt) -> None:
    """Remove what an earlier attempt of the same number left.

    RELION's "Overwrite" empties a job's folder with `rm -rf FOLDER/*` (3dem/relion,
    src/pipeliner.cpp, `runJob`), which leaves names that begin with a dot.
    """
    shutil.rmtree(control_path(job_folder, attempt), ignore_errors=True)


def withdraw(job_folder: Path, attempt: Attempt) -> None:
    """Make sure that an attempt does nothing, should Slurm have it after all."""
    folder = control_path(job_folder, attempt)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "withdrawn").touch()


def finished_commands(job_folder: Path, attempt: Attempt) -> int:
    """How many of its commands an attempt has finished."""
    return len(list(control_path(job_folder, attempt).glob("command_*.done")))


def _submission(content: Mapping[str, Any]) -> Submission:
    names = {one.name for one in fields(Attempt)}
    attempts = tuple(
        Attempt(
            **{
                **{key: value for key, value in one.items() if key in names},
                "state": AttemptState(one["state"]),
                "modules": tuple(one["modules"]),
                "layout": tuple(one["layout"]),
            }
        )
        for one in content["attempts"]
    )
    return Submission(
        # Earlier releases recorded jobs of RELION only.
        workload=content.get("workload", "relion"),
        job=content["job"],
        label=content["label"],
        stamp=content["stamp"],
        round=content["round"],
        script=content["script"],
        settings=dict(content["settings"]),
        commands=tuple(content["commands"]),
        attempts=attempts,
    )


def _noted(job_folder: Path, attempt: Attempt) -> Attempt:
    """The attempt with what its own script wrote down."""
    folder = control_path(job_folder, attempt)
    started = _words(folder / "started")
    if len(started) > 1:
        attempt = replace(
            attempt,
            slurm_id=attempt.slurm_id or started[0],
            state=AttemptState.SUBMITTED
            if attempt.state is AttemptState.INTENDED
            else attempt.state,
            started_at_s=float(started[1]),
            node_list=" ".join(started[2:]),
        )
    ended = _words(folder / "ended")
    if len(ended) > 1:
        attempt = replace(attempt, exit_status=int(ended[0]), ended_at_s=float(ended[1]))
    return attempt


def _words(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return ()


def _unreadable(path: Path, reason: str) -> GoToCloudError:
    return GoToCloudError(
        f"The record of the job's submissions, {path}, cannot be used: {reason}. Move it away "
        "once you are sure that the job is not running.",
        next_command="squeue --me",
    )
