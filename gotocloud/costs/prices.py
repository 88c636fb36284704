"""The price table: what AWS charges for, where, since when, and who says so."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files

EVERY_REGION = "*"
"""Region of a price that AWS announced for all regions alike."""

HOURS_PER_MONTH = 730
"""Hours of the month in which AWS quotes GB-month prices: 365 x 24 / 12."""


class Unit(StrEnum):
    """What one price buys."""

    INSTANCE_HOUR = "instance-hour"
    SPOT_INSTANCE_HOUR = "spot-instance-hour"
    HOUR = "hour"
    GB_MONTH = "GB-month"


class Item(StrEnum):
    """What is charged for besides instances; an instance's item is its type."""

    NAT_GATEWAY = "nat-gateway"
    PUBLIC_IPV4 = "public-ipv4"
    LUSTRE_SCRATCH_2 = "fsx-lustre-scratch-2"
    LUSTRE_PERSISTENT_2 = "fsx-lustre-persistent-2"
    EBS_GP3 = "ebs-gp3"
    EFS_STANDARD = "efs-standard"
    S3_STANDARD = "s3-standard"


@dataclass(frozen=True)
class Price:
    """One row of `prices.csv`.

    Args:
        item: An instance type, or one of `Item`.
        region: AWS region, or `*` for all of them.
        usd: US dollars per `unit`, before tax.
        unit: What that buys.
        source: Address of whoever says so.
        date: When the price held: a year, month, day or `first/last` day of a mean;
            `read DAY` where the source itself gives no date.
    """

    item: str
    region: str
    usd: Decimal
    unit: Unit
    source: str
    date: str

    def as_dict(self) -> dict[str, str | float]:
        """The price for a JSON report."""
        return asdict(self) | {"usd": float(self.usd), "unit": self.unit.value}


@cache
def price_table() -> Mapping[tuple[str, str, Unit], Price]:
    """Every known price by item, region and unit."""
    text = files(__package__).joinpath("prices.csv").read_text(encoding="utf-8")
    prices = (_price(row) for row in csv.DictReader(text.splitlines()))
    return {(price.item, price.region, price.unit): price for price in prices}


def find_price(item: str, region: str, unit: Unit) -> Price | None:
    """The price of an item in a region; None when nobody has told us.

    A price that AWS announced for every region counts in each of them. The price of
    another region never stands in: regions differ by up to half.
    """
    table = price_table()
    return table.get((item, region, unit)) or table.get((item, EVERY_REGION, unit))


def price_usd_per_hour(item: str, region: str) -> Price | None:
    """What an hour of an instance on demand, a gateway or an address costs; None if unknown."""
    return find_price(item, region, Unit.INSTANCE_HOUR) or find_price(item, region, Unit.HOUR)


def spot_price_usd_per_hour(instance_type: str, region: str) -> Price | None:
    """The mean spot price over the days of its date; None if unknown.

    Spot prices move: within a year the discount of one type shrank by 21 points.
    Show the date beside the figure, and never derive one type's price from another's.
    """
    return find_price(instance_type, region, Unit.SPOT_INSTANCE_HOUR)


def _price(row: Mapping[str, str]) -> Price:
    return Price(
        item=row["item"],
        region=row["region"],
        usd=Decimal(row["usd"]),
        unit=Unit(row["unit"]),
        source=row["source"],
        date=row["date"],
    )
