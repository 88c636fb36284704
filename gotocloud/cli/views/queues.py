"""What `gotocloud advise idle` and `replay` show to people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gotocloud.advisor.policies import ASSUMPTIONS, SOURCE, USUAL_IDLE_MINUTES, QueuePolicy
from gotocloud.advisor.queue_times import QueueTime
from gotocloud.cli.output import number_of, paragraph, table
from gotocloud.cluster_configs.model import ClusterConfiguration
from gotocloud.formats import duration_text, usd_text


def show_idle(
    found: Sequence[QueueTime], shared: int | None, configuration: ClusterConfiguration
) -> None:
    """Print the scaling-down time of each queue, and the one that ParallelCluster gets."""
    now = configuration.scaledown_idle_minutes
    columns = ("queue", "gaps", "of", "minutes", "USD a gap", f"with {now}", "with 10")
    table(columns, (_idle_row(one, now) for one in found))
    if shared is None:
        paragraph("No price of these machines is known here, so no time can be chosen for all.")
        return
    paragraph(
        f"Together {number_of(shared, 'minute')} cost least; {configuration.name} has {now}. "
        "ParallelCluster has one idle time for all queues of a cluster (ScaledownIdletime), and "
        "refuses Slurm's SuspendTime of a queue: the times of single queues show what another "
        "scheduler would save. To change it, write scaledown_idle_minutes into a configuration of "
        "your own."
    )
    paragraph(
        "USD a gap: idle machines until the next job or their power-off, and their next start."
    )


def _idle_row(one: QueueTime, now: int) -> tuple[object, ...]:
    if one.queue is None or one.minutes is None:
        return (one.name, "", "", "", "no price", "", "")
    usd = (usd_text(one.usd_a_gap(minutes)) for minutes in (one.minutes, now, USUAL_IDLE_MINUTES))
    return (one.name, len(one.queue.gaps_s), one.source, one.minutes, *usd)


def show_replay(found: Iterable[QueuePolicy], parts: Iterable[QueuePolicy]) -> None:
    """Print what the public run would have cost under each policy."""
    columns = ("queues", "time", "in jobs, USD", "paid, USD", "paid / in jobs")
    table(columns, map(replay_row, found), title="The 58 jobs of the public run")
    table(("steps", *columns[1:]), map(replay_row, parts), title="Its particles alone")
    paragraph(f"Source: {SOURCE}")
    for text in ASSUMPTIONS:
        paragraph(text)


def replay_row(policy: QueuePolicy) -> tuple[str, ...]:
    """One policy as cells of a table."""
    done = policy.replayed
    return (
        policy.name,
        duration_text(done.hours * 3600),
        usd_text(done.in_job_usd),
        usd_text(done.paid_usd),
        f"{done.ratio:.2f}",
    )
