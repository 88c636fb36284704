"""Jobs that have ended, from `sacct`, where Slurm keeps accounts."""

from __future__ import annotations

from dataclasses import dataclass

from gotocloud.formats import whole_number
from gotocloud.printed import lines_of
from gotocloud.slurm.queue_state import STATE_WORDS, seconds

SACCT_FIELDS = "JobIDRaw,State,Partition,NNodes,ElapsedRaw,User,ExitCode,JobName,WorkDir"
"""The fields of `sacct --parsable2`; free text last, for it may hold the separator."""

SACCT_OPTIONS = ("--allocations", "--duplicates")
"""Whole jobs without their steps; a job that was put back counts each time, where `sacct` alone
would return its last run: https://slurm.schedmd.com/sacct.html (--duplicates)."""

_FIELDS = SACCT_FIELDS.count(",") + 1


@dataclass(frozen=True)
class EndedJob:
    """A job in Slurm's accounts.

    Args:
        slurm_id: Slurm's id.
        state: Slurm's word, without the user who cancelled it.
        partition: The queue.
        nodes: Machines that it had.
        elapsed_s: How long it had them; None if Slurm does not report.
        user: Whose job it was.
        exit_code: Slurm's "code:signal".
        name: Its name.
        directory: Folder in which it was submitted.
    """

    slurm_id: str
    state: str
    partition: str
    nodes: int
    elapsed_s: int | None
    user: str
    exit_code: str
    name: str
    directory: str

    @property
    def state_words(self) -> str:
        """The state in plain words; an unknown one as it is."""
        return STATE_WORDS.get(self.state, self.state)


def parse_sacct(text: str | None) -> tuple[EndedJob, ...]:
    """The jobs in Slurm's order; lines of another form are left out.

    Args:
        text: The output of `sacct`; None where Slurm keeps no accounts, as on our clusters,
            which have no accounting database by default.
    """
    return tuple(job for line in lines_of(text or "") if (job := _ended(line)) is not None)


def _seconds(elapsed: str) -> int | None:
    plain = whole_number(elapsed)
    return seconds(elapsed) if plain is None else plain


def _ended(line: str) -> EndedJob | None:
    fields = line.split("|", _FIELDS - 1)
    if len(fields) != _FIELDS or whole_number(fields[0][:1]) is None:
        return None
    number, state, partition, nodes, elapsed, user, code, name, folder = fields
    return EndedJob(
        slurm_id=number,
        # "CANCELLED by 1000"
        state=state.partition(" ")[0],
        partition=partition,
        nodes=whole_number(nodes) or 0,
        elapsed_s=_seconds(elapsed),
        user=user,
        exit_code=code,
        name=name,
        directory=folder,
    )
