"""How many jobs a cluster has now: the command for its head node, and its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gotocloud.printed import lines_of
from gotocloud.projects.pausing import SLURM

GUARD = "/usr/local/sbin/gotocloud-guard"
"""Of a head node: the script of the idle guard, which names its program. It is written by
node/configure-head-node.sh."""

_GUARD = (
    f"program=$(sed -n 's/^program=\"\\(.*\\)\"$/\\1/p' {GUARD} 2>/dev/null)\n"
    'if [ -n "$program" ] && timeout 5 test -x "$program"; then echo guard=yes; '
    "else echo guard=no; fi\n"
)

COUNT = (
    f"{_GUARD}{SLURM}\njobs=$(squeue --noheader --all --format='%T %P') || exit 1\n"
    "echo counted\nprintf '%s\\n' \"$jobs\" | sort | uniq -c\n"
)
"""Prints whether there is an idle guard, and counts jobs by state and queue: a few lines for
thousands of jobs."""

_LINE = re.compile(r"\s*(?P<count>\d{1,9}) (?P<state>[A-Z_]+) (?P<queue>\S+)\s*")
_AT_WORK = {"RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT", "SIGNALING"}


@dataclass(frozen=True)
class JobsNow:
    """Jobs of a cluster that are not finished.

    Args:
        running: Jobs that have machines.
        waiting: The others.
        queues: Jobs by queue, running or not.
        why: Why nothing is known; empty when it is.
        guarded: Whether the head node has an idle guard and its program; None when not known.
    """

    running: int = 0
    waiting: int = 0
    queues: Mapping[str, int] = field(default_factory=dict)
    why: str = ""
    guarded: bool | None = None

    def __str__(self) -> str:
        if self.why:
            return "could not be read"
        parts = [
            f"{count:,} {stated}"
            for count, stated in ((self.running, "running"), (self.waiting, "waiting"))
            if count
        ]
        return ", ".join(parts) or "none"

    def as_dict(self) -> dict[str, Any] | None:
        """For a JSON report; None when nothing is known."""
        if self.why:
            return None
        return {"running": self.running, "waiting": self.waiting, "queues": dict(self.queues)}


UNREAD = JobsNow(why="not read")


def read_count(text: str) -> JobsNow:
    """Read what `COUNT` printed."""
    guarded = None
    if text.startswith("guard="):
        answer, _, text = text.partition("\n")
        guarded = answer == "guard=yes"
    first, _, rest = text.strip().partition("\n")
    if first.strip() != "counted":
        return JobsNow(why=f"the head node answered {text[-80:]!r}", guarded=guarded)
    running = waiting = 0
    queues: dict[str, int] = {}
    for line in lines_of(rest):
        found = _LINE.fullmatch(line)
        if not found:
            # No job at all is one empty line.
            if line.split() in ([], ["1"]):
                continue
            return JobsNow(why=f"the head node answered {line!r}", guarded=guarded)
        count = int(found["count"])
        queues[found["queue"]] = queues.get(found["queue"], 0) + count
        if found["state"] in _AT_WORK:
            running += count
        else:
            waiting += count
    return JobsNow(running, waiting, queues, guarded=guarded)
