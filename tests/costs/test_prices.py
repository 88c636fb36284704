"""Looking prices up: the newest figure counts, of any source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gotocloud.costs.price import EVERY_REGION, Item, Price, PriceUnit, last_day, newer
from gotocloud.costs.prices import (
    discount_seen,
    find_price,
    newest,
    price_usd_per_hour,
    spot_price_usd_per_hour,
    spot_prices,
)

SNAPSHOT = "2026-01-20/2026-01-29"


def test_a_known_price_comes_with_its_source_and_date() -> None:
    price = price_usd_per_hour("g5.12xlarge", "us-east-1")
    assert price is not None
    assert price.usd == Decimal("5.672")
    assert price.date == SNAPSHOT
    assert "skypilot-catalog" in price.source


def test_an_unknown_price_is_none_and_not_that_of_another_region() -> None:
    assert price_usd_per_hour("g5.12xlarge", "us-east-1") is not None
    assert price_usd_per_hour("g5.12xlarge", "mx-central-1") is None
    assert find_price(Item.LUSTRE_SCRATCH_2, "eu-west-1", PriceUnit.GB_MONTH) is None
    assert price_usd_per_hour("no.such", "us-east-1") is None


def test_a_price_of_all_regions_holds_in_each() -> None:
    assert price_usd_per_hour(Item.PUBLIC_IPV4, "sa-east-1") == price_usd_per_hour(
        Item.PUBLIC_IPV4, "us-east-1"
    )


def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *rows: str) -> None:
    """A table of one's own, beside the platform file."""
    header = "item,region,usd,unit,source,date,spread_usd,zone_id"
    (tmp_path / "own.csv").write_text("\n".join((header, *rows)) + "\n")
    monkeypatch.setenv("GOTOCLOUD_PRICES", str(tmp_path / "own.csv"))


@pytest.mark.parametrize(
    ("stated", "counts"),
    [
        ("2026-11-01/2026-11-30", "9.99"),
        ("2026-01-30", "9.99"),
        (SNAPSHOT, "9.99"),
        ("2026-01-28", "5.672"),
        ("2024", "5.672"),
        ("read 2026-11-30", "5.672"),
    ],
)
def test_an_own_newer_price_wins_and_an_own_older_one_loses_against_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: str, counts: str
) -> None:
    own(tmp_path, monkeypatch, f"g5.12xlarge,us-east-1,9.99,instance-hour,mine,{stated},,")
    price = price_usd_per_hour("g5.12xlarge", "us-east-1")
    assert price is not None
    assert price.usd == Decimal(counts)


def test_a_newer_price_of_one_region_replaces_an_older_one_of_every_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(tmp_path, monkeypatch, "public-ipv4,us-east-1,0.006,hour,mine,2026-11-30,,")
    here, there = (price_usd_per_hour(Item.PUBLIC_IPV4, r) for r in ("us-east-1", "us-east-2"))
    assert here is not None
    assert there is not None
    assert (here.usd, there.usd) == (Decimal("0.006"), Decimal("0.005"))


def test_of_any_tables_the_newest_row_of_each_key_stays_whatever_their_order() -> None:
    days = ("2024-02", "2026-01-29", "2026-11-30")
    one = [Price("x", "r", Decimal(n), PriceUnit.HOUR, "s", day) for n, day in enumerate(days, 1)]
    for first in one:
        for second in one:
            assert newest({first.key: first}, [second])[first.key] == max(
                first, second, key=lambda price: price.date
            )
    assert newer(one[0], one[0]) is one[0]


def test_a_spot_price_is_that_of_a_zone() -> None:
    zones = {price.zone_id: price.usd for price in spot_prices("g5.12xlarge", "us-east-1")}
    assert zones["use1-az4"] == Decimal("2.0813")
    found = spot_price_usd_per_hour("g5.12xlarge", "us-east-1", "use1-az4")
    assert found is not None
    assert (found.usd, found.zone_id) == (Decimal("2.0813"), "use1-az4")
    assert spot_price_usd_per_hour("g5.12xlarge", "us-east-1", "use1-az3") is None


def test_without_a_zone_the_dearest_one_of_the_region_counts() -> None:
    found = spot_price_usd_per_hour("g5.12xlarge", "us-east-1")
    assert found is not None
    assert found.usd == max(price.usd for price in spot_prices("g5.12xlarge", "us-east-1"))


def test_a_spot_price_that_equals_the_one_on_demand_is_no_discount() -> None:
    seen = {
        price.zone_id: discount_seen(price) for price in spot_prices("p5.48xlarge", "us-east-1")
    }
    assert not seen["use1-az1"]
    assert all(discount_seen(price) for price in spot_prices("g5.12xlarge", "us-east-1"))
    # Rounded up by EC2: 8.2261 on spot, 8.22609 on demand.
    rounded = spot_price_usd_per_hour("g5.12xlarge", "ap-northeast-1", "apne1-az4")
    assert rounded is not None
    assert not discount_seen(rounded)


def test_storage_is_not_sold_by_the_hour() -> None:
    assert find_price(Item.EBS_GP3, "us-east-1", PriceUnit.GB_MONTH) is not None
    assert price_usd_per_hour(Item.EBS_GP3, "us-east-1") is None


def test_a_price_is_ready_for_json() -> None:
    price = spot_price_usd_per_hour("g4dn.metal", "us-east-1", "use1-az4")
    assert price is not None
    assert price.as_dict() == {
        "item": "g4dn.metal",
        "region": "us-east-1",
        "usd": float(price.usd),
        "unit": "spot-instance-hour",
        "source": price.source,
        "date": SNAPSHOT,
        "spread_usd": None,
        "zone_id": "use1-az4",
    }


@pytest.mark.parametrize(
    ("stated", "day"),
    [
        ("2026-11-01/2026-11-20", date(2026, 11, 20)),
        ("2026-11-20", date(2026, 11, 20)),
        ("2024-02", date(2024, 2, 29)),
        ("2025", date(2025, 12, 31)),
        ("read 2026-11-22", None),
        ("some day", None),
    ],
)
def test_the_age_of_a_price_is_that_of_its_data(stated: str, day: date | None) -> None:
    assert last_day(stated) == day


def test_a_price_older_than_a_year_or_of_unknown_age_is_marked() -> None:
    def price(stated: str) -> Price:
        return Price("x", EVERY_REGION, Decimal(1), PriceUnit.HOUR, "s", stated)

    today = date(2026, 11, 30)
    assert price("2025-11-30").dated(today) == "2025-11-30"
    assert price("2025-11-29").dated(today) == "2025-11-29, OVER A YEAR OLD"
    assert price("read 2026-11-30").dated(today) == "read 2026-11-30, AGE UNKNOWN"
    assert [
        price(day).is_old(today) for day in ("2025-11-30", "2025-11-29", "read 2026-11-30")
    ] == [
        False,
        True,
        True,
    ]
