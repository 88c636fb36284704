from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

import pytest

from gotocloud.platform.addresses import GROUPS_PER_SHARD, network_of
from gotocloud.platform.zones import zone_map
from gotocloud.stacks.region import shard_networks
from tests.stacks.conftest import of_type

pytestmark = pytest.mark.cdk

POOL = IPv4Network("10.0.0.0/8")


@pytest.mark.parametrize("region", ["ap-northeast-1", "us-east-1"])
def test_mount_targets_stand_in_the_chosen_zones(
    example: Mapping[str, dict[str, Any]], region: str
) -> None:
    template = example[f"RegionStack-{region}"]
    zones = {s["AvailabilityZoneId"] for s in of_type(template, "AWS::EC2::Subnet")}
    assert zones == set(zone_map().region(region).chosen(2))
    assert len(of_type(template, "AWS::EFS::MountTarget")) == 2


def test_its_outputs_are_what_the_record_reads(example: Mapping[str, dict[str, Any]]) -> None:
    outputs = example["RegionStack-us-east-1"]["Outputs"]
    assert set(outputs) == {
        f"Share0{what}"
        for what in ("VpcId", "Cidr", "RouteTableId", "FileSystemId", "MountTargets")
    }
    assert outputs["Share0Cidr"]["Value"] == "10.0.8.0/24"


def test_it_makes_no_iam_because_iam_is_global(example: Mapping[str, dict[str, Any]]) -> None:
    kinds = {r["Type"] for r in example["RegionStack-us-east-1"]["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith("AWS::IAM::")}


@pytest.mark.parametrize("shard", range(8))
def test_a_share_admits_its_own_shards_groups_and_no_others(shard: int) -> None:
    admitted = shard_networks(POOL, shard)
    first = shard * GROUPS_PER_SHARD + 1
    inside = range(first, first + GROUPS_PER_SHARD)
    for number in range(1, 1001):
        networks = [network_of(POOL, number, index) for index in range(4)]
        for network in networks:
            assert any(network.subnet_of(block) for block in admitted) == (number in inside)


def test_a_small_pool_admits_nothing_beyond_itself() -> None:
    pool = IPv4Network("172.16.0.0/15")
    assert all(network.subnet_of(pool) for network in shard_networks(pool, 0))
