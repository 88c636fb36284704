"""Imports a price snapshot: `python -m gotocloud.costs.snapshot FOLDER --date … --source …`.

FOLDER holds two tables of EC2 prices for Linux machines:

- `on_demand.csv`: instance_type, region, usd_per_hour
- `spot.csv`: instance_type, zone_id, spot_usd_per_hour

It prints `instance_prices.csv`, the table that ships: one row for each price, with the source and
the date of the data in every row. Local Zones and zones of regions without a price are left out.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from gotocloud.costs.price import Price, PriceUnit
from gotocloud.costs.price_files import dump_table, parse_table

_DIRECTIONS = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "southeast": "se",
}


def short_region(region: str) -> str:
    """The region's part of a zone ID: "ap-northeast-1" is "apne1", "us-east-1" is "use1"."""
    area, direction, number = region.split("-")
    return f"{area}{_DIRECTIONS[direction]}{number}"


def snapshot(
    on_demand: Iterable[Mapping[str, str]],
    spot: Iterable[Mapping[str, str]],
    *,
    source: str,
    date: str,
) -> list[Price]:
    """The prices of the two tables.

    Args:
        source: Publisher of the data.
        date: Day of the data, or `first/last` day: never that of the import.
    """
    prices = [
        _price(row["instance_type"], row["region"], row["usd_per_hour"], source, date)
        for row in on_demand
    ]
    regions = {short_region(price.region): price.region for price in prices}
    return [*prices, *_spot(spot, regions, source, date)]


def _spot(
    rows: Iterable[Mapping[str, str]], regions: Mapping[str, str], source: str, date: str
) -> Iterator[Price]:
    for row in rows:
        zone_id = row["zone_id"]
        if region := regions.get(zone_id.partition("-")[0]):
            usd = row["spot_usd_per_hour"]
            yield _price(row["instance_type"], region, usd, source, date, zone_id)


def _price(item: str, region: str, usd: str, source: str, date: str, zone_id: str = "") -> Price:
    unit = PriceUnit.SPOT_INSTANCE_HOUR if zone_id else PriceUnit.INSTANCE_HOUR
    return Price(item, region, _plain(usd), unit, source, date, zone_id=zone_id)


def _plain(usd: str) -> Decimal:
    """The number without zeros at its end."""
    return Decimal(f"{Decimal(usd).normalize():f}")


def main(arguments: list[str] | None = None) -> None:
    """Print the table of the snapshot in a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source", required=True, help="Address of the publisher.")
    parser.add_argument("--date", required=True, help="Day of the data: 2026-01-20/2026-01-29.")
    given = parser.parse_args(arguments)
    with (
        (given.folder / "on_demand.csv").open(encoding="utf-8", newline="") as on_demand,
        (given.folder / "spot.csv").open(encoding="utf-8", newline="") as spot,
    ):
        prices = snapshot(
            csv.DictReader(on_demand), csv.DictReader(spot), source=given.source, date=given.date
        )
    text = dump_table(prices)
    parse_table(text, str(given.folder))
    print(text, end="")


if __name__ == "__main__":
    main()
