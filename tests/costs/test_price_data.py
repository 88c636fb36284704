"""The shipped price table: every row complete, dated, sourced and plausible."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest

import gotocloud.costs
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.costs.price import EVERY_REGION, Item, PriceUnit
from gotocloud.costs.prices import SHIPPED, shipped_table
from gotocloud.platform.regions import REGIONS, REGIONS_WITHOUT_PARALLELCLUSTER

FOLDER = Path(gotocloud.costs.__file__).parent
TABLES = {name: list(csv.DictReader((FOLDER / name).read_text().splitlines())) for name in SHIPPED}
ROWS = [row for rows in TABLES.values() for row in rows]
OPTIONAL = {"spread_usd", "zone_id"}
DAY = r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
DATE = re.compile(rf"20\d\d|20\d\d-(0[1-9]|1[0-2])|(read )?{DAY}|{DAY}/{DAY}")
INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")

SCHEMES = {
    "g6.48xlarge": ("13.3504", "19.36206"),
    "g6.12xlarge": ("4.6016", "6.67369"),
    "g6.4xlarge": ("1.3232", "1.91903"),
    "g5.48xlarge": ("16.288", "23.62246"),
    "g5.12xlarge": ("5.672", "8.22609"),
    "g4dn.metal": ("7.824", "10.562"),
    "g4dn.12xlarge": ("3.912", "5.281"),
    "c6i.32xlarge": ("5.44", "6.848"),
    "c7i.48xlarge": ("8.568", "10.7856"),
    "m7i.48xlarge": ("9.6768", "12.4992"),
    "r7i.48xlarge": ("12.7008", "15.3216"),
}
"""On demand in us-east-1 and ap-northeast-1, KEK-SBRC-CryoEM/CS-Schemes: another source."""

KARPENTER = {
    "c8i.48xlarge": "8.99616",
    "g5.24xlarge": "8.144",
    "g6.24xlarge": "6.6752",
    "g6e.12xlarge": "10.49264",
    "g6e.48xlarge": "30.13118",
    "g7e.2xlarge": "3.36312",
    "g7e.48xlarge": "33.14432",
    "m5.xlarge": "0.192",
    "m8i.xlarge": "0.21168",
    "p4d.24xlarge": "21.957642",
    "p5.4xlarge": "6.88",
    "p5.48xlarge": "55.04",
}
"""On demand in us-east-1 on 2026-07-20: aws/karpenter-provider-aws at 6fc13b5, which reads AWS."""


def ident(row: dict[str, str]) -> str:
    return f"{row['item']} {row.get('zone_id') or row['region']} {row['unit']}"


def test_rows_are_complete_and_plausible() -> None:
    for row in ROWS:
        filled = {name: value for name, value in row.items() if name not in OPTIONAL}
        assert all(value == value.strip() and value for value in filled.values()), row
        assert row["region"] in {*REGIONS, *REGIONS_WITHOUT_PARALLELCLUSTER, EVERY_REGION}, row
        assert row["source"].startswith("https://"), row
        assert DATE.fullmatch(row["date"]), row
        unit = PriceUnit(row["unit"])
        instance = unit in (PriceUnit.INSTANCE_HOUR, PriceUnit.SPOT_INSTANCE_HOUR)
        assert bool(INSTANCE_TYPE.fullmatch(row["item"])) == instance, row
        assert row["item"] in (instance_types() if instance else set(Item)), row
        assert bool(row.get("zone_id")) == (unit is PriceUnit.SPOT_INSTANCE_HOUR), row
        assert Decimal(0) < Decimal(row["usd"]) < 150, row


def test_no_price_is_given_twice() -> None:
    keys = [ident(row) for row in ROWS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", SHIPPED)
def test_rows_are_sorted_so_that_a_change_is_easy_to_review(name: str) -> None:
    keys = [(row["item"], row.get("zone_id") or row["region"], row["unit"]) for row in TABLES[name]]
    assert keys == sorted(keys)


def test_an_item_sold_in_every_region_has_no_regional_price_beside_it() -> None:
    everywhere = {row["item"] for row in ROWS if row["region"] == EVERY_REGION}
    regional = {row["item"] for row in ROWS if row["region"] != EVERY_REGION}
    assert everywhere & regional == set()


def test_no_spot_price_is_above_the_price_on_demand() -> None:
    prices = shipped_table()
    for price in prices.values():
        if price.unit is PriceUnit.SPOT_INSTANCE_HOUR:
            full = prices[price.item, price.region, PriceUnit.INSTANCE_HOUR]
            # EC2 rounds spot prices to four digits.
            assert price.usd <= full.usd + Decimal("0.0001"), price


def test_every_instance_type_that_the_product_names_has_a_price_in_us_east_1_or_us_east_2() -> None:
    for name in instance_types():
        assert any(
            (name, region, PriceUnit.INSTANCE_HOUR) in shipped_table()
            for region in ("us-east-1", "us-east-2")
        ), name


def usd(item: str, region: str) -> Decimal:
    return shipped_table()[item, region, PriceUnit.INSTANCE_HOUR].usd


@pytest.mark.parametrize("item", SCHEMES)
def test_the_snapshot_agrees_to_the_digit_with_the_prices_of_cs_schemes(item: str) -> None:
    assert (usd(item, "us-east-1"), usd(item, "ap-northeast-1")) == tuple(
        map(Decimal, SCHEMES[item])
    )


@pytest.mark.parametrize("item", KARPENTER)
def test_the_snapshot_agrees_with_what_karpenter_read_half_a_year_later(item: str) -> None:
    assert usd(item, "us-east-1") == Decimal(KARPENTER[item])
