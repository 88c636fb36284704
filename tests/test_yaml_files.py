"""One reader of YAML: every file that a person writes fails in the same shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gotocloud.cluster_configs.fitting import parse
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.errors import InputError
from gotocloud.platform.load import load_platform
from gotocloud.platform.record import load_record
from gotocloud.software.load import load_catalogue
from gotocloud.yaml_files import load_block
from tests.needs import ROOT

READERS: dict[str, Callable[[Path], object]] = {
    "platform": load_platform,
    "record": load_record,
    "cluster configuration": load_configuration,
    "catalogue": load_catalogue,
    "ParallelCluster configuration": lambda path: parse(path.read_text()),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("text", ["name: a\nname: b\n", "- name\n", "a: [\n"])
def test_every_reader_names_the_line_of_what_is_wrong(
    reader: Callable[[Path], object], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "name.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        reader(path)
    assert re.match(r"line \d: ", caught.value.problems[0])


def test_only_one_module_reads_yaml() -> None:
    reads = re.compile(r"yaml\.(safe_load|load|compose|parse|\w*Loader)\b")
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "gotocloud").rglob("*.py")
        if reads.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"gotocloud/yaml_files.py"}


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n",
        "a: &x {b: 1}\nd: {b: 2, <<: [*x, {b: 3, c: 4}]}\n",
        "a: [1, 2.5, yes, null, 2026-11-30, 'x']\nb: {}\n",
    ],
)
def test_the_data_are_those_of_the_yaml_library(text: str) -> None:
    assert load_block(text, "text").data == yaml.safe_load(text)


def test_the_lines_of_own_keys_stay_beside_merged_ones() -> None:
    marked = load_block("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n", "text")
    assert marked.problem(("d", "c"), "is odd") == (4, "d.c: is odd")


def test_what_is_merged_must_be_a_block() -> None:
    with pytest.raises(InputError, match=r"line 1: a: << must be a block"):
        load_block("a: {<<: 3}\n", "text")
