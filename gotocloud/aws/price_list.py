"""Reads AWS's prices: the price list, and EC2's history of spot prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from gotocloud.aws.session import client, explained, stand_in
from gotocloud.costs.price import Price
from gotocloud.costs.price_list import Product, SpotChange, offers, spot_price
from gotocloud.errors import GoToCloudError

PRICE_LIST_REGION = "us-east-1"
"""One of the few regions in which the price list answers; it has the prices of all."""

SPOT_WINDOW = timedelta(days=14)
"""Days of spot history that are averaged: recent, and long enough to show the spread."""

LINUX = "Linux/UNIX"


@dataclass(frozen=True)
class Answers:
    """AWS's answer.

    Args:
        prices: What is known now.
        unknown: What is not, and why.
    """

    prices: tuple[Price, ...]
    unknown: tuple[str, ...]


def listed_prices(
    region: str,
    products: Sequence[Product],
    today: date,
    done: Callable[[], None] = lambda: None,
) -> Answers:
    """The prices of products in a region, from AWS's price list.

    Args:
        region: AWS region of the prices.
        today: The last day on which they are known to hold.
        done: Called after each product.

    Raises:
        GoToCloudError: if the price list does not answer, or its answer has another form.
    """
    pricing = client("pricing", PRICE_LIST_REGION)
    prices, unknown = [], []
    for product in products:
        filters = {product.region_field: region, **product.filters}
        with explained("ask AWS for its price list"):
            pages = pricing.get_paginator("get_products").paginate(
                ServiceCode=product.service,
                FormatVersion="aws_v1",
                Filters=[
                    {"Type": "TERM_MATCH", "Field": field, "Value": value}
                    for field, value in filters.items()
                ],
            )
            documents = [text for page in pages for text in page["PriceList"]]
        try:
            found = offers(product, documents)
        except ValueError as error:
            raise GoToCloudError(f"AWS's price list is not understood: {error}.") from error
        if len(found) == 1:
            source = f"AWS price list, {product.service}{_elsewhere()}"
            held = f"{found[0].since}/{today}"
            prices.append(Price(product.item, region, found[0].usd, product.unit, source, held))
        else:
            several = ", ".join(str(offer.usd) for offer in found)
            why = f"several prices: {several}" if found else "not in the price list"
            unknown.append(f"{product.item} in {region}: {why}")
        done()
    return Answers(tuple(prices), tuple(unknown))


def spot_prices(region: str, instance_types: Iterable[str], now: datetime) -> Answers:
    """Mean and spread of the spot prices of the last days in every zone of a region.

    Args:
        now: End of the history; UTC.

    Raises:
        GoToCloudError: if EC2 does not answer.
    """
    names = sorted(instance_types)
    ec2 = client("ec2", region)
    window = (now - SPOT_WINDOW, now)
    with explained(f"ask EC2 in {region} for its zones"):
        zones = {
            one["ZoneName"]: one["ZoneId"]
            for one in ec2.describe_availability_zones()["AvailabilityZones"]
            if one.get("ZoneType", "availability-zone") == "availability-zone"
        }
    changes: dict[tuple[str, str], list[SpotChange]] = defaultdict(list)
    with explained(f"ask EC2 in {region} for its spot prices"):
        pages = ec2.get_paginator("describe_spot_price_history").paginate(
            InstanceTypes=names,
            ProductDescriptions=[LINUX],
            StartTime=window[0],
            EndTime=now,
        )
        for page in pages:
            for one in page["SpotPriceHistory"]:
                if zone_id := zones.get(one["AvailabilityZone"]):
                    change = SpotChange(_utc(one["Timestamp"]), Decimal(one["SpotPrice"]))
                    changes[one["InstanceType"], zone_id].append(change)
    found = [
        price
        for (name, zone_id), history in changes.items()
        if (price := spot_price(name, (region, zone_id), history, window, _spot_source()))
    ]
    silent = sorted({*names} - {price.item for price in found})
    return Answers(tuple(found), tuple(f"{name} in {region}: no spot history" for name in silent))


def _spot_source() -> str:
    return f"EC2 DescribeSpotPriceHistory{_elsewhere()}"


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _elsewhere() -> str:
    """Warns when the answers are not those of AWS itself."""
    found = stand_in("pricing", PRICE_LIST_REGION)
    return f" at {found}" if found else ""
