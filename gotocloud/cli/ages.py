"""How old the prices behind a figure are, as commands show it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from gotocloud.cli.output import narrate

if TYPE_CHECKING:
    from gotocloud.costs.price import Price


def today() -> date:
    """The day, as AWS counts days."""
    return datetime.now(UTC).date()


def dated(price: Price) -> str:
    """A price's date, with a mark if it is older than a year."""
    return price.dated(today())


def show_ages(prices: Iterable[Price]) -> None:
    """Print from when prices are, and name each that is older than a year."""
    different = sorted(set(prices), key=lambda price: price.key)
    if not different:
        return
    days = sorted({price.date.removeprefix("read ") for price in different})
    reported = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    narrate(f"Prices before tax, without data transfer; as of {reported}.")
    if old := [price for price in different if price.is_old(today())]:
        named = "; ".join(f"{price.item} in {price.region} ({dated(price)})" for price in old)
        narrate(f"Old prices: {named}. To refresh: gotocloud platform prices --refresh")
