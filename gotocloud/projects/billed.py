"""What is billed as long as it exists: the one list that all commands use.

Each kind of resource that can be left over after a cluster is here. Stored objects of S3 are not:
they are the project's data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from gotocloud.contract.tags import (
    CLUSTER_TAG,
    HEAD_NODE,
    NODE_TYPE_TAG,
    OWNER_TAGS,
    STACK_TAG,
    project_tags,
)
from gotocloud.costs.price import HOURS_PER_MONTH, Item, Price, PriceUnit
from gotocloud.costs.prices import find_price, price_usd_per_hour
from gotocloud.projects.overview import HourlyCost, Node, ProjectRow


class BilledKind(StrEnum):
    """Kinds of resources that are billed as long as they exist."""

    MACHINE = "machine"
    VOLUME = "EBS volume"
    NAT_GATEWAY = "NAT gateway"
    ADDRESS = "Elastic IP"
    LUSTRE = "Lustre file system"
    ENDPOINT = "interface endpoint"
    SNAPSHOT = "EBS snapshot"


_RUNNING = {"pending", "running"}
_PRICED = {BilledKind.NAT_GATEWAY: Item.NAT_GATEWAY, BilledKind.ADDRESS: Item.PUBLIC_IPV4}
_PRICED_BY_GIB = {"gp3": Item.EBS_GP3, "SCRATCH_2": Item.LUSTRE_SCRATCH_2}
_PRICED_BY_GIB |= {"PERSISTENT_2": Item.LUSTRE_PERSISTENT_2}


@dataclass(frozen=True)
class Billed:
    """One resource that is billed.

    Args:
        identifier: AWS's id of it.
        state: AWS's word, for example "running"; empty if AWS has none.
        type: Instance type, volume type or deployment type; empty if there is none.
        gib: Size; 0 if it has none.
        vpc: Its network; empty if it is in none.
        attached: Whether it belongs to another resource of this list, which is billed as well.
        note: Its public address, or what else helps to find it.
    """

    kind: BilledKind
    identifier: str
    state: str = ""
    type: str = ""
    gib: int = 0
    vpc: str = ""
    attached: bool = False
    spot: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        size = f"{self.gib:,} GiB" if self.gib else ""
        more = ", ".join(word for word in (self.type, size, self.note, self.state) if word)
        return f"{self.identifier}: {self.kind}{f', {more}' if more else ''}"

    def price(self, region: str) -> Price | None:
        """The price behind its cost; None if unknown. Spot prices change, and are not known."""
        if self.kind in _PRICED or self.kind is BilledKind.MACHINE:
            item = str(_PRICED.get(self.kind, self.type))
            return None if self.spot else price_usd_per_hour(item, region)
        priced = _PRICED_BY_GIB.get(self.type)
        return find_price(priced, region, PriceUnit.GB_MONTH) if priced else None

    def usd_per_hour(self, region: str) -> Decimal | None:
        """What it costs; None if its price is not known."""
        price = self.price(region)
        if price is None or price.unit is not PriceUnit.GB_MONTH:
            return None if price is None else price.usd
        return price.usd * self.gib / HOURS_PER_MONTH


@dataclass(frozen=True)
class Inventory:
    """What is billed in one region of an account.

    Args:
        found: Everything that is.
        unknown: Kinds that could not be listed, with the reason.
    """

    found: tuple[Billed, ...] = ()
    unknown: Mapping[BilledKind, str] = field(default_factory=dict)

    def of_project(self, tags: Mapping[str, str]) -> tuple[Billed, ...]:
        """What has the tags of a project, but for what outlives a cluster.

        Args:
            tags: The project's tags.
        """
        wanted = {key: tags[key] for key in OWNER_TAGS}
        return tuple(
            one
            for one in self.found
            if one.kind is not BilledKind.SNAPSHOT and wanted.items() <= one.tags.items()
        )

    def without_cluster(
        self, vpc: str, stacks: Iterable[str], clusters: Iterable[str]
    ) -> tuple[Billed, ...]:
        """What no cluster needs.

        Args:
            vpc: The group's network; what stands in another one is not the group's.
            stacks: Names of the clusters' stacks.
            clusters: Names of the clusters.
        """
        owners, names = set(stacks), set(clusters)
        return tuple(one for one in self.found if _left_over(one, vpc, owners, names))

    def nodes(self) -> tuple[Node, ...] | None:
        """The running machines of clusters; None if the machines could not be listed."""
        if BilledKind.MACHINE in self.unknown:
            return None
        return tuple(
            Node(
                cluster=one.tags[CLUSTER_TAG],
                instance_type=one.type,
                head=one.tags.get(NODE_TYPE_TAG) == HEAD_NODE,
                spot=one.spot,
            )
            for one in self.found
            if one.kind is BilledKind.MACHINE and one.state in _RUNNING and CLUSTER_TAG in one.tags
        )


def with_costs(
    rows: Iterable[ProjectRow], found: Inventory, account: str, region: str
) -> tuple[ProjectRow, ...]:
    """Projects with what their clusters cost now: the sum of what exists, whatever was planned.

    Args:
        found: What is billed in the region.
        account: The group's.
        region: For its prices.
    """
    return tuple(
        replace(row, cluster=replace(row.cluster, cost=_cost(row, found, account, region)))
        if row.cluster
        else row
        for row in rows
    )


def _cost(row: ProjectRow, found: Inventory, account: str, region: str) -> HourlyCost:
    total_usd, unknown = Decimal(), [f"{kind}: could not be listed" for kind in found.unknown]
    prices: dict[Price, None] = {}
    for one in found.of_project(project_tags(row.scientist, account, row.project)):
        if (usd := one.usd_per_hour(region)) is None:
            spot = " on spot" if one.spot else ""
            unknown.append(f"{one.type or one.kind}{spot}")
        else:
            total_usd += usd
            prices |= {price: None} if (price := one.price(region)) else {}
    return HourlyCost(total_usd, tuple(dict.fromkeys(unknown)), tuple(prices))


def _left_over(one: Billed, vpc: str, owners: set[str], clusters: set[str]) -> bool:
    if one.attached or (one.vpc and one.vpc != vpc):
        return False
    # CloudFormation's tag, the name that a stack gives, or ParallelCluster's tag.
    stack = one.tags.get(STACK_TAG, "")
    named = one.tags.get("Name", "").split(" ")[0]
    cluster = one.tags.get(CLUSTER_TAG)
    if one.kind is BilledKind.MACHINE:
        # Other machines of the account are none of GoToCloud's.
        return cluster is not None and one.state != "shutting-down" and cluster not in clusters
    if one.kind is BilledKind.SNAPSHOT:
        return cluster is not None and cluster not in clusters
    return stack not in owners and named not in owners and cluster not in clusters
