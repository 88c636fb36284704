"""The scaling-down time of each queue of a cluster configuration, and the one that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gotocloud.advisor.idling import QueueGaps, idle_minutes, idle_usd
from gotocloud.advisor.imports.spans import Span, gaps_between
from gotocloud.advisor.money import node_price
from gotocloud.advisor.paid import BOOT_S
from gotocloud.advisor.policies import by_size, public_run
from gotocloud.advisor.records import ON_DEMAND, BenchmarkRecord
from gotocloud.advisor.replay import gaps_s
from gotocloud.cluster_configs.model import ClusterConfiguration

FEWEST_GAPS = 10
"""Fewer gaps of a project say too little of a queue; our decision, not a measurement."""

PUBLIC = "public run"


@dataclass(frozen=True)
class QueueTime:
    """The scaling-down time of one queue.

    Args:
        name: Of the queue.
        instance_type: Of its machines.
        queue: What the time depends on; None if the price of its machines is unknown.
        source: Where its gaps are from.
        minutes: The time for which least is paid.
    """

    name: str
    instance_type: str
    queue: QueueGaps | None
    source: str
    minutes: int | None

    def usd_a_gap(self, minutes: int) -> float | None:
        """US dollars of a gap between two jobs on average: idle machines, and starts again."""
        if self.queue is None:
            return None
        return idle_usd(self.queue, 60.0 * minutes) / len(self.queue.gaps_s)

    def as_dict(self) -> dict[str, Any]:
        """The queue for a JSON report."""
        return {
            "queue": self.name,
            "instance_type": self.instance_type,
            "gaps": self.queue and len(self.queue.gaps_s),
            "source": self.source,
            "minutes": self.minutes,
            "usd_a_gap": self.minutes and self.usd_a_gap(self.minutes),
        }


def queue_times(
    configuration: ClusterConfiguration,
    spans: Sequence[Span],
    region: str,
    *,
    records: Iterable[BenchmarkRecord] = (),
    usd_per_hour_waited: float = 0.0,
) -> tuple[tuple[QueueTime, ...], int | None]:
    """The time of each queue, and the one that costs least where all share one.

    Args:
        configuration: Whose queues.
        spans: Own jobs; of a queue with too few gaps those of the public run count.
        region: Whose prices.
        records: Own benchmark records, for the starts of machines.
        usd_per_hour_waited: What an hour of waiting for a start is worth.
    """
    usual = _usual_gaps()
    starts = [r.boot_s for r in records if r.boot_s is not None]
    boot_s = sorted(starts)[len(starts) // 2] if starts else BOOT_S
    found = []
    for queue in configuration.queues:
        mine = gaps_between(one for one in spans if _goes_to(configuration, one) == queue.name)
        own = len(mine) >= FEWEST_GAPS
        machine = queue.choices[0]
        price = node_price(machine.instance_type, region, ON_DEMAND)
        gaps = mine if own else usual.get(queue.name, usual[""])
        priced = QueueGaps(gaps, boot_s, price.usd_per_hour * machine.max_nodes) if price else None
        minutes = (
            idle_minutes([priced], usd_per_hour_waited=usd_per_hour_waited) if priced else None
        )
        source = "project" if own else PUBLIC
        found.append(QueueTime(queue.name, machine.instance_type, priced, source, minutes))
    queues = [one.queue for one in found if one.queue]
    shared = idle_minutes(queues, usd_per_hour_waited=usd_per_hour_waited) if queues else None
    return tuple(found), shared


def _goes_to(configuration: ClusterConfiguration, span: Span) -> str:
    queues = configuration.queues_for(span.work, span.kind)
    return queues[0].name if queues else ""


def _usual_gaps() -> Mapping[str, tuple[float, ...]]:
    """Queue -> gaps of the public run, where there are enough; under the empty name all of them."""
    found = gaps_s(by_size(public_run()))
    enough = {name: gaps for name, gaps in found.items() if len(gaps) >= FEWEST_GAPS}
    return {**enough, "": tuple(gap for gaps in found.values() for gap in gaps)}
