"""The price table: what AWS charges for, where, since when, and the source.

Dated tables ship with the package: `instance_prices.csv`, a snapshot of every instance type that
GoToCloud names (`gotocloud.costs.snapshot` makes it), and `prices.csv`, everything else. A table
of one's own is written by `gotocloud platform prices --refresh`. Of two prices of the same the
newer one counts, whatever its table.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache, reduce
from importlib.resources import files
from pathlib import Path

from gotocloud.costs.price import EVERY_REGION, Key, Price, PriceUnit, newer
from gotocloud.costs.price_files import REFRESH, parse_table, read_table
from gotocloud.origin import endpoint, require_from_aws, stated_endpoint

OWN_TABLE = "GOTOCLOUD_PRICES"
"""Environment variable that names the file of one's own prices."""

OWN_TABLE_BESIDE_THE_PLATFORM = "platform.prices.csv"
"""Where they are looked for in the working folder, when the variable is not set."""

NO_DISCOUNT_FROM = Decimal("0.9999")
"""Share of the price on demand; EC2 rounds spot prices to four digits."""

SHIPPED = ("prices.csv", "instance_prices.csv")


def price_table() -> Mapping[Key, Price]:
    """Every known price by item, place and unit: the newest of the shipped and one's own.

    Raises:
        InputError: if the table of one's own cannot be used.
    """
    own = own_table()
    if own is None:
        return shipped_table()
    return _overlaid(own.resolve(), own.stat().st_mtime_ns if own.exists() else 0, endpoint())


def own_table() -> Path | None:
    """The file of one's own prices, if there is one."""
    named = os.environ.get(OWN_TABLE)
    path = Path(named or OWN_TABLE_BESIDE_THE_PLATFORM)
    # One that was named must be there: reading it reports this.
    return path if named or path.is_file() else None


@cache
def shipped_table() -> Mapping[Key, Price]:
    """The prices that ship with the package."""
    prices: dict[Key, Price] = {}
    for name in SHIPPED:
        text = files(__package__).joinpath(name).read_text(encoding="utf-8")
        prices = newest(prices, parse_table(text, name).values())
    return prices


def newest(base: Mapping[Key, Price], others: Iterable[Price]) -> dict[Key, Price]:
    """A table with other prices where they are as new or newer."""
    merged = dict(base)
    for one in others:
        before = merged.get(one.key)
        merged[one.key] = newer(one, before) if before else one
    return merged


@cache
def _overlaid(path: Path, _changed_ns: int, _endpoint: str) -> Mapping[Key, Price]:
    own = read_table(path)
    for one in own.values():
        require_from_aws(path, stated_endpoint(one.source), REFRESH)
    return newest(shipped_table(), own.values())


def find_price(item: str, region: str, unit: PriceUnit, zone_id: str = "") -> Price | None:
    """The price of an item in a region; None if unknown.

    A price that AWS announced for every region counts in each of them, unless a newer one of
    the region is known. The price of another region never stands in: regions differ by up to
    half.

    Args:
        zone_id: Zone of a spot price.
    """
    table = price_table()
    places = (zone_id, region, EVERY_REGION) if zone_id else (region, EVERY_REGION)
    found = [price for place in places if (price := table.get((item, place, unit)))]
    return reduce(newer, found) if found else None


def price_usd_per_hour(item: str, region: str) -> Price | None:
    """What an hour of an instance on demand, a gateway or an address costs; None if unknown."""
    return find_price(item, region, PriceUnit.INSTANCE_HOUR) or find_price(
        item, region, PriceUnit.HOUR
    )


def spot_price_usd_per_hour(instance_type: str, region: str, zone_id: str = "") -> Price | None:
    """The spot price in a zone; None if unknown.

    Spot prices move, and in the shipped snapshot the zones of one region differ by up to a
    factor of nine. Show date and zone beside the figure, and never derive one type's price
    from another's.

    Args:
        zone_id: Where the machines run. Default: not known; of the zones with a price the
            dearest counts, so that a job does not cost more than was stated.
    """
    if found := find_price(instance_type, region, PriceUnit.SPOT_INSTANCE_HOUR, zone_id):
        return found
    return None if zone_id else max(spot_prices(instance_type, region), key=_usd, default=None)


def spot_prices(instance_type: str, region: str) -> tuple[Price, ...]:
    """The spot prices of a type in the zones of a region, the cheapest first."""
    found = (
        price
        for price in price_table().values()
        if price.zone_id
        and (price.item, price.region) == (instance_type, region)
        and price.unit is PriceUnit.SPOT_INSTANCE_HOUR
    )
    return tuple(sorted(found, key=_usd))


def discount_seen(spot: Price) -> bool:
    """Whether a spot price is below that on demand, as far as that one is known."""
    return below(spot, price_usd_per_hour(spot.item, spot.region))


def below(spot: Price, on_demand: Price | None) -> bool:
    """Whether a spot price is a discount; True where the price on demand is unknown.

    A zone that shows the price on demand had no market for the type: that is what is paid at
    most, not a price that was found.
    """
    return on_demand is None or spot.usd < on_demand.usd * NO_DISCOUNT_FROM


def _usd(price: Price) -> Decimal:
    return price.usd
