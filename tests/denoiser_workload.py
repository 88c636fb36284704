"""A kind of program that is not RELION, as a newcomer writes it: one command, no restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gotocloud.jobs.cluster import Cluster
from gotocloud.slurm.submissions import Attempt, Submission
from gotocloud.slurm.workload import Command, Ending, JobProgress, Markers, StartingPoint


class Denoiser:
    """A program that starts again from the beginning when its machine is lost."""

    name = "denoiser"
    markers = Markers({one: f"DENOISER_{one.upper()}" for one in Ending}, "DENOISER_ABORT")

    def commands(self, record: Submission, attempt: Attempt, project: Path) -> tuple[Command, ...]:
        """The commands as they were submitted."""
        return tuple(Command(line) for line in record.commands)

    def can_continue(self, folder: Path) -> bool:
        """It cannot."""
        return False

    def next_start(self, folder: Path, record: Submission) -> StartingPoint:
        """From the beginning."""
        return StartingPoint()

    def prepare(self, folder: Path, attempt: Attempt) -> str:
        """Nothing to remove."""
        return ""

    def progress(self, log: str) -> JobProgress:
        """Its log does not show any."""
        return JobProgress()

    def last_error(self, log: str) -> str:
        """The last line."""
        return log.rstrip().rpartition("\n")[2]

    def attempt_in(self, folder: Path, record: Submission, cluster: Cluster, queue: str) -> Attempt:
        """The same shape in another queue."""
        return replace(record.attempts[-1], number=0, round=0, queue=queue)
