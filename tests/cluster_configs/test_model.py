"""What a cluster configuration may say, and what is said when it may not."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gotocloud.cluster_configs import model
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.limits import (
    MAX_CLUSTER_NAME,
    cluster_name_problem,
    head_node_memory_gib,
)
from gotocloud.cluster_configs.model import (
    DIRECTORY,
    JOB_TYPES,
    configuration_names,
    load_configuration,
    used_instance_types,
)
from gotocloud.errors import ExitCode, InputError


@pytest.fixture
def content() -> dict[str, Any]:
    text = (DIRECTORY / "cryoem-spa.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def problems_of(content: Any, folder: Path) -> str:
    """The error's text of a configuration that cannot be used."""
    (folder / "cryoem-spa.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError) as caught:
        load_configuration(folder / "cryoem-spa.yaml")
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value)


def test_an_unknown_configuration_is_answered_with_a_close_name_and_the_list() -> None:
    with pytest.raises(InputError) as caught:
        load_configuration("cryoem-sap")
    assert str(caught.value) == (
        "No cluster configuration named 'cryoem-sap'. Did you mean 'cryoem-spa'? "
        "Available: cryoem-spa, tutorial.\nNext: gotocloud cluster list"
    )


@pytest.mark.parametrize("name", configuration_names())
def test_a_shipped_configuration_serves_every_job_type_with_sourced_figures(name: str) -> None:
    configuration = load_configuration(name)
    for job_type in JOB_TYPES:
        queues = configuration.queues_for(job_type)
        assert queues
        assert all(len(choice.source) > 20 for queue in queues for choice in queue.choices)


@pytest.mark.parametrize(
    ("job_type", "instance_type", "nodes"),
    [
        ("refine3d", "g4dn.metal", 2),
        ("class3d", "g5.12xlarge", 8),
        ("class2d", "g4dn.12xlarge", 8),
        ("class2d-vdam", "g5.12xlarge", 1),
        ("polish", "c6i.32xlarge", 4),
    ],
)
def test_cryoem_spa_prefers_the_optimum_of_the_paper(
    job_type: str, instance_type: str, nodes: int
) -> None:
    [queue] = load_configuration("cryoem-spa").queues_for(job_type)
    assert (queue.choices[0].instance_type, queue.choices[0].max_nodes) == (instance_type, nodes)
    assert queue.source.startswith("Paper, optimal setting")


def test_used_instance_types_hold_head_nodes_and_every_choice() -> None:
    used = used_instance_types()
    assert list(used) == sorted(set(used))
    assert {"m5.xlarge", "g4dn.metal", "g6.4xlarge", "c6i.4xlarge"} <= set(used)


def test_efa_on_types_without_it_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    prep_gpu = next(queue for queue in content["queues"] if queue["name"] == "prep-gpu")
    prep_gpu["efa"] = prep_gpu["placement_group"] = True
    said = problems_of(content, tmp_path)
    assert "queues[7]: efa: none of g6.4xlarge, g5.4xlarge, g4dn.2xlarge has EFA" in said


def test_efa_without_a_placement_group_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    content["queues"][0]["placement_group"] = False
    assert "queues[0]: efa: it needs placement_group: true" in problems_of(content, tmp_path)


def test_too_many_nodes_are_reported(content: dict[str, Any], tmp_path: Path) -> None:
    for number in range(20):
        extra = copy.deepcopy(content["queues"][1])
        extra.update(name=f"extra{number}")
        content["queues"].append(extra)
    said = problems_of(content, tmp_path)
    assert "a /24 compute subnet has room for 200" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Refine3D", "'Refine3D' must match ^[a-z][a-z0-9-]*$"),
        ("refine_3d", "'refine_3d' must match"),
    ],
)
def test_a_queue_name_that_slurm_cannot_have_is_refused(
    content: dict[str, Any], tmp_path: Path, name: str, said: str
) -> None:
    content["queues"][0].update(name=name)
    assert said in problems_of(content, tmp_path)


def test_a_job_type_without_a_queue_and_an_unknown_one_are_reported(
    content: dict[str, Any], tmp_path: Path
) -> None:
    del content["job_types"]["polish"]
    content["job_types"]["refine3d"] = ["refine3d", "refine4d"]
    said = problems_of(content, tmp_path)
    assert "job_types: 'polish' has no queue" in said
    assert "job_types: 'refine3d' goes to 'refine4d', which is no queue" in said


def test_a_second_queue_and_a_lane_of_no_job_type_are_possible(content: dict[str, Any]) -> None:
    for name in ("refine3d-large", "cryosparc"):
        content["queues"].append({**copy.deepcopy(content["queues"][0]), "name": name})
    content["job_types"]["refine3d"] = ["refine3d", "refine3d-large"]
    made = load_configuration(content)
    assert [one.name for one in made.queues_for("refine3d")] == ["refine3d", "refine3d-large"]
    assert made.served_by("refine3d-large") == ("refine3d",)
    assert made.served_by("cryosparc") == ()


def test_the_finest_name_of_a_job_counts(content: dict[str, Any]) -> None:
    content["job_types"]["ctffind"] = "small"
    made = load_configuration(content)
    assert [one.name for one in made.queues_for("prep-cpu", "ctffind")] == ["small"]
    assert [one.name for one in made.queues_for("prep-cpu", "extract", "class3d")] == ["prep-cpu"]


def test_a_head_node_with_too_little_memory_is_refused(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(instance_types()["m5.xlarge"], memory_gib=2)
    monkeypatch.setattr(model, "instance_types", lambda: {**instance_types(), "m5.xlarge": small})
    said = problems_of(content, tmp_path)
    assert "head_node: m5.xlarge has 2 GiB of memory, 72 nodes need 3.5" in said
    assert "m6i.xlarge" not in said


def test_the_memory_rule_is_parallelclusters() -> None:
    assert head_node_memory_gib(100) == pytest.approx(4.6)
    assert head_node_memory_gib(10_000) == 16


def test_every_problem_of_a_file_is_reported_at_once(
    content: dict[str, Any], tmp_path: Path
) -> None:
    content["lustre"]["gib"] = 1000
    content["colour"] = "blue"
    content["queues"][0]["choices"][0]["instance_type"] = "g9.huge"
    content["queues"][1]["choices"][0]["max_nodes"] = 0
    del content["queues"][2]["choices"][0]["source"]
    said = problems_of(content, tmp_path)
    assert "lustre: gib: Lustre SCRATCH_2 of 1,000 GiB is not possible" in said
    assert "colour: is not known" in said
    missing = "'g9.huge' is not in gotocloud/cluster_configs/instance_types.csv"
    assert f"queues[0].choices[0].instance_type: {missing}" in said
    assert "queues[1].choices[0].max_nodes: must be 1 or more, not 0" in said
    assert "queues[2].choices[0].source: is missing" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("queues: [", "is not YAML"),
        ("- a\n- b\n", "must be a block"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.yaml").write_text(text)
    with pytest.raises(InputError, match=said):
        load_configuration(tmp_path / "broken.yaml")


def test_a_file_under_another_name_than_its_own_is_refused(
    content: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=r"other.yaml has the name 'cryoem-spa' inside"):
        load_configuration(tmp_path / "other.yaml")


@pytest.mark.parametrize("name", ["spike", "a" * MAX_CLUSTER_NAME, "Alice-2"])
def test_a_cluster_name_that_fits_has_no_problem(name: str) -> None:
    assert cluster_name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a" * (MAX_CLUSTER_NAME + 1), "has 41 characters, at most 40"),
        ("1st", "must start with a letter"),
        ("under_score", "letters, digits and hyphens only"),
        ("", "must start with a letter"),
        ("ends\n", "letters, digits and hyphens only"),
    ],
)
def test_a_cluster_name_that_does_not_fit_is_explained(name: str, said: str) -> None:
    assert said in (cluster_name_problem(name) or "")
