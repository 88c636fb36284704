"""The address plan: which network belongs to whom, for ever.

The pool is cut into /18 estates. The first four hold the networks of the management
account: a /24 for every share VPC, one per region and shard, and one for the master.
Estate 4 + n - 1 belongs to group number n: the k-th of its regions gets the k-th /20.
Nothing depends on which groups exist, so a new group never moves another one's network.

A VPC takes at most 125 peerings (the largest value of the quota "Active VPC peering
connections per VPC" of Amazon VPC), so every 125 groups share a share VPC: a shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice

from gotocloud.errors import InputError, unknown_name
from gotocloud.platform.regions import REGIONS

ESTATE_PREFIX = 18
GROUP_NETWORK_PREFIX = 20
SUBNET_PREFIX = 24
SHARE_SUBNET_PREFIX = 27
SHARE_ESTATES = 4
REGIONS_PER_GROUP = 4
GROUPS_PER_SHARD = 125
MAX_SHARDS = 8
MAX_GROUPS = GROUPS_PER_SHARD * MAX_SHARDS
GROUPS_PER_ACCEPTOR = 25

PRIVATE_NETWORKS = tuple(
    IPv4Network(network)
    for network in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
"""Where a pool may lie: RFC 1918 (private) and RFC 6598 (shared) addresses."""


@dataclass(frozen=True)
class GroupSubnets:
    """The subnets of a group's network in one region.

    Args:
        public: The one subnet with a route to the internet, for head nodes.
        compute: Places for the private subnets of clusters, one each.
    """

    public: IPv4Network
    compute: tuple[IPv4Network, ...]


def capacity(pool: IPv4Network) -> int:
    """How many groups a pool has room for; their numbers run from 1 to this."""
    if pool.prefixlen > ESTATE_PREFIX:
        return 0
    estates: int = 2 ** (ESTATE_PREFIX - pool.prefixlen)
    return min(max(estates - SHARE_ESTATES, 0), MAX_GROUPS)


def pool_problem(pool: IPv4Network) -> str | None:
    """Why a pool cannot be used; None when it can."""
    if not any(pool.subnet_of(private) for private in PRIVATE_NETWORKS):
        return f"{pool} is not private; a pool lies in one of {_listed(PRIVATE_NETWORKS)}"
    if capacity(pool) == 0:
        return f"{pool} is too small: it must be a /15 or larger, which has room for 4 groups"
    return None


def exhaustion_problem(pool: IPv4Network, number: int) -> str | None:
    """Why a pool has no network for a group number, and which pool has; None if it fits."""
    room = capacity(pool)
    if number <= room:
        return None
    text = f"group number {number} does not fit: {pool} has room for {room:,} groups"
    if number > MAX_GROUPS:
        return (
            f"{text}, and no platform for more than {MAX_GROUPS:,} "
            f"({MAX_SHARDS} share VPCs with {GROUPS_PER_SHARD} peerings each); "
            "describe a second platform in a file of its own"
        )
    larger = min(
        (private for private in PRIVATE_NETWORKS if capacity(private) >= number), key=capacity
    )
    return (
        f"{text}; {larger} has room for {capacity(larger):,}, "
        "but another pool moves every network that exists"
    )


def shard_of(number: int) -> int:
    """Which share VPC of its regions a group number is peered with."""
    return (number - 1) // GROUPS_PER_SHARD


def acceptor_chunk(number: int) -> int:
    """Which acceptor role serves a group number: a trust policy holds 2,048 characters."""
    return (number - 1) // GROUPS_PER_ACCEPTOR


def management_network(pool: IPv4Network) -> IPv4Network:
    """The /24 of the VPC in which the master file system lives."""
    return _nth_subnet(pool, SUBNET_PREFIX, _share_blocks() - 1)


def share_network(pool: IPv4Network, region: str, shard: int) -> IPv4Network:
    """The /24 of a region's share VPC.

    Raises:
        InputError: if the region is unknown or there is no such shard.
    """
    if region not in REGIONS:
        raise unknown_name("region", region, REGIONS)
    if not 0 <= shard < MAX_SHARDS:
        raise InputError(f"No shard {shard}: a region has shards 0 to {MAX_SHARDS - 1}.")
    index = REGIONS.index(region) * MAX_SHARDS + shard
    return _nth_subnet(pool, SUBNET_PREFIX, index)


def share_subnets(network: IPv4Network, count: int) -> tuple[IPv4Network, ...]:
    """The first `count` subnets of a share network, one for each zone that is served."""
    return tuple(islice(_subnets(network, SHARE_SUBNET_PREFIX), count))


def network_of(pool: IPv4Network, number: int, region_index: int) -> IPv4Network:
    """The /20 of a group number in its region number `region_index`, counted from 0.

    Raises:
        InputError: if the pool has no room for that group number.
    """
    if problem := exhaustion_problem(pool, number):
        raise InputError(f"The address pool is exhausted: {problem}.")
    if number < 1 or not 0 <= region_index < REGIONS_PER_GROUP:
        raise InputError(
            f"No network for group number {number}, region {region_index + 1}: group numbers "
            f"start at 1 and a group has at most {REGIONS_PER_GROUP} regions."
        )
    estate = SHARE_ESTATES + number - 1
    return _nth_subnet(pool, GROUP_NETWORK_PREFIX, estate * REGIONS_PER_GROUP + region_index)


def group_subnets(network: IPv4Network) -> GroupSubnets:
    """The /24 subnets of a group's network: one public, fifteen for clusters."""
    public, *compute = _subnets(network, SUBNET_PREFIX)
    return GroupSubnets(public=public, compute=tuple(compute))


def _share_blocks() -> int:
    return int(SHARE_ESTATES * 2 ** (SUBNET_PREFIX - ESTATE_PREFIX))


def _subnets(network: IPv4Network, prefix: int) -> Iterator[IPv4Network]:
    return network.subnets(new_prefix=prefix)


def _nth_subnet(network: IPv4Network, prefix: int, index: int) -> IPv4Network:
    size: int = 2 ** (32 - prefix)
    return IPv4Network((int(network.network_address) + index * size, prefix))


def _listed(networks: tuple[IPv4Network, ...]) -> str:
    return ", ".join(str(network) for network in networks)
