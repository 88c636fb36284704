"""Text that breaks out of shells, YAML or templates is refused, or arrives as it was typed."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.contract.head_node import FACT_KEYS
from gotocloud.contract.tag_text import MAX_TAG_VALUE, TAG_TEXT_PATTERN
from tests.node.test_configure_head_node import Node, arguments
from tests.security.checks.template import Template, resources

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

HOSTILE = (
    *("'; reboot '", '"; reboot "', "$(reboot)", "`reboot`", "a && reboot", "a | reboot", "a\\"),
    *("a\nreboot", "a\rreboot", "a\u2028reboot", "a\x00b", "\x1b[2J", "%s%n", "${AWS::AccountId}"),
    *(
        "{{resolve:ssm:/x}}",
        "!Ref X",
        "x: y: [",
        "- &a *a",
        '{"a": 1}',
        "<script>",
        "粒子",
        "e\u0301",
    ),
    *("a" * 4096, "", "-rf", "*", "../..", "~root", "#"),
)
ENDED = (*(f"a{end}" for end in ("\n", "\r\n", "\u2028")),)
SAFE = re.compile(r"[A-Za-z0-9 _.:/=+@-]*")
"""No sign of a shell, of a template, or of another alphabet."""


def takes(parameter: Mapping[str, Any], value: str) -> bool:
    """Whether CloudFormation takes a value; it compares the whole value with the pattern."""
    if "AllowedValues" in parameter:
        return value in map(str, parameter["AllowedValues"])
    if parameter["Type"] == "Number":
        return bool(re.fullmatch(r"-?\d+", value))
    shortest, longest = int(parameter.get("MinLength", 0)), int(parameter["MaxLength"])
    fits = shortest <= len(value) <= longest
    return fits and re.fullmatch(parameter["AllowedPattern"], value) is not None


def published(example: Mapping[str, Template]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for stack, template in example.items():
        if stack.startswith(("ProjectStack", "ClusterStack")):
            for name, parameter in template["Parameters"].items():
                yield stack, name, parameter


def test_hostile_text_is_no_value_of_any_parameter(example: Mapping[str, Template]) -> None:
    taken = {
        (name, value)
        for _, name, parameter in published(example)
        for value in (*HOSTILE, *ENDED)
        if takes(parameter, value) and not SAFE.fullmatch(value)
    }
    assert taken == set()


def test_each_text_that_is_typed_has_a_pattern_of_safe_signs_and_a_length(
    example: Mapping[str, Template],
) -> None:
    typed = {
        parameter["AllowedPattern"]: int(parameter["MaxLength"])
        for _, _, parameter in published(example)
        if parameter["Type"] == "String" and "AllowedValues" not in parameter
    }
    assert TAG_TEXT_PATTERN in typed
    assert max(typed.values()) <= MAX_TAG_VALUE
    outside = [chr(code) for code in range(0x3000) if not SAFE.fullmatch(chr(code))]
    for pattern in typed:
        # Every place of a value: a pattern that takes one such sign takes it somewhere.
        for good in ("a", "gotocloud-data-a", "10.1.1.0/24"):
            for sign in outside:
                for value in (sign + good, good + sign, f"{good}{sign}a"):
                    assert not re.fullmatch(pattern, value), (pattern, value)


def test_no_other_value_of_the_form_can_be_typed(example: Mapping[str, Template]) -> None:
    free = [
        name
        for _, name, parameter in published(example)
        if not {"AllowedPattern", "AllowedValues", "MaxValue"} & set(parameter)
    ]
    assert free == []


def test_a_parameter_is_part_of_no_script(example: Mapping[str, Template]) -> None:
    """ParallelCluster takes them as arguments of a list; nothing joins them to a command."""
    found = [
        f"{stack}/{name}"
        for stack, template in example.items()
        if stack.startswith("ClusterStack")
        for name, kind, properties in resources(template)
        if "UserData" in json.dumps(properties) or kind == "AWS::CloudFormation::Init"
    ]
    assert found == []


@given(st.text(string.ascii_letters + string.digits + " _.:/=+@-", min_size=1, max_size=60))
def test_what_is_taken_is_the_same_text_in_yaml_and_json(value: str) -> None:
    """ParallelCluster's provider writes its configuration as YAML."""
    text = yaml.safe_dump({"Args": [f"project={value}"], "Tags": [{"Key": "a", "Value": value}]})
    read = yaml.safe_load(text)
    assert (read["Args"], read["Tags"][0]["Value"]) == ([f"project={value}"], value)


@pytest.mark.parametrize("value", [one for one in (*HOSTILE, *ENDED) if "\x00" not in one])
def test_the_head_nodes_script_refuses_it_or_keeps_it_as_text(tmp_path: Path, value: str) -> None:
    """Run by the real bash, with the text in every argument at once."""
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text("#!/bin/sh\n")
    systemctl.chmod(0o755)
    canary = tmp_path / "bin" / "reboot"
    canary.write_text(f"#!/bin/sh\ntouch {tmp_path}/rebooted\n")
    canary.chmod(0o755)
    node = Node(tmp_path)
    texts = [key for key in FACT_KEYS if key not in {"keep_hours", "software"}]
    done = node.run(*arguments(**dict.fromkeys(texts, value)))
    assert not (tmp_path / "rebooted").exists()
    if done.returncode == 0:
        assert SAFE.fullmatch(value)
        assert json.loads(node.path("etc/gotocloud/cluster.json").read_text())["stack"] == value
    else:
        assert node.written() == {}
