from __future__ import annotations

from ipaddress import IPv4Network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.errors import InputError
from gotocloud.platform import addresses
from gotocloud.platform.model import Platform
from gotocloud.platform.regions import REGIONS
from tests.platform.platforms import group, platform

POOLS = [IPv4Network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "10.4.0.0/15")]
CHOICES = ["ap-northeast-1", "us-east-1", "us-west-2", "eu-central-1"]

pools = st.sampled_from(POOLS)
placements = st.dictionaries(
    st.integers(1, 1000),
    st.lists(st.sampled_from(CHOICES), min_size=1, max_size=4, unique=True),
    min_size=1,
    max_size=12,
)


def described(placed: dict[int, list[str]]) -> Platform:
    return platform(*(group(number, regions=regions) for number, regions in placed.items()))


def networks(described_platform: Platform) -> dict[tuple[str, str], IPv4Network]:
    """Every network that a platform uses, by owner and region."""
    found = {("management", "home"): addresses.management_network(described_platform.network.pool)}
    for region in described_platform.regions:
        for shard in described_platform.shards_in(region):
            network = addresses.share_network(described_platform.network.pool, region, shard)
            found[f"share {shard}", region] = network
    for member in described_platform.groups:
        for region in member.regions:
            network = described_platform.network_of(member, region)
            found[member.name, region] = network
    return found


def overlapping(found: list[IPv4Network]) -> list[tuple[IPv4Network, IPv4Network]]:
    ordered = sorted(found)
    return [(a, b) for a, b in pairwise(ordered) if a.overlaps(b)]


@given(placements)
def test_no_two_networks_of_a_platform_overlap_and_all_lie_in_the_pool(
    placed: dict[int, list[str]],
) -> None:
    found = list(networks(described(placed)).values())
    assert overlapping(found) == []
    assert all(network.subnet_of(IPv4Network("10.0.0.0/8")) for network in found)


@given(placements, st.data())
def test_removing_and_reordering_groups_moves_nothing(
    placed: dict[int, list[str]], data: st.DataObject
) -> None:
    before = networks(described(placed))
    kept = data.draw(st.lists(st.sampled_from(sorted(placed)), min_size=1, unique=True))
    after = networks(described({number: placed[number] for number in kept}))
    assert after == {key: network for key, network in before.items() if key in after}


@given(placements, st.data())
def test_appending_a_region_to_a_group_moves_nothing(
    placed: dict[int, list[str]], data: st.DataObject
) -> None:
    before = networks(described(placed))
    number = data.draw(st.sampled_from(sorted(placed)))
    more = [region for region in CHOICES if region not in placed[number]]
    after = networks(described({**placed, number: [*placed[number], *more]}))
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_every_place_of_a_full_pool_is_disjoint(pool: IPv4Network) -> None:
    found = [addresses.management_network(pool)]
    found += [
        addresses.share_network(pool, region, shard)
        for region in REGIONS
        for shard in range(addresses.MAX_SHARDS)
    ]
    found += [
        addresses.network_of(pool, number, index)
        for number in range(1, addresses.capacity(pool) + 1)
        for index in range(addresses.REGIONS_PER_GROUP)
    ]
    assert overlapping(found) == []
    assert all(network.subnet_of(pool) for network in found)


def test_the_default_pool_has_room_for_a_thousand_groups_in_four_regions() -> None:
    full = platform(*(group(number, regions=CHOICES) for number in range(1, 1001)))
    assert len(networks(full)) == 1 + 4 * 8 + 1000 * 4


def test_no_share_has_more_than_125_peerings() -> None:
    shards = [addresses.shard_of(number) for number in range(1, 1001)]
    assert {shards.count(shard) for shard in shards} == {125}
    assert (shards[124], shards[125]) == (0, 1)


def test_the_plan_of_known_groups_never_changes() -> None:
    known = platform(group(1, regions=["us-east-1", "ap-northeast-1"]), group(126))
    assert {key: str(value) for key, value in networks(known).items()} == {
        ("management", "home"): "10.0.255.0/24",
        ("share 0", "ap-northeast-1"): "10.0.0.0/24",
        ("share 1", "ap-northeast-1"): "10.0.1.0/24",
        ("share 0", "us-east-1"): "10.0.8.0/24",
        ("share 0", "us-west-2"): "10.0.16.0/24",
        ("share 0", "eu-central-1"): "10.0.32.0/24",
        ("group-1", "us-east-1"): "10.1.0.0/20",
        ("group-1", "ap-northeast-1"): "10.1.16.0/20",
        ("group-126", "ap-northeast-1"): "10.32.64.0/20",
    }


def test_the_first_regions_keep_their_places() -> None:
    assert REGIONS[:4] == ("ap-northeast-1", "us-east-1", "us-west-2", "us-east-2")
    assert len(set(REGIONS)) == len(REGIONS)
    # The last /24 of the share block is the management network's.
    assert len(REGIONS) * addresses.MAX_SHARDS < 256


@given(pools, st.integers(1, 1000), st.integers(0, 3))
def test_a_number_beyond_the_pool_is_refused_with_its_room(
    pool: IPv4Network, number: int, index: int
) -> None:
    room = addresses.capacity(pool)
    if number <= room:
        assert addresses.network_of(pool, number, index).prefixlen == 20
        return
    with pytest.raises(InputError, match=f"room for {room:,} groups"):
        addresses.network_of(pool, number, index)


def test_exhaustion_names_the_smallest_pool_that_would_do() -> None:
    pool = IPv4Network("10.4.0.0/15")
    assert "172.16.0.0/12 has room for 60" in str(addresses.exhaustion_problem(pool, 60))
    assert "100.64.0.0/10 has room for 252" in str(addresses.exhaustion_problem(pool, 61))
    assert "10.0.0.0/8 has room for 1,000" in str(addresses.exhaustion_problem(pool, 253))
    assert "second platform" in str(addresses.exhaustion_problem(pool, 1001))


def test_a_group_network_has_one_public_subnet_and_fifteen_for_clusters() -> None:
    network = IPv4Network("10.1.16.0/20")
    subnets = addresses.group_subnets(network)
    everything = [subnets.public, *subnets.compute]
    assert str(subnets.public) == "10.1.16.0/24"
    assert len(subnets.compute) == 15
    assert overlapping(everything) == []
    assert sum(subnet.num_addresses for subnet in everything) == network.num_addresses


def test_share_subnets_are_disjoint_parts_of_the_share() -> None:
    network = IPv4Network("10.0.8.0/24")
    assert [str(subnet) for subnet in addresses.share_subnets(network, 2)] == [
        "10.0.8.0/27",
        "10.0.8.32/27",
    ]


def test_an_unknown_region_or_shard_has_no_network() -> None:
    with pytest.raises(InputError, match="us-east-1"):
        addresses.share_network(POOLS[0], "us-est-1", 0)
    with pytest.raises(InputError, match="0 to 7"):
        addresses.share_network(POOLS[0], "us-east-1", 8)
    known = platform()
    with pytest.raises(InputError, match="ap-northeast-1"):
        known.network_of(known.groups[0], "us-east-1")
