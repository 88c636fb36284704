"""The shipped zone map is what the ranking makes of AWS's offerings as recorded in moto.

After changing the cluster configurations, the ranking or moto:
    GOTOCLOUD_UPDATE=1 pytest tests/aws/test_shipped_zone_map.py
"""

from __future__ import annotations

import os
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest
from moto import mock_aws

import gotocloud.platform
from gotocloud.aws.offerings import offerings
from gotocloud.cluster_configs.model import (
    configuration_names,
    load_configuration,
    used_instance_types,
)
from gotocloud.cluster_configs.selection import select
from gotocloud.platform.configurations import shipped_configurations
from gotocloud.platform.needs import configuration_needs
from gotocloud.platform.regions import REGIONS
from gotocloud.platform.zones import SHIPPED, dump_map, make_map, zone_map

MOTO = "5.2.5"
MOTO_DATE = date(2026, 10, 27)
"""Day of the files in moto's wheel; moto does not report on which day AWS was asked."""
SOURCE = f"EC2 DescribeInstanceTypeOfferings as recorded in moto {MOTO} (released {MOTO_DATE})"
MAP = Path(gotocloud.platform.__file__).with_name(SHIPPED)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, set[str]]]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        return {region: offerings(region, used_instance_types()) for region in REGIONS}


def test_shipped_map_is_what_the_recorded_offerings_give(
    recorded: dict[str, dict[str, set[str]]],
) -> None:
    assert version("moto") == MOTO, "state the date of the new moto, then update the map"
    made = dump_map(
        make_map(
            recorded, configuration_needs(shipped_configurations()), day=MOTO_DATE, source=SOURCE
        )
    )
    if os.environ.get("GOTOCLOUD_UPDATE"):
        MAP.write_text(made, encoding="utf-8")
    assert MAP.read_text(encoding="utf-8") == made


def test_every_region_is_either_mapped_or_left_out_with_a_reason() -> None:
    zones = zone_map()
    assert {*zones.regions, *zones.left_out} == set(REGIONS)
    assert not {*zones.regions} & {*zones.left_out}
    assert all(len(reason) > 20 for reason in zones.left_out.values())


@pytest.mark.parametrize("region", sorted(zone_map().regions) if MAP.exists() else [])
def test_the_first_zone_runs_every_queue_of_every_configuration(region: str) -> None:
    best = zone_map().region(region).best
    for name in configuration_names():
        assert select(load_configuration(name), best.offered).left_out == ()


def test_every_mapped_region_has_two_zones_for_mount_targets() -> None:
    assert all(len(region.chosen()) == 2 for region in zone_map().regions.values())
