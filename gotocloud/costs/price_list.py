"""What to ask AWS's price list for, and what its answers state. Pure: documents in, prices out.

Source of the field names: AWS Price List Query API, and the offer files of AmazonEC2, AmazonVPC,
AmazonFSx, AmazonEFS, AmazonS3 and AWSDataTransfer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from gotocloud.costs.price import Item, Price, PriceUnit
from gotocloud.formats import parse_json

_PREFIX = r"([A-Z0-9]+-)?"
"""Short name of the region before a usage type; us-east-1 often has none."""

AWS_UNITS = {
    PriceUnit.INSTANCE_HOUR: "Hrs",
    PriceUnit.HOUR: "Hrs",
    PriceUnit.GB_MONTH: "GB-Mo",
    PriceUnit.GB: "GB",
    PriceUnit.MILLION_CALLS: "Requests",
}
"""AWS's names of our units."""

AWS_UNITS_IN_ONE = {PriceUnit.MILLION_CALLS: 1_000_000}
"""How many of AWS's units are one of ours, where that is not one."""


@dataclass(frozen=True)
class Product:
    """A product of AWS, with the attributes that identify it in the price list.

    Args:
        item: Our name: an instance type or one of `Item`.
        unit: What one price buys.
        service: AWS's service code.
        filters: Fields and values that the product has.
        usage_type: Pattern of its usage type, which no filter can ask for.
        region_field: Field of the region; data transfer has that of its origin.
    """

    item: str
    unit: PriceUnit
    service: str
    filters: Mapping[str, str]
    usage_type: str
    region_field: str = "regionCode"


def instance_product(instance_type: str) -> Product:
    """A Linux instance on demand, on shared hardware."""
    return Product(
        instance_type,
        PriceUnit.INSTANCE_HOUR,
        "AmazonEC2",
        {
            "instanceType": instance_type,
            "operatingSystem": "Linux",
            "preInstalledSw": "NA",
            "tenancy": "Shared",
            "capacitystatus": "Used",
        },
        rf"{_PREFIX}BoxUsage:{re.escape(instance_type)}",
    )


def _lustre(item: Item, throughput: str, usage_type: str) -> Product:
    filters = {
        "fileSystemType": "Lustre",
        "operation": "CreateFileSystem:Lustre",
        "storageType": "SSD",
        "throughputCapacity": throughput,
    }
    return Product(item, PriceUnit.GB_MONTH, "AmazonFSx", filters, _PREFIX + usage_type)


def _requests(item: Item, tier: int) -> Product:
    """Requests to S3: tier 1 writes and lists, tier 2 reads."""
    return Product(
        item,
        PriceUnit.MILLION_CALLS,
        "AmazonS3",
        {"group": f"S3-API-Tier{tier}"},
        f"{_PREFIX}Requests-Tier{tier}",
    )


OTHER_PRODUCTS = (
    Product(
        Item.NAT_GATEWAY,
        PriceUnit.HOUR,
        "AmazonEC2",
        {"productFamily": "NAT Gateway"},
        f"{_PREFIX}NatGateway-Hours",
    ),
    Product(
        Item.NAT_TRAFFIC,
        PriceUnit.GB,
        "AmazonEC2",
        {"productFamily": "NAT Gateway"},
        f"{_PREFIX}NatGateway-Bytes",
    ),
    Product(
        Item.TRANSFER_TO_INTERNET,
        PriceUnit.GB,
        "AWSDataTransfer",
        {"transferType": "AWS Outbound", "toLocation": "External"},
        f"{_PREFIX}DataTransfer-Out-Bytes",
        region_field="fromRegionCode",
    ),
    Product(
        Item.PUBLIC_IPV4, PriceUnit.HOUR, "AmazonVPC", {}, rf"{_PREFIX}PublicIPv4:InUseAddress"
    ),
    Product(
        Item.EBS_GP3,
        PriceUnit.GB_MONTH,
        "AmazonEC2",
        {"productFamily": "Storage", "volumeApiName": "gp3"},
        rf"{_PREFIX}EBS:VolumeUsage\.gp3",
    ),
    _lustre(Item.LUSTRE_SCRATCH_2, "N/A", "Storage"),
    # 125 MB/s per TiB is the throughput that the Lustre construct takes by default.
    _lustre(Item.LUSTRE_PERSISTENT_2, "125", r"Storage\.SSD\.125"),
    Product(
        Item.EFS_STANDARD,
        PriceUnit.GB_MONTH,
        "AmazonEFS",
        {"storageClass": "General Purpose"},
        f"{_PREFIX}TimedStorage-ByteHrs",
    ),
    Product(
        Item.S3_STANDARD,
        PriceUnit.GB_MONTH,
        "AmazonS3",
        {"volumeType": "Standard"},
        f"{_PREFIX}TimedStorage-ByteHrs",
    ),
    _requests(Item.S3_WRITES, 1),
    _requests(Item.S3_READS, 2),
)
"""What a platform pays for besides instances."""


@dataclass(frozen=True)
class Offer:
    """The price of one unit in one document of the price list.

    Args:
        usd: US dollars, in the first tier.
        since: Day from which on it holds.
    """

    usd: Decimal
    since: str


def offers(product: Product, documents: Iterable[str]) -> tuple[Offer, ...]:
    """The different prices of a product in the price list's documents; usually one.

    Documents of other usage types, other units and other currencies, and reserved terms are
    passed over. Of a price in tiers the first tier counts.

    Raises:
        ValueError: if a document is not what the price list API documents.
    """
    found = {}
    for text in documents:
        try:
            document = parse_json(text)
            attributes = document["product"]["attributes"]
            if not re.fullmatch(product.usage_type, attributes.get("usagetype", "")):
                continue
            for offer in _on_demand(document, product.unit):
                found[offer.usd] = offer
        except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError(f"not a price list document: {text[:80]!r}") from error
    return tuple(found[usd] for usd in sorted(found))


def _on_demand(document: Mapping[str, Any], unit: PriceUnit) -> Iterable[Offer]:
    for term in document["terms"].get("OnDemand", {}).values():
        for tier in term["priceDimensions"].values():
            if tier["unit"] != AWS_UNITS[unit] or tier.get("beginRange", "0") not in {"0", ""}:
                continue
            if "USD" not in tier["pricePerUnit"]:
                continue
            usd = Decimal(tier["pricePerUnit"]["USD"]) * AWS_UNITS_IN_ONE.get(unit, 1)
            if usd > 0:
                yield Offer(usd, term["effectiveDate"][:10])


@dataclass(frozen=True)
class SpotChange:
    """A spot price, from a moment on.

    Args:
        since: When it began to hold; with time zone.
        usd_per_hour: The price.
    """

    since: datetime
    usd_per_hour: Decimal


def spot_price(
    instance_type: str,
    place: tuple[str, str],
    changes: Sequence[SpotChange],
    window: tuple[datetime, datetime],
    source: str,
) -> Price | None:
    """The time-weighted mean of a spot price and its spread; None without any history.

    Args:
        place: Region and zone ID.
        changes: In any order; as EC2 returns them; the last one before the window is the
            price at its beginning.
        window: From when to when.
    """
    start, end = window
    steps = sorted(
        (change for change in changes if change.since < end), key=lambda change: change.since
    )
    held: list[tuple[float, float]] = []
    for change, until in zip(steps, [*(later.since for later in steps[1:]), end], strict=False):
        seconds = (until - max(change.since, start)).total_seconds()
        if seconds > 0:
            held.append((seconds, float(change.usd_per_hour)))
    if not held:
        return None
    total_s = sum(seconds for seconds, _ in held)
    mean = sum(seconds * usd for seconds, usd in held) / total_s
    variance = sum(seconds * (usd - mean) ** 2 for seconds, usd in held) / total_s
    first = max(start, steps[0].since)
    return Price(
        item=instance_type,
        region=place[0],
        usd=Decimal(f"{mean:.4f}"),
        unit=PriceUnit.SPOT_INSTANCE_HOUR,
        source=source,
        date=f"{first:%Y-%m-%d}/{end:%Y-%m-%d}",
        spread_usd=Decimal(f"{math.sqrt(variance):.4f}"),
        zone_id=place[1],
    )
