"""AWS's price list, which moto lacks, and spot prices, of which it has none.

The local AWS invents no price: it tells those of the shipped table, with their own dates, in
AWS's way of writing. What is unknown there is not in its price list either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from moto.ec2.responses import spot_instances

from gotocloud.costs.price_list import OTHER_PRODUCTS, Product, instance_product
from gotocloud.costs.prices import Price, Unit, shipped_table

TARGET = "AWSPriceListService.GetProducts"
LINUX = "Linux/UNIX"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class PriceList:
    """A WSGI application that answers GetProducts and passes everything else on.

    Args:
        app: What stands behind it.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        if environ.get("HTTP_X_AMZ_TARGET") != TARGET:
            return self.app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        asked = json.loads(environ["wsgi.input"].read(length) or b"{}")
        body = json.dumps(
            {"FormatVersion": "aws_v1", "PriceList": [json.dumps(one) for one in _found(asked)]}
        ).encode()
        start_response(
            "200 OK",
            [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))],
        )
        return [body]


def apply() -> None:
    """Let EC2 tell the spot prices of the shipped table."""
    operation = describe_spot_price_history
    setattr(spot_instances.SpotInstances, operation.__name__, operation)


def describe_spot_price_history(self: Any) -> Any:
    """DescribeSpotPriceHistory: the last change is as old as the table says."""
    from moto.core.responses import ActionResult

    zone = self._get_param("AvailabilityZone")
    asked = set(self._get_param("InstanceTypes", []))
    zones = [zone] if zone else [one.name for one in self.ec2_backend.describe_availability_zones()]
    history = [
        {
            "InstanceType": price.item,
            "ProductDescription": LINUX,
            "SpotPrice": str(price.usd),
            "AvailabilityZone": name,
            "Timestamp": datetime.fromisoformat(f"{price.date.split('/')[0]}T00:00:00Z"),
        }
        for price in shipped_table().values()
        for name in zones
        if price.unit is Unit.SPOT_INSTANCE_HOUR
        and price.region == self.region
        and (not asked or price.item in asked)
    ]
    return ActionResult({"SpotPriceHistory": history})


def _found(asked: dict[str, Any]) -> Iterable[dict[str, Any]]:
    wanted = {one["Field"]: one["Value"] for one in asked.get("Filters", ())}
    region = wanted.get("regionCode", "")
    for price in shipped_table().values():
        if price.unit is Unit.SPOT_INSTANCE_HOUR or price.region not in {region, "*"}:
            continue
        product = _product(price)
        attributes = _attributes(product, region)
        if product.service != asked.get("ServiceCode"):
            continue
        if all(attributes.get(field) == value for field, value in wanted.items()):
            yield _document(product, price, attributes)


def _product(price: Price) -> Product:
    found = (one for one in OTHER_PRODUCTS if one.item == price.item)
    return next(found, None) or instance_product(price.item)


def _attributes(product: Product, region: str) -> dict[str, str]:
    short = "LOC1-"
    plain = re.sub(r"^\(.*?\)\?", "", product.usage_type).replace("\\", "")
    return {**product.filters, "regionCode": region, "usagetype": short + plain}


def _document(product: Product, price: Price, attributes: dict[str, str]) -> dict[str, Any]:
    unit = "GB-Mo" if price.unit is Unit.GB_MONTH else "Hrs"
    day = re.search(r"\d{4}(-\d{2}(-\d{2})?)?$", price.date)
    since = (day.group() if day else "")[:10]
    since += {4: "-01-01", 7: "-01"}.get(len(since), "")
    rate = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"{price.usd} USD, from {price.source}",
        "pricePerUnit": {"USD": str(price.usd)},
    }
    term = {"effectiveDate": f"{since}T00:00:00Z", "priceDimensions": {"rate": rate}}
    return {
        "product": {"attributes": attributes, "sku": price.item},
        "serviceCode": product.service,
        "terms": {"OnDemand": {"term": term}},
    }
