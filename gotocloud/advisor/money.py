"""What a shape costs per hour: from the price table, else from the records themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gotocloud.advisor.records import ON_DEMAND, SPOT, BenchmarkRecord
from gotocloud.costs.prices import price_usd_per_hour, spot_price_usd_per_hour


@dataclass(frozen=True)
class NodePrice:
    """The price of one node.

    Args:
        usd_per_hour: US dollars.
        source: The publisher.
        date: When it held.
    """

    usd_per_hour: float
    source: str
    date: str


def node_price(
    instance_type: str, region: str, market: str, records: Iterable[BenchmarkRecord] = ()
) -> NodePrice | None:
    """The price of a node for an hour; None if unknown.

    Neither another region nor the other market ever stands in.

    Args:
        instance_type: EC2's name.
        region: AWS region.
        market: `on-demand` or `spot`.
        records: Their own prices count as well: the newest figure wins, from any source.
    """
    look_up = spot_price_usd_per_hour if market == SPOT else price_usd_per_hour
    listed = look_up(instance_type, region)
    own = [
        NodePrice(record.usd_per_node_hour, record.source, record.date)
        for record in records
        if record.usd_per_node_hour is not None
        and (record.instance_type, record.region, record.market) == (instance_type, region, market)
    ]
    found = [NodePrice(float(listed.usd), listed.source, listed.date)] if listed else []
    found += sorted(own, key=lambda price: -price.usd_per_hour)
    # Of one date the first counts: the table's, else the dearest.
    return max(found, key=lambda price: price.date, default=None)


def market_of(*, spot: bool) -> str:
    """The market's name in records."""
    return SPOT if spot else ON_DEMAND
