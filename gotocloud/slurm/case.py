"""A submitted job that a command looks at, and what the command may do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gotocloud.errors import InputError
from gotocloud.slurm.attempts import close, settle_intent
from gotocloud.slurm.evidence import output_of
from gotocloud.slurm.recovery import AttemptOutcome, AttemptVerdict
from gotocloud.slurm.site import Site
from gotocloud.slurm.submissions import Attempt, AttemptState, Submission, load
from gotocloud.slurm.workload import Workload

WorkloadOf = Callable[[str], Workload]
"""The kind of program with a name."""

AttemptIn = Callable[[Path, Submission, str], Attempt]
"""The shape of a job in another queue: its folder, its record, the queue. Number, round and token
are still open. It raises GoToCloudError where the job cannot run there."""


@dataclass(frozen=True, kw_only=True)
class Restarter:
    """What restarting jobs needs.

    Args:
        site: The cluster.
        workload_of: The kinds of program that jobs run.
        attempt_in: Shapes a job for another queue.
        dry_run: Whether only a report is made.
        tries: How often to call a controller of Slurm that does not answer.
    """

    site: Site
    workload_of: WorkloadOf
    attempt_in: AttemptIn
    dry_run: bool
    tries: int


@dataclass(frozen=True)
class CaseReport:
    """What was done about a job, in a sentence.

    Args:
        job: Its name.
        text: The sentence.
        script: A script that the same Slurm job runs next; None if there is none.
    """

    job: str
    text: str
    script: Path | None = None


@dataclass(frozen=True)
class Case:
    """One job.

    Args:
        folder: Its folder.
        record: The record of its submissions.
        restarter: What restarting it needs.
    """

    folder: Path
    record: Submission
    restarter: Restarter

    @classmethod
    def of(cls, folder: Path, restarter: Restarter) -> Case:
        """The job in a folder.

        Raises:
            InputError: if it was never submitted.
        """
        record = load(folder)
        if record is None or not record.attempts:
            raise InputError(
                f"{folder} was not submitted by `gotocloud submit`, so there is nothing to resume.",
                next_command="gotocloud jobs --all",
            )
        return cls(folder, record, restarter)

    @property
    def latest(self) -> Attempt:
        """Its newest attempt."""
        return self.record.attempts[-1]

    @property
    def project(self) -> Path:
        """The project folder."""
        return self.folder.parents[1]

    @property
    def workload(self) -> Workload:
        """What its program is."""
        return self.restarter.workload_of(self.record.workload)

    def report(self, text: str) -> CaseReport:
        """A report without a script."""
        return CaseReport(self.record.job, text)

    def settled(self) -> Case:
        """The same once it is known whether an interrupted submission reached Slurm."""
        if self.latest.state is not AttemptState.INTENDED:
            return self
        return replace(self, record=settle_intent(self.project, self.record, self.latest))

    def judged(self, verdict: AttemptVerdict) -> Attempt:
        """The latest attempt with how and in which iteration it ended."""
        log = output_of(self.folder, self.latest)
        return replace(
            self.latest,
            outcome=verdict.outcome.value,
            iteration=self.workload.progress(log).iteration if log else None,
        )

    def closed(self, verdict: AttemptVerdict) -> Case:
        """The same with the end of the latest attempt recorded."""
        ended = self.judged(verdict)
        record = close(self.project, self.record, ended, verdict.outcome, verdict.detail)
        return replace(self, record=record)

    def interruptions_before(self) -> tuple[Attempt, ...]:
        """Earlier attempts of this round that ran."""
        return tuple(
            one for one in self.record.this_round[:-1] if one.outcome != AttemptOutcome.WITHDRAWN
        )
