"""Jobs that run while nothing is written into their logs."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gotocloud.slurm.queue_state import QueuedJob
from gotocloud.slurm.workload import JobProgress

LOG_FILE = "run.out"
LOG_END_BYTES = 32 * 1024
"""Of a log; the progress bar of an iteration of RELION takes some 5,000."""

LONGEST_STEPS = 3.0
LEAST_S = 1800.0
"""A log that is still for three times its longest step and half an hour more is named. Both are
our own choice: a bar moves 60 times in a step, and steps without one are shorter."""


@dataclass(frozen=True)
class LogEnd:
    """The end of a job's log.

    Args:
        text: What it contains.
        changed_at_s: When it was last written, in seconds since 1970.
    """

    text: str = ""
    changed_at_s: float | None = None


@dataclass(frozen=True)
class Standstill:
    """A job whose log has been still for longer than its own pace explains.

    Args:
        job: RELION's name of it.
        slurm_id: Slurm's id.
        still_s: For how long, in seconds.
        pace_s: Its longest step.
    """

    job: str
    slurm_id: str
    still_s: float
    pace_s: float

    def __str__(self) -> str:
        return (
            f"The log of {self.job} (Slurm job {self.slurm_id}) has stood still for "
            f"{timedelta(seconds=round(self.still_s))}; its longest step took "
            f"{timedelta(seconds=round(self.pace_s))}. Its machines are paid for: look at "
            f"{self.job}{LOG_FILE}, and end it with scancel {self.slurm_id} if it hangs."
        )


def log_end(folder: Path) -> LogEnd:
    """The end of a job's log; nothing where there is no such file.

    The guard reads it as root: it follows no link of a user's, and waits for no pipe.
    """
    try:
        handle = os.open(folder / LOG_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            state = os.fstat(handle)
            if not stat.S_ISREG(state.st_mode):
                return LogEnd()
            file.seek(max(0, state.st_size - LOG_END_BYTES))
            text = file.read(LOG_END_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return LogEnd()
    return LogEnd(text, state.st_mtime)


def still_s(end: LogEnd, progress: JobProgress, now_s: float) -> float | None:
    """How long a running job's log has been still; None where its own pace explains that.

    A log without a step shows no pace, and no standstill either.
    """
    if end.changed_at_s is None or progress.pace_s is None:
        return None
    still = now_s - end.changed_at_s
    return still if still > LONGEST_STEPS * progress.pace_s + LEAST_S else None


def standstill(
    job: QueuedJob, progress_of: Callable[[str], JobProgress], now_s: float
) -> Standstill | None:
    """The standstill of a job of Slurm's queue; None if it has none, or is not ours."""
    if not (job.token and job.is_running):
        return None
    end = log_end(Path(job.directory) / job.name)
    progress = progress_of(end.text)
    still = still_s(end, progress, now_s)
    if still is None or progress.pace_s is None:
        return None
    return Standstill(f"{job.name}/", job.slurm_id, still, progress.pace_s)
