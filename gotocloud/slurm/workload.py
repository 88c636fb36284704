"""What Slurm's room must know of a program: the interface that every kind of workload fills in.

RELION is one of them (`gotocloud.jobs.relion_workload`). Nothing in this room imports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gotocloud.slurm.submissions import Attempt, Submission


class Ending(StrEnum):
    """How a job ended, as a file in its folder shows it to people and to the program."""

    SUCCESS = "success"
    FAILURE = "failure"
    ABORTED = "aborted"


@dataclass(frozen=True)
class Markers:
    """Names of empty files in a job's folder that show its state.

    Args:
        endings: The file of each ending.
        abort_now: The file by which a person stops the job.
    """

    endings: Mapping[Ending, str]
    abort_now: str

    def of(self, folder: Path) -> frozenset[Ending]:
        """The endings that a folder shows."""
        return frozenset(one for one, name in self.endings.items() if (folder / name).exists())

    def set(self, folder: Path, ending: Ending | None) -> None:
        """Let a folder show one ending and no other; None for a job that has not ended."""
        for one, name in self.endings.items():
            if one is not ending:
                (folder / name).unlink(missing_ok=True)
        if ending is not None:
            (folder / self.endings[ending]).touch()


@dataclass(frozen=True)
class Command:
    """One command of a batch script.

    Args:
        text: The line that a shell runs.
        mpi: Whether mpirun starts its ranks.
        program: Program that must be on PATH before anything runs; None if the line checks
            that itself.
    """

    text: str
    mpi: bool = False
    program: str | None = None


@dataclass(frozen=True)
class StartingPoint:
    """Where an attempt after an interruption begins.

    Args:
        continue_from: File to continue from, as seen from the project folder; empty without one.
        skipped: How many of the job's commands are finished and do not run again.
        finishing: Whether finished pieces of the first command are left alone.
    """

    continue_from: str = ""
    skipped: int = 0
    finishing: bool = False


@dataclass(frozen=True)
class JobProgress:
    """How far a job is, as its log shows it; None where the log does not show it.

    Args:
        iteration: The iteration that runs.
        iterations: How many there will be.
        resolution_angstrom: The latest.
        pace_s: The longest of its steps that the log shows, with how long the one that runs is
            expected to take.
    """

    iteration: int | None = None
    iterations: int | None = None
    resolution_angstrom: float | None = None
    pace_s: float | None = None


class Workload(Protocol):
    """A kind of program that runs as jobs of Slurm.

    A job has a folder `FAMILY/NAME/` below a project folder. Slurm writes its output to `run.out`
    and its errors to `run.err` there.
    """

    @property
    def name(self) -> str:
        """Its name in the records of submissions."""

    @property
    def markers(self) -> Markers:
        """The files that show how a job ended."""

    def commands(self, record: Submission, attempt: Attempt, project: Path) -> tuple[Command, ...]:
        """The commands of an attempt, with its ranks, from where it starts.

        Raises:
            GoToCloudError: if the file to continue from cannot be read.
        """

    def can_continue(self, folder: Path) -> bool:
        """Whether another attempt continues where an interrupted one was."""

    def next_start(self, folder: Path, record: Submission) -> StartingPoint:
        """Where the attempt after the latest one begins."""

    def prepare(self, folder: Path, attempt: Attempt) -> str:
        """Remove what a lost machine may have left half written, and show the job as running.

        Returns:
            What was done or must be done, in words for the job's log; empty for nothing.
        """

    def progress(self, log: str) -> JobProgress:
        """How far a job is, from the end of its `run.out`."""

    def last_error(self, log: str) -> str:
        """The line of `run.err` that explains most; empty if there is none."""
