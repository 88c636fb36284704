"""What a cluster costs, as `gotocloud start` shows it before the confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gotocloud.cli.output import narrate, table
from gotocloud.formats import usd_text

if TYPE_CHECKING:
    from gotocloud.aws.clusters import Start
    from gotocloud.costs.idle import IdleCost


def show_prices(planned: Start, idle: IdleCost, region: str) -> None:
    """Show the price per hour while nothing runs, and that of a node of each queue.

    With spot preferred, the queues shown are those on spot.
    """
    from gotocloud.costs.prices import price_usd_per_hour, spot_price_usd_per_hour

    rows = [(one.name, one.quantity, usd_text(one.usd_per_hour)) for one in idle.items]
    table(("while nothing runs", "", "USD per hour"), [*rows, ("together", "", idle.headline)])
    queues = []
    dates = {one.price.date for one in idle.items if one.price}
    preferred = [one for one in planned.shape.queues if one.spot or not planned.wanted.spot]
    for queue in preferred:
        find = spot_price_usd_per_hour if queue.spot else price_usd_per_hour
        price = find(queue.instance_type, region)
        when = f" (mean of {price.date})" if price and queue.spot else ""
        usd = usd_text(price.usd if price else None) + when
        if price and not queue.spot:
            dates.add(price.date)
        queues.append((queue.name, queue.instance_type, queue.max_nodes, usd))
    table(("queue", "node", "at most", "USD per node and hour"), queues)
    if planned.wanted.spot:
        narrate("Jobs prefer spot; each queue has its twin on demand, without -spot in its name.")
    if hours := planned.wanted.keep_hours:
        total = usd_text(idle.known_total_usd_per_hour * hours)
        least = "at least " if idle.unknown else ""
        narrate(f"Kept for {hours} hours, it costs {least}USD {total} without its nodes.")
    if dates:
        reported = f"{min(dates)} to {max(dates)}" if len(dates) > 1 else min(dates)
        narrate(f"Prices before tax, without data transfer; as of {reported}.")
