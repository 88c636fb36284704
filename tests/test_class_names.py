"""One class name, one meaning: a name of a class is used once in a distribution."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.rooms import ROOT

DISTRIBUTIONS = {
    "gotocloud": (ROOT / "gotocloud", ROOT / "benchmarks"),
    "local_aws": (ROOT / "local_aws" / "src",),
}


def classes(*folders: Path) -> dict[str, list[str]]:
    """Every class with the files that define it, private ones and inner ones included."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append(str(path.relative_to(folder.parent)))
    return found


def shared(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name: files for name, files in found.items() if len(files) > 1}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_class_name_has_one_meaning(name: str) -> None:
    found = classes(*DISTRIBUTIONS[name])
    assert len(found) > 100
    assert shared(found) == {}


def test_a_name_that_two_files_define_is_found(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "a.py").write_text("class Twice: ...\nclass Once: ...\n")
    (room / "b.py").write_text("def f():\n    class Twice: ...\n")
    assert shared(classes(room)) == {"Twice": ["room/a.py", "room/b.py"]}
