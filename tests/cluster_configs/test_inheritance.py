"""Cluster configurations of a platform's own: files that state what differs, or everything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gotocloud.cluster_configs.first_file import first_file
from gotocloud.cluster_configs.model import (
    DIRECTORY,
    JOB_TYPES,
    configuration_names,
    load_configuration,
)
from gotocloud.cluster_configs.packed import packed, unpacked
from gotocloud.cluster_configs.schema import configuration_schema
from gotocloud.errors import InputError

MACHINE = {"instance_type": "g6.4xlarge", "max_nodes": 3, "source": "our own measurement"}
PLAIN = {"efa": False, "placement_group": False}
ROOT = Path(__file__).resolve().parents[2]


def own(**stated: Any) -> dict[str, Any]:
    return {"name": "screening", "version": 1, "inherits": "cryoem-spa", **stated}


def test_what_is_not_stated_is_inherited() -> None:
    parent = load_configuration("cryoem-spa")
    changes = {"name": "screening", "description": "x"}
    assert load_configuration(own(description="x")) == parent.model_copy(update=changes)


def test_a_queue_is_changed_added_or_left_out_by_its_name() -> None:
    parent = load_configuration("cryoem-spa")
    found = load_configuration(
        own(
            queues=[
                {"name": "class2d", "choices": [MACHINE], **PLAIN},
                {"name": "train", "choices": [MACHINE], **PLAIN},
            ],
            without_queues=["polish"],
            job_types={"polish": "prep-cpu"},
        )
    )
    names = [queue.name for queue in parent.queues if queue.name != "polish"]
    assert [queue.name for queue in found.queues] == [*names, "train"]
    [changed] = found.queues_for("class2d")
    assert changed.instance_types == ("g6.4xlarge",)
    assert changed.exclusive
    assert found.queues_for("polish")[0].name == "prep-cpu"
    assert found.queues_for("refine3d") == parent.queues_for("refine3d")


def test_every_problem_is_reported_with_the_line_and_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "name: bad\n"
        "version: 1\n"
        "inherits: cryoem-spa\n"
        "queues:\n"
        "  - name: polish\n"
        "    choices: [{instance_type: g6.4xlargee, max_nodes: 0, source: our own measurement}]\n"
        "  - name: train\n"
        "    chices: 3\n"
        "without_queues: [polis]\n"
    )
    with pytest.raises(InputError) as refused:
        load_configuration(path)
    found = [re.sub(":? .*", "", one.partition(": ")[2]) for one in refused.value.problems]
    assert found == [
        "queues[0].choices[0].instance_type",
        "queues[0].choices[0].max_nodes",
        "queues[1].choices",
        "queues[1].chices",
        "without_queues[0]",
    ]
    lines = [int(one.split()[1].rstrip(":")) for one in refused.value.problems]
    assert lines == [6, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"inherits": "cryoem-sap"}, "is none of the package's: cryoem-spa, tutorial"),
        ({"without_queues": ["polish"]}, "'polish' has no queue"),
        ({"without_queues": "polish"}, "must be a list of names of queues"),
        ({"queues": "polish"}, "must be a list"),
        ({"job_types": ["polish"]}, "must be a block"),
        ({"job_types": {"polish": "fast"}}, "which is no queue"),
        ({"name": "Screening"}, "pattern"),
        ({"queues": [{"name": "polish"}, {"name": "polish"}]}, "choices: is missing"),
        ({"lustre": {"gib": 3000}}, "deployment_type: is missing"),
    ],
)
def test_what_cannot_be_meant_is_refused(stated: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        load_configuration(own(**stated))
    assert any(said in one for one in refused.value.problems), refused.value.problems


@pytest.mark.parametrize("parent", configuration_names())
def test_the_first_file_is_valid_as_it_is_and_with_each_example(parent: str) -> None:
    text = first_file("screening", load_configuration(parent))
    assert load_configuration(yaml.safe_load(text)).queues == load_configuration(parent).queues
    keys = "queues|job_types|lustre|scaledown_idle_minutes"
    blocks = re.findall(rf"(?m)^# ((?:{keys}):.*\n(?:#.*\n)*)", text)
    assert len(blocks) == 4
    for block in blocks:
        example = re.sub("(?m)^# ?", "", block)
        kept = "\n".join(line for line in example.splitlines() if not line.startswith("without"))
        stated = yaml.safe_load(kept.replace('"Where', '"Stated: where'))
        load_configuration(yaml.safe_load(text) | stated)


def test_the_committed_schema_is_current_and_takes_the_shipped_files() -> None:
    schema = configuration_schema()
    text = (ROOT / "docs" / "cluster-configuration.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == schema, "gotocloud cluster schema > docs/cluster-configuration…"
    judge = jsonschema.Draft202012Validator(schema)
    for name in configuration_names():
        judge.validate(yaml.safe_load((DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")))
    judge.validate(own(queues=[{"name": "class2d", "choices": [MACHINE]}]))
    for wrong in (own(queues=[{"choices": [MACHINE]}]), own(inherits="x"), own(qeues=[])):
        assert not judge.is_valid(wrong)


@given(
    st.dictionaries(
        st.sampled_from(["version", "queues", "without_queues", "job_types", "lustre", "x"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["polish", "small"]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["name", "choices", "polish"]), inner)
            ),
            max_leaves=6,
        ),
    )
)
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_configuration_or_an_error_with_problems(stated: dict[str, Any]) -> None:
    problems: tuple[str, ...] = ()
    served: set[str] = set()
    try:
        served = set(load_configuration(own(**stated)).job_types)
    except InputError as error:
        problems = tuple(error.problems)
    assert problems or set(JOB_TYPES) <= served


@pytest.mark.parametrize("name", configuration_names())
def test_a_head_node_gets_the_configuration_that_was_launched(name: str) -> None:
    configuration = load_configuration(name)
    word = packed(configuration)
    assert unpacked(word) == configuration
    assert re.fullmatch("[A-Za-z0-9+/=]+", word)


DAMAGED = packed(load_configuration("tutorial"))[:-9]


@pytest.mark.parametrize("word", ["", "x", "eJw=", "////", DAMAGED])
def test_a_damaged_word_is_an_error(word: str) -> None:
    with pytest.raises(InputError):
        unpacked(word)
