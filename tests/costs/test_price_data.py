"""The shipped price table: every row complete, dated, sourced and plausible."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest

import gotocloud.costs
from gotocloud.costs.price import EVERY_REGION, Item, PriceUnit
from gotocloud.platform.regions import REGIONS

ROWS = list(
    csv.DictReader((Path(gotocloud.costs.__file__).parent / "prices.csv").read_text().splitlines())
)
DAY = r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
DATE = re.compile(rf"20\d\d|20\d\d-(0[1-9]|1[0-2])|(read )?{DAY}|{DAY}/{DAY}")
INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")

FACTS = {
    "g6.48xlarge": ("13.3504", "19.36206", None),
    "g6.12xlarge": ("4.6016", "6.67369", None),
    "g6.4xlarge": ("1.3232", "1.91903", None),
    "g5.48xlarge": ("16.288", "23.62246", "7.4722"),
    "g5.12xlarge": ("5.672", "8.22609", "2.9119"),
    "g4dn.metal": ("7.824", "10.562", "3.5863"),
    "g4dn.12xlarge": ("3.912", "5.281", "1.6888"),
    "c6i.32xlarge": ("5.44", "6.848", "2.5405"),
    "c7i.48xlarge": ("8.568", "10.7856", "3.9552"),
    "m7i.48xlarge": ("9.6768", "12.4992", "4.0849"),
    "r7i.48xlarge": ("12.7008", "15.3216", "7.0275"),
}
"""KEK-SBRC-CryoEM/CS-Schemes, February 2024: us-east-1, ap-northeast-1, spot us-east-1."""


def ident(row: dict[str, str]) -> str:
    return f"{row['item']} {row['region']} {row['unit']}"


@pytest.mark.parametrize("row", ROWS, ids=ident)
def test_a_row_is_complete_and_plausible(row: dict[str, str]) -> None:
    assert all(value == value.strip() and value for value in row.values())
    assert row["region"] in {*REGIONS, EVERY_REGION}
    assert row["source"].startswith("https://")
    assert DATE.fullmatch(row["date"])
    instance = PriceUnit(row["unit"]) in (PriceUnit.INSTANCE_HOUR, PriceUnit.SPOT_INSTANCE_HOUR)
    assert bool(INSTANCE_TYPE.fullmatch(row["item"])) == instance
    assert instance or row["item"] in set(Item)
    assert Decimal(0) < Decimal(row["usd"]) < 150


def test_no_price_is_given_twice() -> None:
    keys = [ident(row) for row in ROWS]
    assert len(keys) == len(set(keys))


def test_rows_are_sorted_so_that_a_change_is_easy_to_review() -> None:
    keys = [(row["item"], row["region"], row["unit"]) for row in ROWS]
    assert keys == sorted(keys)


def test_an_item_sold_in_every_region_has_no_regional_price_beside_it() -> None:
    everywhere = {row["item"] for row in ROWS if row["region"] == EVERY_REGION}
    regional = {row["item"] for row in ROWS if row["region"] != EVERY_REGION}
    assert everywhere & regional == set()


def test_spot_prices_are_below_the_price_on_demand() -> None:
    on_demand = {
        (row["item"], row["region"]): Decimal(row["usd"])
        for row in ROWS
        if row["unit"] == PriceUnit.INSTANCE_HOUR
    }
    for row in ROWS:
        if row["unit"] == PriceUnit.SPOT_INSTANCE_HOUR:
            assert Decimal(row["usd"]) < on_demand[row["item"], row["region"]]


@pytest.mark.parametrize("item", FACTS)
def test_the_table_repeats_the_public_record_to_the_digit(item: str) -> None:
    shipped = {ident(row): row["usd"] for row in ROWS}
    virginia, tokyo, spot = FACTS[item]
    assert shipped[f"{item} us-east-1 instance-hour"] == virginia
    assert shipped[f"{item} ap-northeast-1 instance-hour"] == tokyo
    assert shipped.get(f"{item} us-east-1 spot-instance-hour") == spot
