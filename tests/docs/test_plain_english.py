"""Texts and names keep to the word list of CONTRIBUTING.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.plain_english import (
    ROOT,
    WordList,
    documents,
    findings_in,
    names_of_tests,
    rooms,
    word_list,
)

WORDS = WordList({"tells": "shows", "takes up": "continues", "door": "port"})


def report(paths: list[Path]) -> list[str]:
    words = word_list()
    return [finding.report(words) for path in paths for finding in findings_in(path, words)]


@pytest.mark.parametrize("room", rooms())
def test_a_room_is_written_in_plain_english(room: str) -> None:
    assert report(rooms()[room]) == []


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_written_in_plain_english(page: Path) -> None:
    assert report([page]) == []


def test_tests_are_named_in_plain_english() -> None:
    assert [*names_of_tests(word_list())] == []


def test_every_word_of_the_list_has_something_to_write_instead() -> None:
    words = word_list().instead
    assert {"nobody", "tells", "takes up"} <= set(words)
    assert [word for word, instead in words.items() if not instead.strip()] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""It tells\nit."""', ["tells"]),
        ('print(f"{name} takes up a job.")', ["takes up"]),
        ("class DoorOpened:\n    tells: int", ["door", "tells"]),
        ("def f(door): ...", ["door"]),
        ("DOOR = one.doors = 1", ["door"]),
        ("for known in _ASK: known_usd = 1", ["known"]),
        ("x = 'tells'", []),
        ("x = 'the `door` option'", []),
        ("x = 'an indoor place, door.py'", []),
    ],
)
def test_words_are_found_in_texts_and_names(source: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(source)
    assert [f.word for f in findings_in(tmp_path / "module.py", WORDS)] == found


def test_words_are_found_in_pages_outside_code_and_addresses(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("It tells.\n```\ntells\n```\n[a door](tells.md) and `tells`\n")
    assert [(f.line, f.word) for f in findings_in(page, WORDS)] == [(1, "tells"), (5, "door")]
