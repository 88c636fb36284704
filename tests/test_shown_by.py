"""Each behaviour of AWS and each finding of an attacker has a test, or a row of the proof."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import yaml

from gotocloud.proving.assumptions import assumption
from tests.needs import ROOT

LISTS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (ROOT / "tests/shown_by.yaml").read_text(encoding="utf-8")
)
ROWS = [row for rows in LISTS.values() for row in rows]


@cache
def names() -> frozenset[str]:
    """Every test of the repository; files are moved more often than tests are renamed."""
    folders = (ROOT / "tests", ROOT / "local_aws/tests")
    paths = [path for folder in folders for path in folder.rglob("test_*.py")]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return frozenset(
        name for text in texts for name in re.findall(r"^ *def (test_\w+)", text, re.M)
    )


@pytest.mark.parametrize("row", ROWS, ids=[row["fact"] for row in ROWS])
def test_what_shows_it_exists(row: dict[str, Any]) -> None:
    assert row.get("tests") or row.get("proof")
    assert set(row.get("tests", ())) <= names()
    for name in row.get("proof", ()):
        assert assumption(name).id == name


def test_no_row_stands_twice_and_a_behaviour_has_its_source() -> None:
    for rows in LISTS.values():
        assert len({row["fact"] for row in rows}) == len(rows)
    assert all(row["source"] for row in LISTS["behaviours"])
    assert [row["fact"].partition(".")[0] for row in LISTS["findings"]] == [
        str(number) for number in range(1, 15)
    ]
