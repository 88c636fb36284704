"""How long a job really ran: every clock that a job leaves behind, and the traps in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gotocloud.advisor.columns import LONGEST_S
from gotocloud.advisor.records import LOWER_BOUND
from gotocloud.costs.machine_time import Timed, seconds_of
from gotocloud.relion.run_log import RunLog

# RELION writes C's `ctime`, in the time zone of the machine that ran its window
# (https://github.com/3dem/relion/blob/5.0.1/src/pipeliner.cpp#L714).
_EXECUTED = re.compile(
    r"^ \+\+\+\+ Executing .* on (\w{3} \w{3} +\d{1,9} [\d:]{8} \d{4})", re.MULTILINE
)
_CTIME = "%a %b %d %H:%M:%S %Y"
_SCRIPT = re.compile(
    r"^ GoToCloud: attempt (\d{1,9}) ended on .*, after (\d{1,9}) s, with", re.MULTILINE
)
# The sbatch templates of KEK-SBRC-CryoEM/CS-Schemes end with such a line.
_ELAPSED = re.compile(r"^\s*Elapsed \(Unix time\):\s*(\d{1,18})\s*$", re.MULTILINE)


_CONTROLLED = re.compile(r"--pipeline_control +(\S+)")
"""RELION gives each of its programs the folder of the job."""

_WRITTEN_S = 120.0
"""By so much `job.star` may be younger than the start that `note.txt` has."""


@dataclass(frozen=True)
class Clock:
    """The time of a job.

    Args:
        in_job_s: Seconds in the job, of all attempts together.
        timing: Where that was read: a choice of the column `timing`.
        attempts: How often the job was started.
        queue_s: Seconds from submission to the start, nodes' boot included; of a job with
            one attempt.
        submit_to_exit_s: Seconds from submission to the end; of a job with one attempt.
    """

    in_job_s: float
    timing: str
    attempts: int
    queue_s: float | None = None
    submit_to_exit_s: float | None = None


@dataclass(frozen=True)
class Traces:
    """What a job's folder holds about its time.

    Args:
        log_text: `run.out`.
        log: The same, read.
        note_text: `note.txt`.
        exited_at: Change time of the exit file, in local time; None without one.
        described_at: Change time of `job.star`, which RELION writes before it starts a job.
        attempts: What `gotocloud submit` noted, oldest first.
        slurm: The job's runs in Slurm's accounting, oldest first.
    """

    log_text: str
    log: RunLog
    note_text: str
    exited_at: datetime | None
    described_at: datetime | None = None
    attempts: Sequence[Timed] = ()
    slurm: Sequence[Timed] = ()


def clock(traces: Traces) -> Clock | None:
    """The best clock that a job has; None without any.

    In order of trust: the batch script's own start and end, Slurm's accounting, the lines
    that a batch script wrote into the log, and RELION's progress bars, which leave out all
    that happens between them. Where the end of an attempt is not recorded, the sum of the
    others is a lower bound.
    """
    starts = max(1, len(executions(traces.note_text)))
    for noted, timing in ((traces.attempts, "job-script"), (traces.slurm, "slurm")):
        if found := _noted(noted, timing):
            return found
    if any(one.started_at_s is not None for one in traces.attempts):
        return _at_least(traces)
    if script := _last_lines(_SCRIPT, traces.log_text):
        return _with_wall(sum(script), "job-script", max(len(script), starts), traces)
    if lines := [int(one) for one in _ELAPSED.findall(traces.log_text)]:
        # A continued job, and one of several commands, has a line of each.
        return _with_wall(sum(lines), "log", starts, traces)
    if bars := sum(step.elapsed_s for step in traces.log.steps):
        return _with_wall(bars, LOWER_BOUND, starts, traces)
    return None


def executions(note_text: str) -> tuple[datetime, ...]:
    """When RELION started a job, from `note.txt`, oldest first.

    The file's change time is no start: RELION appends to it when a job is continued.
    """
    found = []
    for text in _EXECUTED.findall(note_text):
        try:
            found.append(datetime.strptime(re.sub(" +", " ", text), _CTIME))
        except ValueError:
            continue
    return tuple(found)


def copied_from(note_text: str, job: str) -> str:
    """The job whose folder was copied to this one, by RELION's own commands; empty if none was."""
    named = [name.strip("/") for name in _CONTROLLED.findall(note_text)]
    return f"{named[-1]}/" if named and named[-1] != job.strip("/") else ""


def _noted(attempts: Sequence[Timed], timing: str) -> Clock | None:
    """The sum over attempts; None unless the time of each one that started is known."""
    started = [one for one in attempts if one.started_at_s is not None]
    seconds = [one for one in seconds_of(attempts) if one is not None]
    if len(seconds) < len(started) or not sum(seconds) > 0:
        return None
    only = started[0] if len(started) == 1 else None
    if only is None or only.submitted_at_s is None or only.started_at_s is None:
        return Clock(sum(seconds), timing, len(started))
    queue_s = max(only.started_at_s - only.submitted_at_s, 0)
    return Clock(sum(seconds), timing, 1, queue_s, submit_to_exit_s=queue_s + sum(seconds))


def _at_least(traces: Traces) -> Clock | None:
    """What is known of attempts of which one has no recorded end."""
    seconds = seconds_of(traces.attempts)
    counted_s = sum(one for one in seconds if one is not None)
    bars = sum(step.elapsed_s for step in traces.log.steps)
    most = max(counted_s, bars)
    return Clock(most, LOWER_BOUND, max(1, len(seconds))) if most > 0 else None


def _last_lines(pattern: re.Pattern[str], text: str) -> list[int]:
    """Seconds of each attempt; one that was put back has several lines of one number."""
    return [int(seconds) for _, seconds in pattern.findall(text)]


def _with_wall(seconds: float, timing: str, starts: int, traces: Traces) -> Clock:
    """The clock, with the time from submission to the exit file where both are known.

    A job that was continued lay still in between, which is not its time. An exit file that
    is older than the job's own time, or months younger, has been copied, or stands in another
    time zone; so has one beside a `job.star` that is younger than the start.
    """
    began = executions(traces.note_text)
    if starts > 1 or not began or traces.exited_at is None:
        return Clock(seconds, timing, starts)
    wall = (traces.exited_at - began[0]).total_seconds()
    copied = traces.described_at and traces.described_at > began[0] + timedelta(seconds=_WRITTEN_S)
    believed = seconds <= wall <= LONGEST_S and not copied
    return Clock(seconds, timing, starts, submit_to_exit_s=wall if believed else None)
