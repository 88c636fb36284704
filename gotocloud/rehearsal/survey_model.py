"""What a survey of AWS found: plain values, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Subnet:
    """A subnet, its place by zone id, and whether it has a route to an internet gateway."""

    id: str
    cidr: str
    zone_id: str
    public: bool


@dataclass(frozen=True)
class PeeringRoute:
    """A route of one of a VPC's route tables that leads into a peering."""

    table_id: str
    destination: str
    peering_id: str
    state: str


@dataclass(frozen=True)
class Vpc:
    """A network."""

    id: str
    cidr: str
    name: str
    subnets: tuple[Subnet, ...]
    peering_routes: tuple[PeeringRoute, ...]


@dataclass(frozen=True)
class Peering:
    """A peering, as the account that looks at it sees it."""

    id: str
    state: str
    requester_account: str
    requester_vpc: str
    accepter_account: str
    accepter_vpc: str


@dataclass(frozen=True)
class MountTarget:
    """A mount target of an EFS file system in one zone."""

    id: str
    zone_id: str
    ip: str
    subnet_id: str
    vpc_id: str


@dataclass(frozen=True)
class FileSystem:
    """An EFS file system."""

    id: str
    name: str
    encrypted: bool
    mount_targets: tuple[MountTarget, ...]


@dataclass(frozen=True)
class FileSystemCopy:
    """A task of DataSync that copies one EFS file system to another.

    Args:
        source: Id of the file system that is copied.
        source_region: Its region.
        target: Id of the copy.
    """

    source: str
    source_region: str
    target: str


@dataclass(frozen=True)
class SurveyedLustre:
    """An FSx for Lustre file system and the data repositories it is bound to."""

    id: str
    gib: int
    deployment_type: str
    status: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    repositories: tuple[str, ...]


@dataclass(frozen=True)
class Gateway:
    """A NAT gateway: billed by the hour."""

    id: str
    vpc_id: str
    state: str
    public_ip: str | None


@dataclass(frozen=True)
class Instance:
    """An EC2 instance: billed while it runs."""

    id: str
    type: str
    state: str
    vpc_id: str
    subnet_id: str
    public_ip: str | None


@dataclass(frozen=True)
class ClusterQueue:
    """A Slurm queue, as the cluster's configuration in its stack's template has it."""

    name: str
    capacity: str
    instance_types: tuple[str, ...]
    max_nodes: int
    efa: bool


@dataclass(frozen=True)
class Stack:
    """A CloudFormation stack; `queues` when it makes a cluster."""

    name: str
    status: str
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    queues: tuple[ClusterQueue, ...]


@dataclass(frozen=True)
class RegionSurvey:
    """What one account has in one region."""

    region: str
    stacks: tuple[Stack, ...]
    vpcs: tuple[Vpc, ...]
    peerings: tuple[Peering, ...]
    file_systems: tuple[FileSystem, ...]
    lustre: tuple[SurveyedLustre, ...]
    nat_gateways: tuple[Gateway, ...]
    instances: tuple[Instance, ...]
    buckets: tuple[str, ...]
    secrets: tuple[str, ...]
    copies: tuple[FileSystemCopy, ...] = ()


@dataclass(frozen=True)
class MonthlyBudget:
    """A monthly budget."""

    name: str
    usd: float


@dataclass(frozen=True)
class AccountSurvey:
    """What one account has."""

    account: str
    name: str
    users: tuple[str, ...]
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    budgets: tuple[MonthlyBudget, ...]
    regions: tuple[RegionSurvey, ...]


@dataclass(frozen=True)
class Survey:
    """What exists where; the first account is the management account."""

    accounts: tuple[AccountSurvey, ...]

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region that was looked into, in the order of the accounts."""
        return tuple(dict.fromkeys(r.region for a in self.accounts for r in a.regions))

    def everywhere(self) -> Iterator[tuple[AccountSurvey, RegionSurvey]]:
        """Every account and region."""
        return ((account, region) for account in self.accounts for region in account.regions)

    def peerings(self) -> tuple[tuple[str, Peering], ...]:
        """Every peering once, with its region; both of its accounts see it."""
        found = {p.id: (r.region, p) for _, r in self.everywhere() for p in r.peerings}
        return tuple(found.values())

    def routed(self, vpc_id: str, peering_id: str) -> bool:
        """Whether a route table of the VPC leads into the peering."""
        return any(
            route.peering_id == peering_id
            for _, region in self.everywhere()
            for vpc in region.vpcs
            if vpc.id == vpc_id
            for route in vpc.peering_routes
        )

    def as_dict(self) -> dict[str, Any]:
        """The survey for a JSON report."""
        return asdict(self)
