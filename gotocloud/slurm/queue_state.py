"""The jobs in Slurm's queue, from `squeue`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gotocloud.errors import GoToCloudError
from gotocloud.formats import whole_number
from gotocloud.slurm.script import COMMENT_PREFIX

SEPARATOR = "\x1f"
"""Between fields: a character that hardly any name has."""

RECORD = "\x1e"
"""Before each job: a name may hold the end of a line."""

SQUEUE_FORMAT = RECORD + SEPARATOR.join(
    ("%i", "%T", "%P", "%r", "%D", "%M", "%u", "%N", "%V", "%k", "%j", "%Z")
)
"""Id, state, partition, reason, nodes, time used, user, node list, submission, comment, name,
folder: everything about any number of jobs, in one call."""

_FIELDS = SQUEUE_FORMAT.count(SEPARATOR) + 1
_TIME = re.compile(r"(?:(\d{1,9})-)?(?:(\d{1,9}):)?(\d{1,9}):(\d{1,9})")

STATE_WORDS = {
    "PENDING": "waiting",
    "CONFIGURING": "machines are starting",
    "RUNNING": "running",
    "SUSPENDED": "suspended",
    "STOPPED": "stopped",
    "COMPLETING": "ending",
    "STAGE_OUT": "ending",
    "SIGNALING": "ending",
    "COMPLETED": "done",
    "CANCELLED": "cancelled",
    "FAILED": "failed",
    "TIMEOUT": "out of time",
    "PREEMPTED": "preempted",
    "NODE_FAIL": "machine lost",
    "BOOT_FAIL": "machine did not start",
    "DEADLINE": "missed its deadline",
    "OUT_OF_MEMORY": "out of memory",
    "REQUEUED": "starting again",
    "REQUEUE_FED": "starting again",
    "REQUEUE_HOLD": "held after being put back",
    "SPECIAL_EXIT": "held after an error",
    "RESIZING": "changing its size",
    "REVOKED": "revoked",
    "RESV_DEL_HOLD": "held: its reservation is gone",
    "LAUNCH_FAILED": "could not be started",
    "RECONFIG_FAIL": "its machine could not be set up",
    "EXPEDITING": "starting again",
}
"""Every state of a job in Slurm 22.05 to 25.11 -> plain words:
https://slurm.schedmd.com/squeue.html (JOB STATE CODES)."""

_WAITING = frozenset(
    {"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
)
_RUNNING = frozenset(
    {"RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING"}
    | {"RESIZING"}
)


@dataclass(frozen=True)
class QueuedJob:
    """A job as Slurm shows it.

    Args:
        slurm_id: Slurm's id; of an array also its index.
        state: Slurm's word, for example "PENDING".
        partition: The queue.
        reason: Why it waits, or how it ended: Slurm's code; empty without one.
        nodes: Machines that it has or requests.
        elapsed_s: Time that it has run; None if Slurm does not report.
        user: Whose job it is.
        node_list: Where it runs, in Slurm's notation.
        submitted: When, as Slurm writes it.
        token: The attempt that it is; empty for a job that `gotocloud submit` did not make.
        name: Its name.
        directory: Folder in which it was submitted.
    """

    slurm_id: str
    state: str
    partition: str
    reason: str
    nodes: int
    elapsed_s: int | None
    user: str
    node_list: str
    submitted: str
    token: str
    name: str
    directory: str

    @property
    def state_words(self) -> str:
        """The state in plain words; an unknown one as it is."""
        return STATE_WORDS.get(self.state, self.state)

    @property
    def is_waiting(self) -> bool:
        """Whether it has no machines yet."""
        return self.state in _WAITING

    @property
    def is_running(self) -> bool:
        """Whether it has machines, which cost."""
        return self.state in _RUNNING


def parse_squeue(text: str) -> tuple[QueuedJob, ...]:
    """The jobs in Slurm's order.

    Args:
        text: The output of `squeue --noheader` in `SQUEUE_FORMAT`.

    Raises:
        GoToCloudError: if something is not of that format.
    """
    if text.strip() and not text.startswith(RECORD):
        raise _odd(text)
    return tuple(_job(line) for line in text.split(RECORD)[1:])


def seconds(text: str) -> int | None:
    """Slurm's time (`days-hours:minutes:seconds`) in seconds; None if it is no time."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def _job(line: str) -> QueuedJob:
    *fields, rest = line.removesuffix("\n").split(SEPARATOR, _FIELDS - 2)
    name, separator, folder = rest.rpartition(SEPARATOR)
    if len(fields) != _FIELDS - 2 or not separator:
        raise _odd(line)
    number, state, partition, reason, nodes, used, user, where, when, comment = fields
    return QueuedJob(
        slurm_id=number,
        state=state,
        partition=partition,
        reason="" if reason in ("None", "(null)") else reason,
        nodes=whole_number(nodes) or 0,
        elapsed_s=seconds(used),
        user=user,
        node_list="" if where == "(null)" else where,
        submitted=when,
        token=comment.removeprefix(COMMENT_PREFIX) if comment.startswith(COMMENT_PREFIX) else "",
        name=name,
        directory=folder,
    )


def _odd(text: str) -> GoToCloudError:
    return GoToCloudError(
        f"squeue printed {text[:200]!r}, which is not in the requested format.",
        next_command="squeue --version",
    )
