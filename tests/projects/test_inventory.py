from __future__ import annotations

import json
from typing import Any

import pytest

from gotocloud.projects.inventory import EntryKind, InventoryError, read_entries, read_summary


def line(path: str, kind: str = "f", **more: Any) -> bytes:
    return json.dumps([path, kind, 1, 2, 3, 0o644, 5, 6, more]).encode()


def test_a_list_is_read_entry_by_entry() -> None:
    read = list(read_entries([line("a", md5="x"), line("b/", "d"), line("b/l", "l", link="../a")]))
    assert [entry.kind for entry in read] == [EntryKind.FILE, EntryKind.FOLDER, EntryKind.LINK]
    assert (read[0].md5, read[2].link) == ("x", b"../a")


def test_bytes_that_are_not_utf8_survive() -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    entry = next(read_entries([line(name)]))
    assert (entry.path, entry.key) == (b"caf\xe9", None)


@pytest.mark.parametrize(
    "lines",
    [
        [line("b"), line("a")],
        [line("a"), line("a")],
        [b"{"],
        [b"[]"],
        [line("a/", "f")],
        [line("a", "d")],
        [line("a", "l")],
        [line("a", "x")],
        [json.dumps(["a", "f", "1", 2, 3, 4, 5, 6, {}]).encode()],
    ],
)
def test_a_list_that_cannot_be_trusted_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(InventoryError):
        list(read_entries(lines))


@pytest.mark.parametrize("text", ["", "Traceback", "{}", '{"files": 1}', "[1]"])
def test_an_answer_that_is_no_summary_is_refused(text: str) -> None:
    with pytest.raises(InventoryError):
        read_summary(text)
