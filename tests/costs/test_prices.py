"""Looking prices up."""

from __future__ import annotations

from decimal import Decimal

from gotocloud.costs.price import Item, PriceUnit
from gotocloud.costs.prices import find_price, price_usd_per_hour, spot_price_usd_per_hour


def test_a_known_price_comes_with_its_source_and_date() -> None:
    price = price_usd_per_hour("g5.12xlarge", "us-east-1")
    assert price is not None
    assert price.usd == Decimal("5.672")
    assert price.date == "2024-02"
    assert price.source.endswith("CS-Schemes")


def test_an_unknown_price_is_none_and_not_nothing() -> None:
    assert price_usd_per_hour("g5.12xlarge", "eu-west-1") is None
    assert price_usd_per_hour("no.such", "us-east-1") is None


def test_a_price_of_all_regions_holds_in_each() -> None:
    assert price_usd_per_hour(Item.PUBLIC_IPV4, "sa-east-1") == price_usd_per_hour(
        Item.PUBLIC_IPV4, "us-east-1"
    )


def test_spot_and_on_demand_are_never_mixed_up() -> None:
    spot = spot_price_usd_per_hour("g4dn.metal", "us-east-1")
    assert spot is not None
    assert spot.usd == Decimal("3.5863")
    assert spot_price_usd_per_hour("g4dn.metal", "ap-northeast-1") is None


def test_storage_is_not_sold_by_the_hour() -> None:
    assert find_price(Item.EBS_GP3, "us-east-1", PriceUnit.GB_MONTH) is not None
    assert price_usd_per_hour(Item.EBS_GP3, "us-east-1") is None


def test_a_price_is_ready_for_json() -> None:
    price = price_usd_per_hour("g4dn.metal", "us-east-1")
    assert price is not None
    assert price.as_dict() == {
        "item": "g4dn.metal",
        "region": "us-east-1",
        "usd": 7.824,
        "unit": "instance-hour",
        "source": "https://github.com/KEK-SBRC-CryoEM/CS-Schemes",
        "date": "2024-02",
        "spread_usd": None,
    }
