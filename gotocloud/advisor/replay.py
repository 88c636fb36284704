"""A run of jobs on queues with a simulated clock: what is in jobs, and what is paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gotocloud.advisor.paid import BOOT_S, LOOK_S
from gotocloud.advisor.records import SECONDS_PER_HOUR

HEAD_NODE = ""
"""Instead of a queue: the job needs no machine of its own."""


@dataclass(frozen=True)
class ReplayJob:
    """One job of a run.

    Args:
        name: Its name.
        queue: Whose machines it gets; `HEAD_NODE` for none.
        nodes: Machines.
        in_job_s: Seconds of the program.
        usd_per_node_hour: Price of one machine.
        pause_s: From the end of the job before to its submission.
    """

    name: str
    queue: str
    nodes: int
    in_job_s: float
    usd_per_node_hour: float
    pause_s: float = 0.0

    @property
    def in_job_usd(self) -> float:
        """US dollars of its machines while the program runs."""
        return self.nodes * self.in_job_s / SECONDS_PER_HOUR * self.usd_per_node_hour


@dataclass(frozen=True)
class Replayed:
    """What became of a run.

    Args:
        hours: From the first submission to the last end.
        in_job_usd: US dollars of machines while programs ran.
        paid_usd: US dollars of machines from request to power-off.
        starts: Machines that were started.
    """

    hours: float
    in_job_usd: float
    paid_usd: float
    starts: int

    @property
    def ratio(self) -> float:
        """Paid over in-job."""
        return self.paid_usd / self.in_job_usd


@dataclass
class _Machine:
    """A machine that is on: since when, until when it was busy, and its price."""

    since_s: float
    busy_until_s: float
    usd_per_hour: float

    def paid_usd(self, tail_s: float) -> float:
        return (self.busy_until_s + tail_s - self.since_s) / SECONDS_PER_HOUR * self.usd_per_hour


def replay(
    jobs: Sequence[ReplayJob], idle_s: Mapping[str, float], *, boot_s: float = BOOT_S
) -> Replayed:
    """Run jobs one after another: each is submitted when the one before has ended.

    A job takes the machines of its queue that are on, and starts those that lack; it begins when
    all of them are there. A machine is switched off when it was idle for the time of its queue,
    and is paid until Slurm looks (`LOOK_S`).

    Args:
        jobs: In order.
        idle_s: Queue -> seconds of idleness before a machine is switched off.
        boot_s: From the request of a machine until it works.
    """
    clock = paid_usd = 0.0
    starts = 0
    on: dict[str, list[_Machine]] = {name: [] for name in idle_s}
    for job in jobs:
        clock += job.pause_s
        if job.queue == HEAD_NODE:
            clock += job.in_job_s
            continue
        tail_s = idle_s[job.queue]
        alive = [one for one in on[job.queue] if clock <= one.busy_until_s + tail_s]
        paid_usd += sum(one.paid_usd(tail_s + LOOK_S) for one in on[job.queue] if one not in alive)
        lacking = max(0, job.nodes - len(alive))
        new = [_Machine(clock, clock, job.usd_per_node_hour) for _ in range(lacking)]
        clock += (boot_s if new else 0.0) + job.in_job_s
        for machine in [*alive[: job.nodes], *new]:
            machine.busy_until_s = clock
        on[job.queue] = [*alive, *new]
        starts += lacking
    for queue, machines in on.items():
        paid_usd += sum(one.paid_usd(idle_s[queue] + LOOK_S) for one in machines)
    return Replayed(clock / SECONDS_PER_HOUR, sum(j.in_job_usd for j in jobs), paid_usd, starts)


def gaps_s(jobs: Sequence[ReplayJob]) -> dict[str, tuple[float, ...]]:
    """Queue -> seconds from each end of its jobs to the next submission, without any start.

    The last gap of each queue never ends, and is infinite.
    """
    clock = 0.0
    ended: dict[str, float] = {}
    found: dict[str, list[float]] = {}
    for job in jobs:
        clock += job.pause_s
        if job.queue != HEAD_NODE:
            gaps = found.setdefault(job.queue, [])
            if job.queue in ended:
                gaps.append(clock - ended[job.queue])
        clock += job.in_job_s
        ended[job.queue] = clock
    return {queue: (*gaps, float("inf")) for queue, gaps in found.items()}
