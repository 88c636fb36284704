"""What a caller adds to the local AWS: images, prices, resource models, programs on nodes.

An extension is a module with a function `extend(additions)`. It is imported before moto is, so
modules that need moto are named in `Additions.models` and imported later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from local_aws.nodes import Node


@dataclass(frozen=True)
class ListedPrice:
    """One entry of AWS's price list.

    Args:
        service: AWS's service code, such as `AmazonEC2`.
        sku: Its stock-keeping unit; any name that is unique in a region.
        region: The region; `*` for every region.
        attributes: Attributes of the product, without the region.
        unit: AWS's name of the unit, such as `Hrs`.
        usd: Price of one unit in US dollars, as decimal text.
        since: Day from which it holds, such as `2026-01-31`.
        description: Where the price comes from.
    """

    service: str
    sku: str
    region: str
    attributes: Mapping[str, str]
    unit: str
    usd: str
    since: str
    description: str


@dataclass(frozen=True)
class SpotPrice:
    """The spot price of an instance type in a zone.

    Args:
        region: The region.
        instance_type: The instance type.
        usd_per_hour: In US dollars, as decimal text.
        since: Day of the last change, such as `2026-01-31`.
        zone_id: The zone. Default: every zone of the region.
    """

    region: str
    instance_type: str
    usd_per_hour: str
    since: str
    zone_id: str = ""


Handler = Callable[[str, dict[str, Any]], Any]
"""Rest of the path and JSON body -> JSON answer; raises ValueError with a text for people."""


@dataclass
class Additions:
    """Everything that extensions add.

    Args:
        images: Machine images, as moto's file of images lists them.
        prices: Entries of the price list; without them it is empty.
        spot_prices: Spot prices; without them there are none.
        models: Modules that register resource models when they are imported.
        programs: Each puts something onto a new node.
        controls: First part of a path below the control interface -> what answers a POST there.
    """

    images: list[dict[str, Any]] = field(default_factory=list)
    prices: list[ListedPrice] = field(default_factory=list)
    spot_prices: list[SpotPrice] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    programs: list[Callable[[Node], None]] = field(default_factory=list)
    controls: dict[str, Handler] = field(default_factory=dict)


def extended(modules: Iterable[str]) -> Additions:
    """What these extensions add, in order.

    Args:
        modules: Names of modules with a function `extend`.
    """
    additions = Additions()
    for name in modules:
        import_module(name).extend(additions)
    return additions
