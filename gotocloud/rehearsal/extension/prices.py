"""The shipped price table, as entries of AWS's price list and as spot prices."""

from __future__ import annotations

import re

from gotocloud.costs.price import Price, PriceUnit
from gotocloud.costs.price_list import OTHER_PRODUCTS, Product, instance_product
from gotocloud.costs.prices import shipped_table
from local_aws.additions import ListedPrice, SpotPrice

_ANY_REGION_CODE = "LOC1-"


def listed() -> list[ListedPrice]:
    """Every price of the table but the spot prices."""
    table = shipped_table().values()
    return [_listed(price) for price in table if price.unit is not PriceUnit.SPOT_INSTANCE_HOUR]


def spot() -> list[SpotPrice]:
    """The spot prices of the table; the last change has the table's date."""
    return [
        SpotPrice(price.region, price.item, str(price.usd), price.date.split("/")[0])
        for price in shipped_table().values()
        if price.unit is PriceUnit.SPOT_INSTANCE_HOUR
    ]


def _listed(price: Price) -> ListedPrice:
    product = _product(price)
    plain = re.sub(r"^\(.*?\)\?", "", product.usage_type).replace("\\", "")
    day = re.search(r"\d{4}(-\d{2}(-\d{2})?)?$", price.date)
    since = (day.group() if day else "")[:10]
    return ListedPrice(
        service=product.service,
        sku=price.item,
        region=price.region,
        attributes={**product.filters, "usagetype": _ANY_REGION_CODE + plain},
        unit="GB-Mo" if price.unit is PriceUnit.GB_MONTH else "Hrs",
        usd=str(price.usd),
        since=since + {4: "-01-01", 7: "-01"}.get(len(since), ""),
        description=f"{price.usd} USD, from {price.source}",
    )


def _product(price: Price) -> Product:
    found = (one for one in OTHER_PRODUCTS if one.item == price.item)
    return next(found, None) or instance_product(price.item)
