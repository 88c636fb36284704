"""Slurm's accounting text as runs: `sacct --parsable2` with a header, in any column order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gotocloud.advisor.tables import raise_problems
from gotocloud.errors import InputError
from gotocloud.formats import whole_number
from gotocloud.printed import lines_of

FIELDS = "JobID,JobName,Partition,State,Submit,Start,End,NNodes"
COMMAND = f"sacct --parsable2 --duplicates --format={FIELDS}"
"""What prints the text that is read here."""

_REQUIRED = tuple(FIELDS.split(","))
_NO_TIME = ("", "Unknown", "None")
_OUTCOMES = {
    "COMPLETED": "succeeded",
    "CANCELLED": "aborted",
    "FAILED": "failed",
    "NODE_FAIL": "failed",
    "TIMEOUT": "failed",
    "OUT_OF_MEMORY": "failed",
    "PREEMPTED": "failed",
    "REQUEUED": "failed",
    "BOOT_FAIL": "failed",
    "DEADLINE": "failed",
}
_JOB_NAME = re.compile(r"([A-Za-z0-9]+/job\d{1,9})/?$")


@dataclass(frozen=True)
class SlurmRun:
    """One run of a Slurm job that has ended.

    Args:
        job_id: Slurm's number.
        name: As it was submitted; ours are "Class2D/job012".
        partition: The queue.
        outcome: A choice of the column `outcome`.
        submitted_at_s: When it was submitted, seconds since 1970 in local time.
        started_at_s: When it started; on nodes that had to boot, after that.
        ended_at_s: When it ended.
        nodes: Machines.
    """

    job_id: str
    name: str
    partition: str
    outcome: str
    submitted_at_s: float | None
    started_at_s: float
    ended_at_s: float
    nodes: int

    @property
    def relion_job(self) -> str | None:
        """RELION's name of the job, "Class2D/job012"; None when the name is not ours."""
        found = _JOB_NAME.search(self.name)
        return found[1] if found else None

    @property
    def seconds(self) -> float:
        """From start to end."""
        return self.ended_at_s - self.started_at_s


def parse_sacct(text: str, name: str) -> tuple[SlurmRun, ...]:
    """The runs that have started and ended; steps of jobs and waiting jobs are left out.

    Raises:
        InputError: with every problem and its line number.
    """
    lines = [line for line in enumerate(lines_of(text), start=1) if line[1].strip()]
    header = lines[0][1].strip().split("|") if lines else []
    missing = [field for field in _REQUIRED if field not in header]
    if missing:
        raise InputError(
            f"{name!r} is not what sacct prints with a header: {', '.join(missing)} missing.",
            next_command=COMMAND,
        )
    problems: list[str] = []
    runs = []
    for number, line in lines[1:]:
        cells = line.split("|")
        if len(cells) != len(header):
            problems.append(f"line {number}: {len(cells)} cells, the header has {len(header)}")
            continue
        row = dict(zip(header, cells, strict=True))
        if "." in row["JobID"]:
            continue
        try:
            if run := _run(row):
                runs.append(run)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    raise_problems(f"{name!r} cannot be used.", problems, next_command=COMMAND)
    return tuple(sorted(runs, key=lambda run: run.started_at_s))


def _run(row: Mapping[str, str]) -> SlurmRun | None:
    # "CANCELLED by 1000" is CANCELLED.
    state = row["State"].partition(" ")[0]
    started, ended = _time(row, "Start"), _time(row, "End")
    if state not in _OUTCOMES or started is None or ended is None:
        return None
    if ended < started:
        raise ValueError(f"job {row['JobID']} ends before it starts")
    nodes = whole_number(row["NNodes"])
    if not nodes:
        raise ValueError(f"job {row['JobID']} has {row['NNodes']!r} nodes")
    return SlurmRun(
        job_id=row["JobID"],
        name=row["JobName"],
        partition=row["Partition"],
        outcome=_OUTCOMES[state],
        submitted_at_s=_time(row, "Submit"),
        started_at_s=started,
        ended_at_s=ended,
        nodes=nodes,
    )


def _time(row: Mapping[str, str], field: str) -> float | None:
    text = row[field].strip()
    if text in _NO_TIME:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise ValueError(f"{field} {text!r} is no time; let sacct print it as it does") from None
