"""The table of instance types against EC2's own data, as moto ships it."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from typing import Any

import pytest

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import used_instance_types


@pytest.fixture(scope="module")
def ec2_data() -> dict[str, Any]:
    packed = files("moto.ec2").joinpath("resources/instance_types.json.gz").read_bytes()
    data: dict[str, Any] = json.loads(gzip.decompress(packed))
    return data


@pytest.mark.parametrize("name", sorted(instance_types()))
def test_a_row_states_what_ec2_states(name: str, ec2_data: dict[str, Any]) -> None:
    row = instance_types()[name]
    said = ec2_data[name]
    assert row.vcpus == said["VCpuInfo"]["DefaultVCpus"]
    assert row.memory_gib == said["MemoryInfo"]["SizeInMiB"] / 1024
    gpus = said.get("GpuInfo", {}).get("Gpus", [])
    assert row.gpus == sum(gpu["Count"] for gpu in gpus)
    memory_gib = {round(gpu["MemoryInfo"]["SizeInMiB"] / 1024, 2) for gpu in gpus}
    assert {row.gpu_memory_gib} == (memory_gib or {None})
    assert row.efa is said["NetworkInfo"]["EfaSupported"]


@pytest.mark.parametrize("name", used_instance_types())
def test_a_used_type_can_be_had_on_demand_and_spot_and_in_a_placement_group(
    name: str, ec2_data: dict[str, Any]
) -> None:
    said = ec2_data[name]
    assert {"on-demand", "spot"} <= set(said["SupportedUsageClasses"])
    assert "cluster" in said["PlacementGroupInfo"]["SupportedStrategies"]
    assert "x86_64" in said["ProcessorInfo"]["SupportedArchitectures"]


def test_every_row_is_used() -> None:
    unused = set(instance_types()) - set(used_instance_types())
    assert unused == set()
