"""Cluster configurations that lie beside the platform file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.cluster_configs.first_file import first_file
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.errors import InputError
from gotocloud.platform.configurations import (
    configurations_beside,
    instance_types_of,
    read_configurations,
    unavailable,
)
from gotocloud.platform.load import load_platform
from gotocloud.platform.needs import configuration_needs
from gotocloud.platform.zones import zone_map
from gotocloud.rehearsal.upkeep import copy_platform
from tests.needs import ROOT

EXAMPLE = (ROOT / "platform.example.yaml").read_text(encoding="utf-8")


def platform_with(folder: Path, *names: str) -> Path:
    path = folder / "platform.yaml"
    path.write_text(f"{EXAMPLE}\ncluster_configurations: [{', '.join(names)}]\n")
    return path


def write(folder: Path, name: str) -> None:
    path = folder / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(first_file(path.stem, load_configuration("tutorial")))


def test_a_platform_has_gotoclouds_configurations_and_its_own(tmp_path: Path) -> None:
    write(tmp_path, "own/screening")
    path = platform_with(tmp_path, "own/screening.yaml")
    found = configurations_beside(path)
    assert tuple(found) == (*configuration_names(), "screening")
    assert found == read_configurations(path, load_platform(path).cluster_configurations)
    assert "screening gpu" in {need.label for need in configuration_needs(found)}
    assert set(found["screening"].instance_types) <= set(instance_types_of(found))


def test_without_a_platform_file_there_are_gotoclouds_own(tmp_path: Path) -> None:
    assert tuple(configurations_beside(tmp_path / "platform.yaml")) == configuration_names()


def test_every_problem_of_every_file_is_reported(tmp_path: Path) -> None:
    write(tmp_path, "screening")
    write(tmp_path, "other/screening")
    (tmp_path / "broken.yaml").write_text("name: broken\nversion: 0\ninherits: tutorial\n")
    names = ("absent.yaml", "tutorial.yaml", "screening.yaml", "other/screening.yaml")
    with pytest.raises(InputError) as refused:
        read_configurations(tmp_path / "platform.yaml", (*names, "broken.yaml"))
    said = "\n".join(refused.value.problems)
    assert "cluster_configurations[0]: There is no cluster configuration" in said
    assert "cluster_configurations[1]: the name 'tutorial' is GoToCloud's" in said
    assert "cluster_configurations[3]: the name 'screening' is in the list already" in said
    assert "cluster_configurations[4]: line 2: version: must be 1 or more, not 0" in said


@pytest.mark.parametrize(
    "name", ["/etc/passwd.yaml", "../x.yaml", "x.txt", "X.yaml", "a/../b.yaml"]
)
def test_a_file_outside_the_folder_or_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="1 problem"):
        load_platform(platform_with(tmp_path, f'"{name}"'))


def test_a_configuration_that_a_region_cannot_have_is_named() -> None:
    zones = zone_map()
    best = zones.region("us-east-1").best.model_copy(update={"offered": ("m5.xlarge",)})
    poor = zones.region("us-east-1").model_copy(update={"ranked": (best,)})
    poorer = zones.model_copy(update={"regions": {**zones.regions, "us-east-1": poor}})
    found = {"tutorial": load_configuration("tutorial")}
    assert unavailable(found, zones, ["us-east-1"]) == []
    [problem] = unavailable(found, poorer, ["us-east-1", "ap-northeast-1"])
    assert problem.startswith("tutorial in us-east-1")


def test_a_copied_platform_has_its_configurations(tmp_path: Path) -> None:
    write(tmp_path, "own/screening")
    path = platform_with(tmp_path, "own/screening.yaml")
    (tmp_path / "copy").mkdir()
    copy_platform(path, tmp_path / "copy" / "platform.yaml")
    assert configurations_beside(tmp_path / "copy" / "platform.yaml") == configurations_beside(path)
