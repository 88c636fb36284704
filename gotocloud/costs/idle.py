"""What a cluster costs while nothing runs on it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gotocloud.cluster_configs.lustre_sizes import Deployment
from gotocloud.cluster_configs.model import ClusterConfiguration
from gotocloud.costs.price import HOURS_PER_MONTH, Item, Price, PriceUnit
from gotocloud.costs.prices import find_price, price_usd_per_hour
from gotocloud.formats import usd_text

ROOT_VOLUME_GIB = 45
"""Head node's root volume where the image does not ask for more.

Source: ParallelCluster 3.16.1, pcluster/constants.py, EBS_ROOT_VOLUME_SIZE_DEFAULT.
"""

PUBLIC_ADDRESSES = 2
"""Public IPv4 addresses of a cluster: the head node's and its NAT gateway's."""


@dataclass(frozen=True)
class IdleItem:
    """One resource that is billed by the hour.

    Args:
        name: What it is, in words.
        quantity: How much of it, in words.
        usd_per_hour: Its cost; None when its price in this region is unknown.
        price: The price behind it; None when unknown.
    """

    name: str
    quantity: str
    usd_per_hour: Decimal | None
    price: Price | None

    def as_dict(self) -> dict[str, Any]:
        """The item for a JSON report."""
        return {
            "name": self.name,
            "quantity": self.quantity,
            "usd_per_hour": None if self.usd_per_hour is None else float(self.usd_per_hour),
            "price": self.price and self.price.as_dict(),
        }


@dataclass(frozen=True)
class IdleCost:
    """What an idle cluster costs per hour.

    Args:
        configuration: Name of the cluster configuration.
        region: Where the cluster is.
        items: Everything charged for by the hour, known or not.
        known_total_usd_per_hour: Sum of what is known: a lower bound while
            `unknown` is not empty.
        unknown: Names of the items whose price is unknown.
    """

    configuration: str
    region: str
    items: tuple[IdleItem, ...]
    known_total_usd_per_hour: Decimal
    unknown: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The total in words, for example "at least USD 0.38 per hour"."""
        text = f"USD {usd_text(self.known_total_usd_per_hour, rounded=True)} per hour"
        return f"at least {text}" if self.unknown else text

    def as_dict(self) -> dict[str, Any]:
        """The cost for a JSON report."""
        return {
            "configuration": self.configuration,
            "region": self.region,
            "headline": self.headline,
            "complete": not self.unknown,
            "known_total_usd_per_hour": float(self.known_total_usd_per_hour),
            "unknown": list(self.unknown),
            "items": [item.as_dict() for item in self.items],
        }


def idle_cost(
    configuration: ClusterConfiguration,
    region: str,
    lustre_gib: int,
    *,
    head_node_type: str | None = None,
) -> IdleCost:
    """What a cluster costs per hour while no job runs.

    Head node, its root volume, NAT gateway, public IPv4 addresses and Lustre. Compute
    nodes count nothing: Slurm shuts them down. What depends on use (data through the
    gateway, requests, logs) is not part of it, nor is what outlives the cluster (S3).

    Storage is sold by the GB-month and billed for the time it exists:
    GiB x USD per GB-month / 730 h. AWS's "GB" is 2^30 bytes here. Source: the worked
    example for a scratch file system, https://aws.amazon.com/fsx/lustre/pricing/.

    Args:
        configuration: The cluster configuration.
        region: Where the cluster is.
        lustre_gib: Capacity of its Lustre file system.
        head_node_type: Its instance type. Default: the configuration's first choice.
    """
    head = head_node_type or configuration.head_node.instance_types[0]
    deployment = configuration.lustre.deployment_type
    return idle_cost_of(configuration.name, head, deployment, region, lustre_gib)


def idle_cost_of(
    name: str, head: str, deployment: Deployment, region: str, lustre_gib: int
) -> IdleCost:
    """The same of a cluster whose configuration is not at hand.

    Args:
        name: Name of the configuration.
        head: Instance type of the head node.
        deployment: FSx's deployment type of its Lustre.
        region: Where the cluster is.
        lustre_gib: Capacity of its Lustre file system.
    """
    lustre = (
        Item.LUSTRE_SCRATCH_2 if deployment is Deployment.SCRATCH_2 else Item.LUSTRE_PERSISTENT_2
    )
    items = (
        _hourly("Head node", head, head, region),
        _storage("Root volume of the head node", "gp3", Item.EBS_GP3, ROOT_VOLUME_GIB, region),
        _hourly("NAT gateway", "1", Item.NAT_GATEWAY, region),
        _hourly(
            "Public IPv4 addresses",
            str(PUBLIC_ADDRESSES),
            Item.PUBLIC_IPV4,
            region,
            count=PUBLIC_ADDRESSES,
        ),
        _storage("Lustre file system", deployment, lustre, lustre_gib, region),
    )
    return IdleCost(
        configuration=name,
        region=region,
        items=items,
        known_total_usd_per_hour=sum((item.usd_per_hour or Decimal() for item in items), Decimal()),
        unknown=tuple(item.name for item in items if item.usd_per_hour is None),
    )


def _hourly(name: str, quantity: str, item: str, region: str, *, count: int = 1) -> IdleItem:
    price = price_usd_per_hour(item, region)
    return IdleItem(name, quantity, None if price is None else price.usd * count, price)


def _storage(name: str, kind: str, item: str, gib: int, region: str) -> IdleItem:
    price = find_price(item, region, PriceUnit.GB_MONTH)
    usd = None if price is None else price.usd * gib / HOURS_PER_MONTH
    return IdleItem(name, f"{gib:,} GiB {kind}", usd, price)
