"""The shipped price table, as entries of AWS's price list and as spot prices."""

from __future__ import annotations

import re

from gotocloud.costs.price import Price, PriceUnit, last_day
from gotocloud.costs.price_list import (
    AWS_UNITS,
    AWS_UNITS_IN_ONE,
    OTHER_PRODUCTS,
    Product,
    instance_product,
)
from gotocloud.costs.prices import shipped_table
from local_aws.additions import ListedPrice, SpotPrice

_ANY_REGION_CODE = "LOC1-"


def listed() -> list[ListedPrice]:
    """Every price of the table that AWS's price list has a product for here."""
    products = {(one.item, one.unit): one for one in OTHER_PRODUCTS}
    found = []
    for price in shipped_table().values():
        if price.unit is PriceUnit.INSTANCE_HOUR:
            found.append(_listed(price, instance_product(price.item)))
        elif product := products.get((price.item, price.unit)):
            found.append(_listed(price, product))
    return found


def spot() -> list[SpotPrice]:
    """The spot prices of the table; the last change has the table's date."""
    return [
        SpotPrice(price.region, price.item, str(price.usd), price.date.split("/")[0], price.zone_id)
        for price in shipped_table().values()
        if price.unit is PriceUnit.SPOT_INSTANCE_HOUR
    ]


def _listed(price: Price, product: Product) -> ListedPrice:
    plain = re.sub(r"^\(.*?\)\?", "", product.usage_type).replace("\\", "")
    # The price list has a day for each price; where the source gives none, that of reading.
    since = last_day(price.date.removeprefix("read "))
    return ListedPrice(
        service=product.service,
        sku=price.item,
        region=price.region,
        attributes={**product.filters, "usagetype": _ANY_REGION_CODE + plain},
        unit=AWS_UNITS[price.unit],
        usd=f"{price.usd / AWS_UNITS_IN_ONE.get(price.unit, 1):f}",
        since="" if since is None else str(since),
        description=f"{price.usd} USD, from {price.source}",
    )
