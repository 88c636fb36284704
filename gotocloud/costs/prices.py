"""The price table: what AWS charges for, where, since when, and the source.

A dated table ships with the package. A table of one's own, written by
`gotocloud platform prices --refresh`, overrides it row by row.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from gotocloud.costs.price import EVERY_REGION, Key, Price, PriceUnit
from gotocloud.costs.price_files import REFRESH, parse_table, read_table
from gotocloud.origin import endpoint, require_from_aws, stated_endpoint

OWN_TABLE = "GOTOCLOUD_PRICES"
"""Environment variable that names the file of one's own prices."""

OWN_TABLE_BESIDE_THE_PLATFORM = "platform.prices.csv"
"""Where they are looked for in the working folder, when the variable is not set."""


def price_table() -> Mapping[Key, Price]:
    """Every known price by item, region and unit: the shipped ones, and one's own over them.

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
    text = files(__package__).joinpath("prices.csv").read_text(encoding="utf-8")
    return parse_table(text, "prices.csv")


@cache
def _overlaid(path: Path, _changed_ns: int, _endpoint: str) -> Mapping[Key, Price]:
    own = read_table(path)
    for one in own.values():
        require_from_aws(path, stated_endpoint(one.source), REFRESH)
    return {**shipped_table(), **own}


def find_price(item: str, region: str, unit: PriceUnit) -> Price | None:
    """The price of an item in a region; None if unknown.

    A price that AWS announced for every region counts in each of them. The price of
    another region never stands in: regions differ by up to half.
    """
    table = price_table()
    return table.get((item, region, unit)) or table.get((item, EVERY_REGION, unit))


def price_usd_per_hour(item: str, region: str) -> Price | None:
    """What an hour of an instance on demand, a gateway or an address costs; None if unknown."""
    return find_price(item, region, PriceUnit.INSTANCE_HOUR) or find_price(
        item, region, PriceUnit.HOUR
    )


def spot_price_usd_per_hour(instance_type: str, region: str) -> Price | None:
    """The mean spot price over the days of its date; None if unknown.

    Spot prices move: within a year the discount of one type shrank by 21 points.
    Show the date beside the figure, and never derive one type's price from another's.
    """
    return find_price(instance_type, region, PriceUnit.SPOT_INSTANCE_HOUR)
