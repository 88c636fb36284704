"""How long an idle machine stays on: its next job may come, or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gotocloud.advisor.paid import LOOK_S
from gotocloud.advisor.records import SECONDS_PER_HOUR

MOST_MINUTES = 60
"""Longer times are not considered: the machine of a queue without jobs is waste."""


@dataclass(frozen=True)
class QueueGaps:
    """What the scaling-down time of a queue depends on.

    Args:
        gaps_s: Seconds from each end of its jobs to the next submission; infinite where none
            followed.
        boot_s: From the request of a machine until it works.
        usd_per_hour: Price of the machines of a job.
    """

    gaps_s: tuple[float, ...]
    boot_s: float
    usd_per_hour: float


def idle_usd(queue: QueueGaps, idle_s: float, *, usd_per_hour_waited: float = 0.0) -> float:
    """US dollars of all gaps of a queue: idle machines, and starts where these were off.

    A machine is paid for until its next job, or until it is off; off, it is paid for during its
    next start, and the job waits.

    Args:
        queue: The queue.
        idle_s: Its scaling-down time.
        usd_per_hour_waited: What an hour of waiting for a start is worth, 0 for nothing.
    """
    seconds = waited_s = 0.0
    for gap in queue.gaps_s:
        if gap <= idle_s:
            seconds += gap
        else:
            seconds += idle_s + LOOK_S + queue.boot_s
            waited_s += queue.boot_s
    worth = seconds * queue.usd_per_hour + waited_s * usd_per_hour_waited
    return worth / SECONDS_PER_HOUR


def idle_minutes(queues: Sequence[QueueGaps], *, usd_per_hour_waited: float = 0.0) -> int:
    """The scaling-down time, in whole minutes, for which least is paid.

    ParallelCluster takes whole minutes, and one time for all queues of a cluster
    (Scheduling/SlurmSettings/ScaledownIdletime). Of equal times the shorter one.

    Args:
        queues: One for its own time; all of a cluster for the one that they share.
        usd_per_hour_waited: As of `idle_usd`.
    """

    def cost(minutes: int) -> float:
        return sum(
            idle_usd(one, 60.0 * minutes, usd_per_hour_waited=usd_per_hour_waited) for one in queues
        )

    return min(range(1, MOST_MINUTES + 1), key=cost)
