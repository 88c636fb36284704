"""AWS's price list, which moto lacks, and spot prices, of which it has none.

The local AWS invents no price: it shows those that extensions add, with their own dates, in
AWS's way of writing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from moto.ec2.responses import spot_instances

from local_aws.additions import ListedPrice, SpotPrice
from local_aws.answers import Application, Environ, StartResponse

TARGET = "AWSPriceListService.GetProducts"
LINUX = "Linux/UNIX"


class PriceList:
    """A WSGI application that answers GetProducts and passes everything else on.

    Args:
        app: What stands behind it.
        prices: The entries of the list.
    """

    def __init__(self, app: Application, prices: Sequence[ListedPrice]) -> None:
        self.app = app
        self.prices = prices

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        if environ.get("HTTP_X_AMZ_TARGET") != TARGET:
            return self.app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        requested = json.loads(environ["wsgi.input"].read(length) or b"{}")
        body = json.dumps(
            {
                "FormatVersion": "aws_v1",
                "PriceList": [json.dumps(one) for one in _found(self.prices, requested)],
            }
        ).encode()
        start_response(
            "200 OK",
            [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))],
        )
        return [body]


def apply(prices: Sequence[SpotPrice]) -> None:
    """Let EC2 show these spot prices."""
    from moto.core.responses import ActionResult

    def describe_spot_price_history(self: Any) -> Any:
        """DescribeSpotPriceHistory: the last change of every price."""
        zone = self._get_param("AvailabilityZone")
        requested = set(self._get_param("InstanceTypes", []))
        zones = {
            one.zone_id: one.name
            for one in self.ec2_backend.describe_availability_zones()
            if zone in {None, one.name}
        }
        history = [
            {
                "InstanceType": price.instance_type,
                "ProductDescription": LINUX,
                "SpotPrice": price.usd_per_hour,
                "AvailabilityZone": name,
                "Timestamp": datetime.fromisoformat(f"{price.since}T00:00:00Z"),
            }
            for price in prices
            if price.region == self.region and (not requested or price.instance_type in requested)
            for zone_id, name in zones.items()
            if price.zone_id in {"", zone_id}
        ]
        return ActionResult({"SpotPriceHistory": history})

    spot_instances.SpotInstances.describe_spot_price_history = (  # type: ignore[method-assign]
        describe_spot_price_history
    )


def _found(prices: Iterable[ListedPrice], request: dict[str, Any]) -> Iterable[dict[str, Any]]:
    wanted = {one["Field"]: one["Value"] for one in request.get("Filters", ())}
    # Data transfer is listed by the region of its origin.
    field = "fromRegionCode" if "fromRegionCode" in wanted else "regionCode"
    region = wanted.get(field, "")
    for price in prices:
        if price.region not in {region, "*"} or price.service != request.get("ServiceCode"):
            continue
        attributes = {**price.attributes, field: region}
        if all(attributes.get(name) == value for name, value in wanted.items()):
            yield _document(price, attributes)


def _document(price: ListedPrice, attributes: dict[str, str]) -> dict[str, Any]:
    rate = {
        "unit": price.unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": price.description,
        "pricePerUnit": {"USD": price.usd},
    }
    term = {"effectiveDate": f"{price.since}T00:00:00Z", "priceDimensions": {"rate": rate}}
    return {
        "product": {"attributes": attributes, "sku": price.sku},
        "serviceCode": price.service,
        "terms": {"OnDemand": {"term": term}},
    }
