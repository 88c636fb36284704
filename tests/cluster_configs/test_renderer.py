"""The rendered ParallelCluster configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import (
    configuration_names,
    load_configuration,
    used_instance_types,
)
from gotocloud.cluster_configs.node_scripts import software_script
from gotocloud.cluster_configs.renderer import render, stringified, to_yaml
from gotocloud.cluster_configs.selection import select
from gotocloud.cluster_configs.site import NodeExtras
from gotocloud.errors import GoToCloudError
from gotocloud.platform.placeholders import placeholder_site
from tests.cluster_configs.sites import MOUNT, SITE

ALL = frozenset(used_instance_types())
GOLDEN = Path(__file__).parent / "golden"
REFRESH = "GOTOCLOUD_REFRESH_GOLDEN=1 pytest tests/cluster_configs/test_renderer.py"


@pytest.mark.parametrize("name", configuration_names())
def test_the_whole_yaml_is_as_reviewed(name: str) -> None:
    made = to_yaml(render(load_configuration(name), SITE, ALL))
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("GOTOCLOUD_REFRESH_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), f"If this is wanted: {REFRESH}"


@pytest.mark.parametrize("name", configuration_names())
def test_yaml_reads_back_as_what_was_rendered(name: str) -> None:
    made = render(load_configuration(name), SITE, ALL)
    assert yaml.safe_load(to_yaml(made)) == made


def queues(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {queue["Name"]: queue for queue in made["Scheduling"]["SlurmQueues"]}


def test_every_job_type_has_an_on_demand_and_a_spot_queue() -> None:
    made = queues(render(load_configuration("cryoem-spa"), SITE, ALL))
    assert len(made) == 18
    assert made["refine3d"]["CapacityType"] == "ONDEMAND"
    assert made["refine3d-spot"]["CapacityType"] == "SPOT"
    twins = [{**made[f"refine3d{end}"], "Name": "", "CapacityType": ""} for end in ("", "-spot")]
    assert twins[0] == twins[1]


def test_a_zone_without_the_preferred_type_gets_the_next_one_and_its_node_count() -> None:
    made = queues(render(load_configuration("cryoem-spa"), SITE, ALL - {"g5.12xlarge"}))
    (resource,) = made["class3d"]["ComputeResources"]
    assert (resource["InstanceType"], resource["MaxCount"]) == ("g6.48xlarge", 2)
    assert resource["Name"] == "g6-48xlarge"


def test_a_queue_without_any_offered_type_is_left_out_and_reported() -> None:
    configuration = load_configuration("cryoem-spa")
    offered = ALL - {"g4dn.12xlarge", "g6.12xlarge"}
    assert [queue.name for queue in select(configuration, offered).left_out] == ["class2d"]
    made = queues(render(configuration, SITE, offered))
    assert "class2d" not in made
    assert "class2d-spot" not in made


@pytest.mark.parametrize(
    ("offered", "missing"),
    [
        (frozenset({"m5.xlarge"}), "queue"),
        (ALL - {"m5.xlarge", "m6i.xlarge", "m7i.xlarge"}, "head node"),
    ],
)
def test_a_zone_without_a_head_node_or_any_queue_is_an_error(
    offered: frozenset[str], missing: str
) -> None:
    with pytest.raises(GoToCloudError, match=f"no instance type of any {missing} is offered"):
        render(load_configuration("cryoem-spa"), SITE, offered)


@given(offered=st.frozensets(st.sampled_from(sorted(ALL))))
def test_whatever_is_offered_efa_and_placement_follow_the_type_in_use(
    offered: frozenset[str],
) -> None:
    configuration = load_configuration("cryoem-spa")
    try:
        selection = select(configuration, offered | {"m5.xlarge"})
    except GoToCloudError:
        return
    made = queues(render(configuration, SITE, offered | {"m5.xlarge"}))
    assert len(made) == 2 * len(selection.queues)
    assert {one.queue.name for one in selection.queues} | {
        queue.name for queue in selection.left_out
    } == {queue.name for queue in configuration.queues}
    for queue in made.values():
        (resource,) = queue["ComputeResources"]
        assert resource["InstanceType"] in offered
        has_efa = instance_types()[resource["InstanceType"]].efa
        efa = resource["Efa"]["Enabled"]
        assert efa is (has_efa and not queue["Name"].startswith("prep-gpu"))
        assert queue["Networking"]["PlacementGroup"]["Enabled"] is efa


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


@pytest.mark.parametrize("name", configuration_names())
def test_stringified_leaves_nothing_but_strings(name: str) -> None:
    made = render(load_configuration(name), SITE, ALL)
    changed = stringified(made)
    assert all(isinstance(leaf, str) for leaf in leaves(changed))
    assert changed["HeadNode"]["Dcv"]["Enabled"] == "true"
    assert changed["Monitoring"]["Logs"]["CloudWatch"]["RetentionInDays"] == "180"
    assert made["HeadNode"]["Dcv"]["Enabled"] is True, "what was given stays as it is"


def test_nothing_of_the_site_is_looked_into() -> None:
    token = "${Token[TOKEN.42]}"
    strange = replace(
        SITE,
        head_subnet_id=token,
        compute_subnet_ids=[token],
        lustre_file_system_id=token,
        allowed_cidr=token,
        compute=NodeExtras(scripts=[software_script(token, token, token)]),
        elastic_ip=token,
    )
    made = render(load_configuration("tutorial"), strange, ALL)
    assert made["HeadNode"]["Networking"]["ElasticIp"] == token
    assert made["HeadNode"]["Ssh"]["AllowedIps"] == token
    for queue in queues(made).values():
        mount = queue["CustomActions"]["OnNodeConfigured"]
        assert mount == {"Script": token, "Args": [token, token, "/efs"]}


@pytest.mark.parametrize("name", configuration_names())
def test_nothing_is_open_to_the_world_and_everything_is_bounded_and_encrypted(name: str) -> None:
    made = render(load_configuration(name), SITE, ALL)
    head = made["HeadNode"]
    assert "0.0.0.0/0" not in to_yaml(made)
    assert head["Dcv"]["AllowedIps"] == head["Ssh"]["AllowedIps"] == SITE.allowed_cidr
    assert "KeyName" not in head["Ssh"]
    assert made["Iam"]["PermissionsBoundary"] == SITE.boundary_arn
    assert made["Imds"]["ImdsSupport"] == "v2.0"
    assert head["LocalStorage"]["RootVolume"]["Encrypted"] is True
    for queue in queues(made).values():
        assert queue["ComputeSettings"]["LocalStorage"]["RootVolume"]["Encrypted"] is True
        assert queue["Networking"]["SubnetIds"] == SITE.compute_subnet_ids
        assert queue["Iam"]["S3Access"][0]["EnableWriteAccess"] is False


def test_every_node_mounts_the_software_by_the_published_script() -> None:
    made = render(load_configuration("cryoem-spa"), SITE, ALL)
    for node in (made["HeadNode"], *queues(made).values()):
        action = node["CustomActions"]["OnNodeConfigured"]
        action = action.get("Sequence", [action])[0]
        assert action == {"Script": MOUNT.url, "Args": list(MOUNT.arguments)}
        assert action["Args"][2] == "/efs"


@pytest.mark.parametrize("name", configuration_names())
def test_placeholders_can_be_read_and_hold_nothing_real(name: str) -> None:
    text = to_yaml(
        render(load_configuration(name), placeholder_site("us-east-1", engine_of()), ALL)
    )
    assert "SubnetId: <public subnet of the group>" in text
    assert "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" in text
