"""What is paid for a job: machines from their request to their power-off, lost attempts too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from statistics import median

from gotocloud.advisor.records import SECONDS_PER_HOUR, SPOT, SUCCEEDED, BenchmarkRecord
from gotocloud.cluster_configs.limits import SCALEDOWN_IDLE_MINUTES

BOOT_S = 273.0
"""Median of the seven waits of 250 to 300 s that the public run of RELION's tutorial has between
submission and start (KEK-SBRC-CryoEM/CS-Schemes, cost notebook: jobs 6, 35, 39, 47, 48, 54, 58)."""

LOOK_S = 30.0
"""Slurm looks for idle machines this often at the latest, so a machine may stay on for so much
longer (power_save_min_interval in slurm.conf.erb of aws/aws-parallelcluster-cookbook)."""

TAIL_S = 60.0 * SCALEDOWN_IDLE_MINUTES + LOOK_S
"""From the end of a job until its machine is off, as our cluster configurations have it."""

INTERRUPTIONS_PER_NODE_HOUR = 3.06e-4
"""One machine in five is taken away within a month: the highest class of AWS's Spot Instance
Advisor begins there (-ln(1 - 0.20) / 730 h)."""

PASSES = 25
"""RELION's iterations by default; an interruption repeats half of one on average."""


@dataclass(frozen=True)
class Overhead:
    """What is paid beside a job's own time, and where the figures come from.

    Args:
        boot_s: From the request of a machine until it works.
        tail_s: From the end of the job until the machine is off.
        lost_share: Time of failed and aborted attempts over that of good ones.
        interruptions_per_node_hour: Of spot machines; 0 on demand.
        sources: One sentence for each figure.
    """

    boot_s: float = BOOT_S
    tail_s: float = TAIL_S
    lost_share: float = 0.0
    interruptions_per_node_hour: float = 0.0
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paid:
    """What a job takes and costs in all.

    Args:
        hours: From its request to its end, with the expected interruptions.
        node_seconds: Machine-seconds that are paid, from request to power-off.
        interruptions: How many are expected.
    """

    hours: float
    node_seconds: float
    interruptions: float

    def usd(self, usd_per_node_hour: float) -> float:
        """US dollars at a price of one machine."""
        return self.node_seconds / SECONDS_PER_HOUR * usd_per_node_hour


def paid(in_job_s: float, nodes: int, overhead: Overhead, *, resumes: bool = True) -> Paid:
    """What is paid for a job.

    Interruptions come at random, at a rate a machine. A job that resumes repeats half an
    iteration after each; another one starts from its beginning, so that an uninterrupted stretch
    of `in_job_s` takes (exp(rate x in_job_s) - 1) / rate on average. Machines start again each
    time.

    Args:
        in_job_s: Seconds of the program.
        nodes: Machines.
        overhead: What is paid besides.
        resumes: Whether the job continues where it was interrupted.
    """
    rate = nodes * overhead.interruptions_per_node_hour / SECONDS_PER_HOUR
    if resumes:
        repeated_s = in_job_s / (2 * PASSES)
        count = rate * in_job_s / max(1 - rate * repeated_s, 0.01)
        running_s = in_job_s + count * repeated_s
    else:
        count = exp(min(rate * in_job_s, 50.0)) - 1
        running_s = count / rate if rate else in_job_s
    running_s *= 1 + overhead.lost_share
    until_end_s = overhead.boot_s + running_s + count * overhead.boot_s
    return Paid(
        hours=until_end_s / SECONDS_PER_HOUR,
        node_seconds=nodes * (until_end_s + overhead.tail_s),
        interruptions=count,
    )


def overhead_of(
    records: Sequence[BenchmarkRecord], instance_type: str, *, spot: bool, tail_s: float = TAIL_S
) -> Overhead:
    """What is paid besides, from own records where they have it, else from sourced defaults.

    Args:
        records: Own runs of the kind of job.
        instance_type: Whose start counts, where it was recorded.
        spot: Whether machines may be taken away.
        tail_s: Of the cluster, where no record has it.
    """
    boot_s, boot = _learned(records, "boot_s", instance_type, BOOT_S, "a public run")
    idle_s, idle = _learned(records, "idle_tail_s", instance_type, tail_s, "the cluster's setting")
    lost_share, lost = _lost(records)
    rate, interrupted = _interruptions(records) if spot else (0.0, ())
    sources = (
        f"start {boot_s:.0f} s ({boot})",
        f"until power-off {idle_s:.0f} s ({idle})",
        *lost,
        *interrupted,
    )
    return Overhead(boot_s, idle_s, lost_share, rate, sources)


def _learned(
    records: Sequence[BenchmarkRecord], column: str, instance_type: str, usual: float, source: str
) -> tuple[float, str]:
    """The median of a column: of the instance type, else of all; else the usual value."""
    counted = [record for record in records if getattr(record, column) is not None]
    same = [record for record in counted if record.instance_type == instance_type]
    values = [getattr(record, column) for record in same or counted]
    if not values:
        return usual, source
    return median(values), f"median of {len(values)} recorded runs"


def _lost(records: Sequence[BenchmarkRecord]) -> tuple[float, tuple[str, ...]]:
    def node_seconds(holds: Callable[[BenchmarkRecord], bool]) -> float:
        return sum(record.in_job_s * record.nodes for record in records if holds(record))

    good = node_seconds(lambda record: record.outcome == SUCCEEDED)
    bad = node_seconds(lambda record: record.outcome != SUCCEEDED)
    if not good or not bad:
        return 0.0, ()
    return bad / good, (f"{bad / good:.0%} more for failed and aborted runs (own records)",)


def _interruptions(records: Sequence[BenchmarkRecord]) -> tuple[float, tuple[str, ...]]:
    """Per machine and hour on spot, from repeated starts; at least one must have been seen."""
    spot = [record for record in records if record.market == SPOT]
    seen = sum((record.attempts or 1) - 1 for record in spot)
    hours = sum(record.hours * record.nodes for record in spot)
    if seen and hours:
        rate, source = seen / hours, f"{seen} in {hours:.0f} machine-hours of own runs"
    else:
        rate, source = INTERRUPTIONS_PER_NODE_HOUR, "AWS's Spot Instance Advisor"
    return rate, (f"{rate * 1000:.2g} interruptions in 1,000 machine-hours ({source})",)
