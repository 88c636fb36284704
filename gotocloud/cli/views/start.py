"""What a cluster costs, as `gotocloud start` shows it before the confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gotocloud.cli.ages import dated, show_ages
from gotocloud.cli.output import narrate, table
from gotocloud.contract.group_facts import Fact
from gotocloud.formats import usd_text

if TYPE_CHECKING:
    from gotocloud.aws.clusters import Start
    from gotocloud.costs.idle import IdleCost
    from gotocloud.costs.price import Price
    from gotocloud.projects.shape import QueueShape


def show_prices(planned: Start, idle: IdleCost, region: str) -> None:
    """Show the price per hour while nothing runs, and that of a node of each queue.

    With spot preferred, the queues shown are those on spot.
    """
    rows = [(one.name, one.quantity, usd_text(one.usd_per_hour)) for one in idle.items]
    table(("while nothing runs", "", "USD per hour"), [*rows, ("together", "", idle.headline)])
    zone_id = planned.where.facts[Fact.ZONE_ID]
    preferred = [one for one in planned.shape.queues if one.spot or not planned.wanted.spot]
    priced = [(queue, _node_price(queue, region, zone_id)) for queue in preferred]
    queues = [
        (queue.name, queue.instance_type, queue.max_nodes, _node_words(price))
        for queue, price in priced
    ]
    table(("queue", "node", "at most", "USD per node and hour"), queues)
    if planned.wanted.spot:
        narrate("Jobs prefer spot; each queue has its twin on demand, without -spot in its name.")
    if hours := planned.wanted.keep_hours:
        total = usd_text(idle.known_total_usd_per_hour * hours)
        least = "at least " if idle.unknown else ""
        narrate(f"Kept for {hours} hours, it costs {least}USD {total} without its nodes.")
    show_ages(
        [
            *(one.price for one in idle.items if one.price),
            *(price for _, price in priced if price),
        ]
    )
    _show_use(region)


def _node_price(queue: QueueShape, region: str, zone_id: str) -> Price | None:
    from gotocloud.costs.prices import price_usd_per_hour, spot_price_usd_per_hour

    if queue.spot:
        return spot_price_usd_per_hour(queue.instance_type, region, zone_id)
    return price_usd_per_hour(queue.instance_type, region)


def _node_words(price: Price | None) -> str:
    from gotocloud.costs.price import PriceUnit
    from gotocloud.costs.prices import discount_seen

    if price is None or price.unit is not PriceUnit.SPOT_INSTANCE_HOUR:
        return usd_text(price.usd if price else None)
    if not discount_seen(price):
        return f"{usd_text(price.usd)} (no discount seen, {price.date})"
    return f"{usd_text(price.usd)} ({price.zone_id or price.region}, {price.date})"


def _show_use(region: str) -> None:
    """Show what is paid by use, and by no hour of the cluster."""
    from gotocloud.costs.price import Item, PriceUnit
    from gotocloud.costs.prices import find_price

    used = (
        ("S3, a GB and month", Item.S3_STANDARD, PriceUnit.GB_MONTH),
        ("a million writes", Item.S3_WRITES, PriceUnit.MILLION_CALLS),
        ("a million reads", Item.S3_READS, PriceUnit.MILLION_CALLS),
        ("a GB through the NAT gateway", Item.NAT_TRAFFIC, PriceUnit.GB),
        ("a GB out to the internet", Item.TRANSFER_TO_INTERNET, PriceUnit.GB),
    )
    words = []
    for what, item, unit in used:
        price = find_price(item, region, unit)
        words.append(f"{what} {f'{price.usd:f} ({dated(price)})' if price else 'unknown'}")
    narrate(f"By use, in USD: {'; '.join(words)}.")
