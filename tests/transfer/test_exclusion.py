"""Patterns of `--exclude`, against rsync itself."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from gotocloud.errors import InputError
from gotocloud.transfer.accepted import AcceptedOmissions
from gotocloud.transfer.exclusion import Exclusion
from gotocloud.transfer.tree import TransferProblem, walk
from tests.needs import need

PIECES = (
    *("a", "b", "raw", "x", "1", "2", ".tmp", "/", "]", "\\"),
    *("*", "**", "***", "?", "[ab]", "[!a]", "[^b]", "[x-z]"),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for folder in (".", "raw", "raw/a", "raw/raw", "ab/raw", "x1/x2"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in ("a.tmp", "b", "x2", "c]d"):
            if not (root / folder / name).exists() and (folder, name) != ("x1", "x2"):
                (root / folder / name).touch()
    return root


def by_rsync(tree: Path, pattern: str) -> set[str]:
    done = subprocess.run(
        ["rsync", "-an", "--out-format=%n", f"--exclude={pattern}", f"{tree}/", "/nowhere/"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {os.path.normpath(line) for line in done.stdout.splitlines()}


def test_the_same_names_are_left_out_as_by_rsync(tree: Path) -> None:
    need(shutil.which("rsync") is not None, "rsync", "apt-get install rsync")
    chosen = random.Random(11)  # noqa: S311  # the same patterns each time
    compared = 0
    while compared < 100:
        pattern = "".join(chosen.choices(PIECES, k=chosen.randint(1, 5)))
        try:
            exclusion = Exclusion([pattern])
        except InputError:
            continue
        compared += 1
        assert set(walk(tree, exclusion).entries) - {""} == by_rsync(tree, pattern) - {"."}, pattern


def test_what_covers_a_key_is_what_prunes_a_folder(tree: Path) -> None:
    everything = walk(tree).entries
    for pattern in ("raw/", "*.tmp", "/raw", "x1/x2", "ab/***", "**2", "a?b"):
        exclusion = Exclusion([pattern])
        kept = {
            p for p, e in everything.items() if not exclusion.covers(p, folder=e.kind == "folder")
        }
        assert kept == set(walk(tree, exclusion).entries), pattern


@pytest.mark.parametrize("pattern", ["", "/", "//", "[a", "[z-a]", "[[:digit:]]"])
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="cannot use this pattern"):
        Exclusion([pattern])


def test_an_acceptance_counts_for_a_name_with_its_reason() -> None:
    pipe, link = TransferProblem("a", "is a pipe"), TransferProblem("b", "is a link to /x")
    accepted = AcceptedOmissions(AcceptedOmissions.of([pipe, link]).text)
    assert accepted.new_in([link, pipe]) == []
    moved = TransferProblem("b", "is a link to /y")
    assert accepted.new_in([pipe, moved]) == [moved]


def test_an_acceptance_of_very_many_names_fits_s3_and_counts_for_exactly_these() -> None:
    many = [TransferProblem(f"{number}\udcff", "the name is not UTF-8") for number in range(5000)]
    accepted = AcceptedOmissions.of(many)
    assert len(accepted.text) < 1500
    assert accepted.new_in(many) == []
    assert len(accepted.new_in(many[1:])) == 4999
    assert len(AcceptedOmissions.of(many[:180]).text) == 180 * 8


@pytest.mark.parametrize("text", ["all.", "x", "é" * 3000, "all.xyz" * 99])
def test_metadata_of_others_accept_nothing(text: str) -> None:
    problem = TransferProblem("a", "is a pipe")
    assert AcceptedOmissions(text).new_in([problem]) == [problem]
