"""Sizes, times and money as people read them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import gotocloud
from gotocloud.formats import duration_text, parse_json, size_text, usd_text
from tests.rooms import ROOT


@pytest.mark.parametrize(
    ("size", "text"),
    [
        *((0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2e9, "2.0 GB")),
        *((1_200_000_000_000, "1.20 TB"), (3e15, "3000.00 TB")),
    ],
)
def test_sizes_are_in_powers_of_1000(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.2, "0 s"), (-3, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (61, "1 min")),
        *((3599, "1 h"), (3660, "1 h 1 min"), (7200, "2 h"), (360_000, "100 h")),
    ],
)
def test_times_are_rounded_to_what_matters(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        *((None, "unknown"), (0, "0.00"), (0.0099, "under 0.01"), (0.01, "0.01")),
        (1234.5, "1,234.50"),
    ],
)
def test_a_small_amount_is_not_shown_as_free_and_an_unknown_one_not_as_zero(
    usd: float | None, text: str
) -> None:
    assert usd_text(usd) == text


def test_no_other_file_writes_an_unknown_amount_in_its_own_way() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "gotocloud").rglob("*.py"))
        if path.name != "formats.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.IfExp) and "usd" in (text := ast.unparse(node)) and ":.2f" in text
    ]
    assert found == []


_UNBOUNDED = re.compile(r"\\d[+*]|\[0-9\]\+|\\d\{\d+,\}|\.is(?:digit|decimal|numeric)\(")
_RUN_ELSEWHERE = ("rehearsal", "node", "constructs", "stacks")


def test_digits_of_outside_text_are_bounded_before_they_are_converted() -> None:
    """Python converts no number of more than 4,300 digits, and takes "²" for a digit."""
    package = Path(gotocloud.__file__).parent
    found = [
        f"{path.relative_to(package)}:{number}"
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] not in {*_RUN_ELSEWHERE, "formats.py"}
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _UNBOUNDED.search(line) and "regexp {" not in line  # Tcl, of a module file
    ]
    assert found == [], "use gotocloud.formats.whole_number, or [0-9]{1,9}"


def test_json_of_others_that_is_nested_without_end_is_a_plain_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000)
    package = Path(gotocloud.__file__).parent
    elsewhere = [
        str(path.relative_to(package))
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] not in {*_RUN_ELSEWHERE, "formats.py"}
        and "json.loads(" in path.read_text()
    ]
    assert elsewhere == [], "use gotocloud.formats.parse_json"
