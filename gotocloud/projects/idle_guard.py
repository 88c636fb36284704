"""Decides when an unused cluster is paused: observations in, a decision out.

The head node looks every few minutes. Whatever could not be looked at counts as use, time that
is unknown does not count as idle, and nothing is paused without a warning long before.
The numbers are our own choice: pausing and starting again takes about half an hour of a
scientist's time, so a lunch or a meeting should not cost a cluster, and a night should.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from gotocloud.projects.observation import Observation, people, surely_used, uses

IDLE_MINUTES = 120
"""How long a cluster is unused before it is paused."""

WARNING_MINUTES = 30
"""So long before that everybody on it is warned."""

DEADLINE_WARNINGS_MINUTES = (60, 30, 10)
"""How long before the end of its hours a kept cluster warns."""

SHORTEST_WARNING_MINUTES = 10
"""Between the first warning and a pause at least."""

MOST_GAP_MINUTES = 20
"""A longer time between two looks counts as use, since what happened in it is unknown."""

FIRST_RETRY_HOURS = 1
LONGEST_RETRY_HOURS = 24
"""After a pause that failed; each wait is twice the one before."""

DOUBT_HOURS = 2
"""How long nothing may be known about a cluster, or no pause succeed, until people hear of it."""

ALARM_AGAIN_HOURS = 12
"""How often they hear of it again. Our own choice: a cluster costs tens of USD in that time."""

_MINUTE = 60.0
_HOUR = 3600.0


class Action(StrEnum):
    """What the guard does after a look."""

    KEEP = "keep"
    WARN = "warn"
    CLOSE = "close"
    """Let no further job in; those that are there are waited for."""

    PAUSE = "pause"


@dataclass(frozen=True)
class Memory:
    """What the guard remembers from one look to the next.

    Args:
        last: The look before.
        idle_since_s: When it was first found idle, in seconds since 1970; None while in use.
        warned_s: When people were first warned of the end that comes now; None if they were not.
        warned_minutes: The nearest warning before a deadline that was given.
        deadline_s: The deadline that those warnings were about.
        closed: Whether the guard closed the queues or began to pause, and has to undo it if the
            cluster is kept.
        failures: Pauses that failed, one after the other.
        retry_s: Not again before this time.
        still: Slurm's ids of jobs of which people were warned, because their logs stand still.
        doubtful_since_s: Since when nothing shows whether the cluster is used, or it cannot be
            paused; None while it is known.
        alarm_s: When people heard of that.
    """

    last: Observation | None = None
    idle_since_s: float | None = None
    warned_s: float | None = None
    warned_minutes: int | None = None
    deadline_s: float | None = None
    closed: bool = False
    failures: int = 0
    retry_s: float = 0.0
    still: tuple[str, ...] = ()
    doubtful_since_s: float | None = None
    alarm_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For keeping it on disk."""
        return asdict(self)

    @staticmethod
    def from_dict(kept: Mapping[str, Any]) -> Memory:
        """Read it back.

        Raises:
            TypeError, KeyError: if it is anything else.
        """
        last = kept["last"]
        return Memory(
            **{
                **kept,
                "last": None if last is None else Observation.from_dict(last),
                "still": tuple(kept.get("still", ())),
            }
        )


@dataclass(frozen=True)
class Decision:
    """What to do, why, and what to remember.

    Args:
        reopen: Whether queues and automatic export have to be given back first.
        message: One sentence for the log and, with a warning, for people.
        alarm: What people must hear, wherever they are: it is billed, and nothing will end it.
    """

    action: Action
    message: str
    memory: Memory
    reopen: bool = False
    alarm: str = ""


def decide(
    memory: Memory, now: Observation, deadline_s: float | None, *, retry: str = "gotocloud start"
) -> Decision:
    """What follows from a look.

    With a deadline (`gotocloud start --keep-for`) a cluster stays until then, idle or not; from
    then on no job is let in, and it is paused once those that are there have ended. Without
    one, it is paused once it has been idle for `IDLE_MINUTES`.

    Args:
        memory: From the look before.
        now: What is seen now.
        deadline_s: Until when it is kept, in seconds since 1970; None for "while it is used".
        retry: The command that keeps it longer.
    """
    last = memory.last
    gap = last is None or not 0 <= now.at_s - last.at_s <= MOST_GAP_MINUTES * _MINUTE
    reasons = uses(now, None if gap else last)
    since = None
    if not reasons:
        since = now.at_s if gap or memory.idle_since_s is None else memory.idle_since_s
    # After a clock that ran ahead, the next attempt must not lie beyond all bounds.
    retry_s = min(memory.retry_s, now.at_s + LONGEST_RETRY_HOURS * _HOUR)
    memory = replace(memory, last=now, idle_since_s=since, retry_s=retry_s)
    kept_on_purpose = deadline_s is not None and now.at_s < deadline_s
    doubtful = bool(reasons) and not surely_used(now, None if gap else last)
    unpaused = memory.failures > 0 and not reasons
    memory, alarm = alarmed(
        memory, now.at_s, reasons, doubtful=(doubtful or unpaused) and not kept_on_purpose
    )
    if deadline_s is None:
        return replace(_by_idleness(memory, now, reasons, retry), alarm=alarm)
    if memory.deadline_s != deadline_s:
        memory = replace(memory, deadline_s=deadline_s, warned_s=None, warned_minutes=None)
    return replace(_by_deadline(memory, now, deadline_s, retry), alarm=alarm)


def alarmed(
    memory: Memory, at_s: float, reasons: tuple[str, ...], *, doubtful: bool
) -> tuple[Memory, str]:
    """What to remember about a cluster that nothing ends, and what people must hear of it.

    Args:
        at_s: Seconds since 1970.
        reasons: What keeps it.
        doubtful: Whether that may last for ever.
    """
    if not doubtful:
        return replace(memory, doubtful_since_s=None, alarm_s=None), ""
    since = memory.doubtful_since_s
    if since is None or since > at_s:
        return replace(memory, doubtful_since_s=at_s, alarm_s=None), ""
    reported = memory.alarm_s
    again = reported is not None and 0 <= at_s - reported < ALARM_AGAIN_HOURS * _HOUR
    if at_s - since < DOUBT_HOURS * _HOUR or again:
        return memory, ""
    why = "; ".join(reasons) or f"{memory.failures} attempts to pause failed"
    text = (
        f"This cluster is billed and does not pause itself. For {_span((at_s - since) / _MINUTE)}: "
        f"{why}. To end it: gotocloud pause; to look: gotocloud ssh"
    )
    return replace(memory, alarm_s=at_s), text


def failed(memory: Memory, now: Observation | None, at_s: float) -> Memory:
    """What to remember after a pause that failed and has given the cluster back.

    Args:
        now: A look after it; None if there was none.
        at_s: Seconds since 1970.
    """
    hours = min(FIRST_RETRY_HOURS * 2**memory.failures, LONGEST_RETRY_HOURS)
    return replace(
        memory,
        last=now,
        closed=False,
        failures=min(memory.failures + 1, 10),
        retry_s=at_s + hours * 3600,
    )


def still_used(now: Observation, *, by_deadline: bool) -> tuple[str, ...]:
    """Who has come back while the data were proven; jobs are looked at elsewhere.

    Proving keeps the processor and the network busy, so these do not count.
    """
    return () if by_deadline else people(now)


def _by_idleness(
    memory: Memory, now: Observation, reasons: tuple[str, ...], retry: str
) -> Decision:
    if memory.deadline_s is not None:
        memory = replace(memory, deadline_s=None, warned_s=None, warned_minutes=None)
    since = memory.idle_since_s
    if since is None:
        text = f"in use: {'; '.join(reasons)}"
        memory = replace(memory, warned_s=None, failures=0, retry_s=0.0)
        return _kept(memory, text)
    if memory.warned_s is not None and memory.warned_s < since:
        memory = replace(memory, warned_s=None)
    idle = (now.at_s - since) / _MINUTE
    if now.at_s < memory.retry_s:
        return _kept(memory, _waiting(memory, now))
    if idle < IDLE_MINUTES - WARNING_MINUTES:
        return _kept(memory, f"idle for {idle:.0f} of {IDLE_MINUTES} minutes")
    if memory.warned_s is None:
        return Decision(
            Action.WARN,
            f"This cluster has been unused for {idle:.0f} minutes. In {WARNING_MINUTES} minutes "
            "it exports everything to the bucket and pauses itself. To keep it: use it, or "
            f"{retry} --keep-for HOURS",
            replace(memory, warned_s=now.at_s, closed=False),
            reopen=memory.closed,
        )
    # The last look before the warning may lie back for minutes: both times must have passed.
    if idle < IDLE_MINUTES or now.at_s - memory.warned_s < WARNING_MINUTES * _MINUTE:
        return _kept(memory, f"idle for {idle:.0f} of {IDLE_MINUTES} minutes; people are warned")
    return _pause(memory, f"idle for {idle:.0f} minutes, and people were warned")


def _by_deadline(memory: Memory, now: Observation, deadline_s: float, retry: str) -> Decision:
    left = (deadline_s - now.at_s) / _MINUTE
    due = [minutes for minutes in DEADLINE_WARNINGS_MINUTES if left <= minutes]
    reported = memory.warned_minutes
    if due and (reported is None or min(due) < reported) and (left > 0 or reported is None):
        ends = f"in {left:.0f} minutes" if left > 1 else "now"
        return Decision(
            Action.WARN,
            f"The time of this cluster ends {ends}. Then it takes no more jobs, waits for those "
            f"that are there, exports everything and pauses itself. To keep it longer: {retry} "
            "--keep-for HOURS",
            replace(
                memory,
                warned_minutes=min(due),
                warned_s=now.at_s if memory.warned_s is None else memory.warned_s,
                closed=memory.closed and left <= 0,
            ),
            reopen=memory.closed and left > 0,
        )
    if left > 0:
        return _kept(memory, f"kept for {_span(left)} more, idle or not")
    return _over(memory, now)


def _over(memory: Memory, now: Observation) -> Decision:
    """Its time is over, and users were warned long enough ago."""
    if now.jobs is None:
        text = "its time is over, but Slurm does not report whether jobs run"
        return Decision(Action.KEEP, text, memory)
    if not now.lustre:
        text = "its time is over, but Lustre does not answer: nothing could be proven"
        return Decision(Action.KEEP, text, memory)
    if now.at_s < memory.retry_s:
        return _kept(memory, _waiting(memory, now))
    if now.jobs:
        text = f"its time is over; waiting for {len(now.jobs)} jobs, the first {now.jobs[0]}"
        if memory.closed:
            return Decision(Action.KEEP, text, memory)
        return Decision(Action.CLOSE, text, replace(memory, closed=True))
    warned_s = now.at_s if memory.warned_s is None else memory.warned_s
    if now.at_s - warned_s < SHORTEST_WARNING_MINUTES * _MINUTE:
        return Decision(Action.KEEP, "its time is over; people have just been warned", memory)
    return _pause(memory, "its time is over, and no job is left")


def _pause(memory: Memory, text: str) -> Decision:
    return Decision(Action.PAUSE, text, replace(memory, closed=True))


def _kept(memory: Memory, text: str) -> Decision:
    return Decision(Action.KEEP, text, replace(memory, closed=False), reopen=memory.closed)


def _waiting(memory: Memory, now: Observation) -> str:
    left = (memory.retry_s - now.at_s) / _MINUTE
    tries = "1 attempt" if memory.failures == 1 else f"{memory.failures} attempts"
    return f"{tries} to pause failed; the next one comes in {_span(left)}"


def _span(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
