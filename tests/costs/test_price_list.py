"""What AWS's price list and EC2's spot history state."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gotocloud.costs.price import Item
from gotocloud.costs.price_list import (
    OTHER_PRODUCTS,
    Product,
    SpotChange,
    instance_product,
    offers,
    spot_price,
)

G5 = instance_product("g5.12xlarge")
START = datetime(2026, 11, 8, tzinfo=UTC)
END = datetime(2026, 11, 22, tzinfo=UTC)


def document(usage_type: str, usd: str, *, unit: str = "Hrs", **tier: Any) -> str:
    """A document in the shape that GetProducts documents, reserved terms included."""
    dimension = {"unit": unit, "beginRange": "0", "pricePerUnit": {"USD": usd}, **tier}
    reserved = {"unit": "Hrs", "beginRange": "0", "pricePerUnit": {"USD": "1.11"}}
    return json.dumps(
        {
            "product": {"attributes": {"usagetype": usage_type}},
            "terms": {
                "OnDemand": {
                    "t": {
                        "effectiveDate": "2026-11-01T00:00:00Z",
                        "priceDimensions": {"d": dimension},
                    }
                },
                "Reserved": {
                    "r": {
                        "effectiveDate": "2026-01-01T00:00:00Z",
                        "priceDimensions": {"d": reserved},
                    }
                },
            },
        }
    )


def product(item: Item) -> Product:
    return next(one for one in OTHER_PRODUCTS if one.item == item)


def usd(found: tuple[Any, ...]) -> list[str]:
    return [str(offer.usd) for offer in found]


def test_the_on_demand_price_of_an_instance_is_found_with_its_day() -> None:
    (offer,) = offers(G5, [document("APN1-BoxUsage:g5.12xlarge", "8.22609")])
    assert offer.usd == Decimal("8.22609")
    assert offer.since == "2026-11-01"


@pytest.mark.parametrize(
    "other",
    [
        document("APN1-BoxUsage:g5.12xlarge-flex", "1"),
        document("APN1-DedicatedUsage:g5.12xlarge", "9"),
        document("BoxUsage:g5X12xlarge", "9"),
        document("BoxUsage:g5.12xlarge", "0.0000000000"),
        document("BoxUsage:g5.12xlarge", "9", unit="Quantity"),
        document("BoxUsage:g5.12xlarge", "9", pricePerUnit={"CNY": "9"}),
    ],
)
def test_what_is_something_else_or_not_in_dollars_is_passed_over(other: str) -> None:
    assert usd(offers(G5, [other, document("BoxUsage:g5.12xlarge", "5.672")])) == ["5.672"]


def test_different_prices_of_one_item_are_all_reported() -> None:
    twice = [document("BoxUsage:g5.12xlarge", price) for price in ("5.672", "6", "5.672")]
    assert usd(offers(G5, twice)) == ["5.672", "6"]


def test_the_first_tier_counts() -> None:
    s3 = product(Item.S3_STANDARD)
    tiers = [
        document("TimedStorage-ByteHrs", "0.023", unit="GB-Mo"),
        document("TimedStorage-ByteHrs", "0.022", unit="GB-Mo", beginRange="51200"),
    ]
    assert usd(offers(s3, tiers)) == ["0.023"]


def test_scratch_lustre_is_not_mixed_up_with_persistent_lustre() -> None:
    documents = [
        document("USW2-Storage", "0.14", unit="GB-Mo"),
        document("USW2-Storage.SSD.125", "0.145", unit="GB-Mo"),
        document("USW2-Storage.SSD.250", "0.21", unit="GB-Mo"),
        document("USW2-BackupUsage", "0.05", unit="GB-Mo"),
    ]
    assert usd(offers(product(Item.LUSTRE_SCRATCH_2), documents)) == ["0.14"]
    assert usd(offers(product(Item.LUSTRE_PERSISTENT_2), documents)) == ["0.145"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"product": {"attributes": null}}', "null"])
def test_what_is_no_document_is_an_error_and_not_a_missing_price(text: str) -> None:
    with pytest.raises(ValueError, match=r"document|Expecting"):
        offers(G5, [text])


def change(days: float, price: str) -> SpotChange:
    return SpotChange(START + timedelta(days=days), Decimal(price))


def test_a_spot_price_is_the_mean_over_time_and_not_over_changes() -> None:
    changes = [change(7, "2"), change(-3, "1"), change(13.9999, "1000000000"), change(14, "9")]
    told = spot_price("g5.12xlarge", ("us-east-1", "use1-az4"), changes[:2], (START, END), "EC2")
    assert told is not None
    assert (told.usd, told.spread_usd) == (Decimal("1.5000"), Decimal("0.5000"))
    assert told.date == "2026-11-08/2026-11-22"


def test_a_history_that_begins_in_the_window_states_it() -> None:
    told = spot_price(
        "g5.12xlarge", ("us-east-1", "use1-az4"), [change(4, "2")], (START, END), "EC2"
    )
    assert told is not None
    assert told.date == "2026-11-12/2026-11-22"
    assert told.spread_usd == 0


def test_no_history_is_no_price() -> None:
    assert spot_price("g5.12xlarge", ("us-east-1", "use1-az4"), [], (START, END), "EC2") is None
    assert (
        spot_price("g5.12xlarge", ("us-east-1", "use1-az4"), [change(15, "2")], (START, END), "EC2")
        is None
    )
