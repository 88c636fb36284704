"""The table of instance types against EC2's own data, as moto ships it."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import gotocloud
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import used_instance_types
from gotocloud.costs.price import PriceUnit
from gotocloud.costs.prices import shipped_table
from tests.unused import unused_types


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
    assert row.cores == said["VCpuInfo"]["DefaultCores"]
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


def test_every_row_is_used_or_has_a_price_to_be_compared_by() -> None:
    unused_types()


NAMED_2026 = {
    *("g5.24xlarge", "g5.48xlarge", "g6.24xlarge", "g6.48xlarge", "g6e.12xlarge", "g6e.48xlarge"),
    *("g7.12xlarge", "g7e.2xlarge", "g7e.48xlarge", "p4d.24xlarge", "p5.48xlarge", "p5.4xlarge"),
    *("c8i.48xlarge", "m8i.xlarge", "hpc7a.96xlarge"),
}


def test_the_machines_of_2026_are_in_the_table() -> None:
    assert set(instance_types()) >= NAMED_2026


def test_every_row_is_a_type_that_cfn_lint_finds_in_some_region() -> None:
    path = files("cfnlint") / "data/schemas/extensions/aws_ec2_instance/instancetype_enum.json"
    regions = json.loads(path.read_text(encoding="utf-8"))
    del regions["description"]
    assert set(instance_types()) <= {name for one in regions.values() for name in one["enum"]}
    # And a priced type is one that the region of its price has.
    for price in shipped_table().values():
        if price.unit is PriceUnit.INSTANCE_HOUR:
            assert price.item in regions[price.region]["enum"], (price.item, price.region)


def test_every_type_that_the_package_names_is_in_the_table(ec2_data: dict[str, Any]) -> None:
    shape = re.compile(r"\b[a-z]+[0-9][a-z0-9-]*\.[a-z0-9-]*(?:large|metal|medium|small|micro)\b")
    package = Path(gotocloud.__file__).parent
    texts = [
        path.read_text("utf-8")
        for path in package.rglob("*")
        if path.suffix in {".py", ".yaml", ".csv", ".json", ".sh"}
    ]
    named = {name for text in texts for name in shape.findall(text)}
    assert named & set(ec2_data) <= set(instance_types())
    assert len(named) > 30
