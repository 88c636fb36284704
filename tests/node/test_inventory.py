"""The list of Lustre, made by the script itself on real directories."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gotocloud.node import inventory
from gotocloud.projects.inventory import Entry, EntryKind, read_entries, read_summary

SCRIPT = Path(inventory.__file__)
PLACE = ".gotocloud/proofs/run"


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def listed(root: Path, checksum_bytes: int = 10**9) -> tuple[Any, list[Entry]]:
    summary = read_summary(run("list", str(root), PLACE, str(checksum_bytes)))
    packed = (root / PLACE / "inventory.jsonl.gz").read_bytes()
    assert hashlib.sha256(packed).hexdigest() == summary.packed_sha256
    return summary, list(read_entries(gzip.decompress(packed).splitlines(keepends=True)))


def test_every_file_folder_and_link_is_listed_with_odd_names(tmp_path: Path) -> None:
    (tmp_path / "sp ace").mkdir()
    (tmp_path / "sp ace" / "new\nline").write_text("x")
    (tmp_path / "Größe 粒子").write_text("yy")
    (tmp_path / "link").symlink_to("nowhere\n")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_text("")
    summary, entries = listed(tmp_path)
    assert {entry.path for entry in entries} == {
        b"sp ace/",
        b"sp ace/new\nline",
        "Größe 粒子".encode(),
        b"link",
        b"caf\xe9",
    }
    assert (summary.files, summary.folders, summary.links, summary.bytes) == (3, 1, 1, 3)
    assert next(e.link for e in entries if e.kind is EntryKind.LINK) == b"nowhere\n"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sets(
        st.lists(
            st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=3).filter(
                lambda name: name not in {".", "..", ".gotocloud"}
            ),
            min_size=1,
            max_size=3,
        ).map("/".join),
        max_size=12,
    )
)
def test_the_order_is_that_of_the_keys_bytes(
    tmp_path_factory: pytest.TempPathFactory, paths: set[str]
) -> None:
    root = os.fsencode(tmp_path_factory.mktemp("tree"))
    for path in paths:
        full = os.path.join(root, path.encode("utf-8", "surrogatepass"))  # noqa: PTH118 - bytes
        try:
            os.makedirs(os.path.dirname(full), exist_ok=True)  # noqa: PTH103, PTH120 - bytes
            os.close(os.open(full, os.O_CREAT | os.O_WRONLY))
        except OSError:
            continue
    found = [path for path, _, _ in inventory.entries(root, inventory.Findings())]
    assert found == sorted(found)


def test_a_second_look_gives_the_same_digest_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    summary, _ = listed(tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    look = read_summary(run("look", str(tmp_path)))
    assert look.digest == summary.digest
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("change", ["write", "chmod", "rename", "remove", "same-mtime", "relink"])
def test_a_second_look_notices_any_change(tmp_path: Path, change: str) -> None:
    file, link = tmp_path / "a", tmp_path / "l"
    file.write_text("1")
    link.symlink_to("x")
    summary, _ = listed(tmp_path)
    if change == "write":
        (tmp_path / "b").write_text("")
    elif change == "chmod":
        file.chmod(0o600)
    elif change == "rename":
        file.rename(tmp_path / "c")
    elif change == "remove":
        file.unlink()
    elif change == "relink":
        link.unlink()
        link.symlink_to("y")
    else:
        times = file.stat()
        file.write_text("2")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert read_summary(run("look", str(tmp_path))).digest != summary.digest


@pytest.mark.parametrize(
    ("time_ns", "began_ns", "maybe"),
    [
        (10_000_000_000, 10_700_000_000, True),
        (9_000_000_000, 10_700_000_000, False),
        (10_600_000_000, 10_700_000_000, False),
        (10_800_000_000, 10_700_000_000, True),
    ],
)
def test_a_change_within_the_second_of_the_list_may_be_followed_by_another(
    time_ns: int, began_ns: int, maybe: bool
) -> None:
    assert inventory.maybe_after(time_ns, began_ns) is maybe


def test_what_changes_while_it_is_listed_is_no_proof(tmp_path: Path) -> None:
    """The first file is hashed for a while; the second one changes meanwhile."""
    with (tmp_path / "a").open("wb") as large:
        large.truncate(4 * 10**8)
    (tmp_path / "b").write_text("1")
    command = [sys.executable, str(SCRIPT), "list", str(tmp_path), PLACE, str(10**10)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        while not (tmp_path / PLACE / "draft").exists():
            time.sleep(0.01)
        (tmp_path / "b").write_text("2")
        assert running.stdout is not None
        summary = read_summary(running.stdout.read())
    assert summary.counts["just changed"] == 1
    assert summary.shown["just changed"][0] == "b"


def test_checksums_are_read_within_the_budget_only(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"123456")
    summary, entries = listed(tmp_path, 8)
    assert [entry.md5 is not None for entry in entries] == [True, False]
    assert (summary.hashed, summary.hashed_bytes) == (1, 5)


def test_sockets_and_pipes_are_counted_and_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        monkeypatch.chdir(tmp_path)
        door.bind("s")
        summary, entries = listed(tmp_path)
    assert (summary.counts, entries) == ({"special": 2}, [])


def test_a_file_that_is_being_written_is_reported(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w"):
        summary, _ = listed(tmp_path)
    assert summary.counts == {"open for writing": 1}
    assert summary.shown["open for writing"][0].startswith("a (process ")


def test_the_sum_of_parts_is_s3s_etag(tmp_path: Path) -> None:
    data = os.urandom(11)
    (tmp_path / "a").write_bytes(data)
    parts = [hashlib.md5(data[n : n + 5], usedforsecurity=False).digest() for n in (0, 5, 10)]
    whole = hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()
    assert inventory.sums(os.fsencode(tmp_path), [("a", 5), ("gone", 5)]) == {
        "sums": [f"{whole}-3", None]
    }


def test_what_an_interrupted_run_left_is_removed_and_a_proof_is_kept(tmp_path: Path) -> None:
    for name in ("interrupted", "proven"):
        (tmp_path / ".gotocloud/proofs" / name).mkdir(parents=True)
    (tmp_path / ".gotocloud/proofs/proven/proof.json").write_text("{}")
    listed(tmp_path)
    assert {path.name for path in (tmp_path / ".gotocloud/proofs").iterdir()} == {"proven", "run"}


@pytest.mark.parametrize("link", [".gotocloud", ".gotocloud/proofs"])
def test_a_link_in_the_place_of_proofs_leads_root_nowhere(tmp_path: Path, link: str) -> None:
    root, data = tmp_path / "lustre", tmp_path / "elsewhere"
    for folder in (data, data / "proofs"):
        (folder / "images").mkdir(parents=True)
        (folder / "images" / "raw.tiff").write_text("1")
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(data)
    before = sorted(data.rglob("*"))
    with pytest.raises(subprocess.CalledProcessError) as told:
        run("list", str(root), PLACE, "0")
    assert "is no folder" in told.value.stderr
    assert sorted(data.rglob("*")) == before


def test_a_link_among_the_proofs_leads_root_nowhere(tmp_path: Path) -> None:
    root, data = tmp_path / "lustre", tmp_path / "elsewhere"
    data.mkdir()
    (data / "raw.tiff").write_text("1")
    (root / ".gotocloud/proofs").mkdir(parents=True)
    (root / ".gotocloud/proofs/old").symlink_to(data)
    listed(root)
    assert [path.name for path in data.iterdir()] == ["raw.tiff"]


def test_the_folder_of_proofs_is_taken_back_from_everybody(tmp_path: Path) -> None:
    proofs = tmp_path / ".gotocloud/proofs"
    proofs.mkdir(parents=True)
    for folder in (proofs.parent, proofs):
        folder.chmod(0o777)
    listed(tmp_path)
    assert {folder.stat().st_mode & 0o777 for folder in (proofs.parent, proofs)} == {0o755}


@pytest.mark.parametrize("other", ["link", "pipe"])
def test_what_took_the_place_of_a_file_is_not_read(tmp_path: Path, other: str) -> None:
    if other == "pipe":
        os.mkfifo(tmp_path / "a")
    else:
        (tmp_path / "secret").write_text("1")
        (tmp_path / "a").symlink_to("secret")
    assert inventory.sums(os.fsencode(tmp_path), [("a", 5)]) == {"sums": [None]}


def test_the_script_survives_run_command_and_an_old_python() -> None:
    text = SCRIPT.read_text()
    # Run Command reads braces in pairs as parameters of its own.
    assert "{{" not in text
    assert len(text.encode()) < 40_000
    assert json.dumps(text).isascii()
