"""The pure part: parts, keys, metadata, decisions."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.transfer.plan import (
    MAX_OBJECT,
    MAX_PARTS,
    MIB,
    Keys,
    Listed,
    Remote,
    TransferAction,
    decide_download,
    decide_upload,
    key_of,
    key_trouble,
    parts,
    safe_path,
)
from gotocloud.transfer.posix import LUSTRE, Posix, metadata, parse
from gotocloud.transfer.report import MemoryLimit
from gotocloud.transfer.tree import TransferProblem, TreeEntry, TreeKind, link_trouble, shown, walk

KINDS = {TreeKind.FILE: stat.S_IFREG, TreeKind.FOLDER: stat.S_IFDIR, TreeKind.LINK: stat.S_IFLNK}


def entry(
    path: str = "a", kind: TreeKind = TreeKind.FILE, size: int = 5, mtime_ns: int = 7
) -> TreeEntry:
    return TreeEntry(path, kind, size, mtime_ns, 0, KINDS[kind] | 0o644)


def remote(size: int = 5, mtime_ns: int | None = 7, by: str = "", checksum: str = "x") -> Remote:
    return Remote(size, "etag", checksum, Posix(TreeKind.FILE, 0o644, mtime_ns, None, by))


@given(st.integers(1, MAX_OBJECT))
def test_parts_cover_a_file_and_s3_takes_them(size: int) -> None:
    first = next(parts(size))
    count = -(-size // first.size)
    assert count <= MAX_PARTS
    assert first.size % MIB == 0 or count == 1
    assert first.size >= 5 * MIB or count == 1


@given(st.integers(1, 200 * MIB))
def test_parts_follow_on_each_other(size: int) -> None:
    end = 0
    for number, part in enumerate(parts(size), start=1):
        assert (part.number, part.offset) == (number, end)
        end += part.size
    assert end == size


@given(
    st.sampled_from(list(TreeKind)),
    st.integers(0, 0o7777),
    st.integers(-(2**62), 2**62),
)
def test_metadata_can_be_read_back(kind: TreeKind, permissions: int, time_ns: int) -> None:
    made = TreeEntry("a", kind, 1, time_ns, time_ns, KINDS[kind] | permissions)
    read = parse(metadata(made))
    assert (read.kind, read.mtime_ns, read.atime_ns) == (kind, time_ns, time_ns)
    assert read.permissions is not None
    assert read.permissions & permissions & 0o777 == permissions & 0o777


@given(st.dictionaries(st.sampled_from(["file-permissions", "file-mtime"]), st.text()))
def test_metadata_of_others_never_break_anything(given_metadata: dict[str, str]) -> None:
    parse(given_metadata)


def test_a_time_without_ns_is_in_milliseconds() -> None:
    assert parse({"file-mtime": "1500"}).mtime_ns == 1_500_000_000


@pytest.mark.parametrize(
    ("here", "there", "choice"),
    [
        (entry(), None, TransferAction.COPY),
        (entry(), remote(), TransferAction.SAME),
        (entry(size=6), remote(), TransferAction.COPY),
        (entry(mtime_ns=8), remote(), TransferAction.COMPARE),
        (entry(mtime_ns=8), remote(checksum=""), TransferAction.COPY),
        (entry(size=6), remote(by=LUSTRE), TransferAction.CONFLICT),
        (entry(kind=TreeKind.LINK), remote(), TransferAction.COPY),
        (entry(kind=TreeKind.FOLDER), remote(), TransferAction.SAME),
    ],
)
def test_an_upload_decides(here: TreeEntry, there: Remote | None, choice: TransferAction) -> None:
    assert decide_upload(here, there).choice is choice


@pytest.mark.parametrize(
    ("here", "there", "choice"),
    [
        (None, remote(), TransferAction.COPY),
        (entry(), remote(), TransferAction.SAME),
        (entry(mtime_ns=8), remote(), TransferAction.COMPARE),
        (entry(size=6), remote(), TransferAction.CONFLICT),
        (entry(kind=TreeKind.FOLDER), remote(), TransferAction.CONFLICT),
    ],
)
def test_a_download_decides(here: TreeEntry | None, there: Remote, choice: TransferAction) -> None:
    assert decide_download(here, there).choice is choice


def test_a_name_cannot_be_a_file_and_a_folder() -> None:
    keys = Keys({key: Listed(0, datetime.now(UTC)) for key in ("s/a/b", "s/c")})
    for path, kind in (("a", TreeKind.FILE), ("c", TreeKind.FOLDER)):
        one = entry(path, kind)
        assert "rename one" in (key_trouble(key_of("s", one), one, keys) or "")
    assert key_trouble("s/d", entry("d"), keys) is None


@given(st.text(min_size=1))
def test_no_key_leads_out_of_the_folder(key: str) -> None:
    path = safe_path(key, "")
    if not isinstance(path, TransferProblem):
        here = Path("/here")
        assert (here / path).is_relative_to(here)
        assert ".." not in Path(path).parts


@pytest.mark.parametrize(
    ("path", "target", "fine"),
    [
        ("link", "a/b", True),
        ("sub/link", "../a", True),
        ("link", "../a", False),
        ("sub/link", "../../a", False),
        ("link", "/data", False),
        ("link", "..a", True),
    ],
)
def test_links_that_lead_outside_are_reported(path: str, target: str, fine: bool) -> None:
    assert (link_trouble(path, target) is None) is fine


def test_a_walk_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "sub").mkdir()
    tree = walk(tmp_path)
    assert list(tree.entries) == ["", "loop", "sub"]


def test_a_folder_that_cannot_be_listed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    scan = os.scandir

    def refuse(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    # Root lists everything, whatever its permissions.
    monkeypatch.setattr("gotocloud.transfer.tree.os.scandir", refuse)
    assert walk(tmp_path).left_out == [
        TransferProblem("closed", "cannot be listed (Permission denied)")
    ]


def test_a_path_is_shown_on_one_line() -> None:
    assert shown("a\nb\x1b[31mé") == "a\\nb\\x1b[31mé"


def test_a_budget_lets_the_biggest_through_alone() -> None:
    budget = MemoryLimit(10)
    with budget.held(100):
        pass
    with budget.held(4), budget.held(6):
        pass
