"""Ways in which Lustre and the bucket differ while their listings agree, on real files.

The bucket is filled as FSx fills it, by the model of the local AWS; the list is the head node's.
Then something happens, and the proof must not hold, or must say what does not come back.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gotocloud.projects.alignment import _Names, align
from gotocloud.projects.inventory import (
    HSM_ARCHIVED,
    HSM_DIRTY,
    HSM_LOST,
)
from gotocloud.projects.pausing import ExportRun
from gotocloud.projects.proof import Tally
from gotocloud.projects.stored import Flaw
from local_aws.services.data_repository_posix import metadata_of
from local_aws.services.data_repository_posix import walk as of_lustre
from tests.projects.attacked_scene import Scene
from tests.projects.attacked_scene import scene as scene


def test_without_an_attack_the_proof_holds(scene: Scene) -> None:
    assert scene.verdict() == (set(), "")


A = "movies/a.mrc"


def rewrite(scene: Scene, content: bytes = b"9876543210") -> None:
    """Other content of the same size, with the times of before."""
    path = scene.root / A
    times = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def with_object(scene: Scene, key: str = A, **changes: Any) -> None:
    stored = scene.bucket[key]
    listed = {name: changes.pop(name) for name in ("size", "etag", "key") if name in changes}
    scene.bucket[key] = replace(stored, listed=replace(stored.listed, **listed), **changes)


def same_size_and_time(scene: Scene) -> None:
    rewrite(scene)


def same_size_and_time_unread(scene: Scene) -> None:
    scene.checksum_bytes = 0
    rewrite(scene)


def within_the_second_of_the_export(scene: Scene) -> None:
    scene.checksum_bytes = 0
    second = scene.began_ns // 10**9 * 10**9
    entry = next(one for one in of_lustre(scene.root) if one.path == A)
    metadata = metadata_of(replace(entry, mtime_ns=second))
    scene.bucket[A] = replace(scene.bucket[A], metadata=metadata)
    scene.changed[A] = {"mtime_ns": second, "ctime_ns": second}


def dirty_by_lustre(scene: Scene) -> None:
    scene.changed[A] = {"hsm": HSM_ARCHIVED | HSM_DIRTY}


def lost_by_lustre(scene: Scene) -> None:
    scene.changed[A] = {"hsm": HSM_ARCHIVED | HSM_LOST}


def never_archived_but_alike(scene: Scene) -> None:
    scene.checksum_bytes = 0
    scene.changed[A] = {"hsm": 0}


def changed_between_listing_and_deletion(scene: Scene) -> None:
    scene.after.append(rewrite)


def made_between_listing_and_deletion(scene: Scene) -> None:
    scene.after.append(lambda one: (one.root / "late").touch())


def deleted_between_listing_and_deletion(scene: Scene) -> None:
    scene.after.append(lambda one: (one.root / A).unlink())


def opened_by_a_program_that_writes_later(scene: Scene) -> None:
    handle = (scene.root / A).open("r+b")
    pid = os.fork()
    if not pid:
        time.sleep(2)
        os._exit(0)
    handle.close()
    scene.after.append(lambda one: None)


def renamed_during_the_export(scene: Scene) -> None:
    (scene.root / A).rename(scene.root / "movies/b.mrc")


def swapped_with_another(scene: Scene) -> None:
    one, other, aside = (scene.root / name for name in (A, "other", "aside"))
    other.write_bytes(b"abcdefghij")
    scene.export()
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def hard_link_of_a_changed_file(scene: Scene) -> None:
    (scene.root / "second").hardlink_to(scene.root / A)
    scene.export()
    with (scene.root / "second").open("r+b") as file:
        file.write(b"X")


def sparse_file_of_zeros(scene: Scene) -> None:
    with (scene.root / "sparse").open("wb") as file:
        file.truncate(1_000_000)
    scene.export()
    scene.put("sparse", b"\1" * 1_000_000, dict(scene.bucket["sparse"].metadata))


def name_not_utf8(scene: Scene) -> None:
    Path(os.fsdecode(os.fsencode(scene.root) + b"/caf\xe9")).write_text("")


def name_longer_than_a_key(scene: Scene) -> None:
    deep = scene.root.joinpath(*["d" * 250] * 5)
    deep.mkdir(parents=True)


def key_is_file_and_folder_is_here(scene: Scene) -> None:
    scene.put("movies", b"an old file", {})


def key_is_folder_and_file_is_here(scene: Scene) -> None:
    scene.put("notes/old", b"below what is a file now", {})


def key_of_a_folder_where_a_link_is(scene: Scene) -> None:
    scene.put("link/", b"", {})


def delete_marker(scene: Scene) -> None:
    # The object was in the listing, and was deleted before it is read.
    original = scene.bucket[A].listed
    scene.list_lustre()
    tally = Tally()
    (pair,) = (p for p in align(scene.entries(), [original]) if p.entry.name == A)
    tally.take(pair, None, scene.began_ns)
    assert tally.flaws == {Flaw.MISSING.value: 1}
    del scene.bucket[A]


def last_page_of_the_listing_lost(scene: Scene) -> None:
    for key in sorted(scene.bucket, key=str.encode)[len(scene.bucket) // 2 :]:
        del scene.bucket[key]


def last_lines_of_the_list_lost(scene: Scene) -> None:
    scene.list_lustre()
    del scene.lines[-1]


def one_line_of_the_list_lost(scene: Scene) -> None:
    scene.list_lustre()
    del scene.lines[1]


def truncated_export(scene: Scene) -> None:
    with_object(scene, size=5)


def corrupt_export(scene: Scene) -> None:
    with_object(scene, etag="0" * 32)


def export_without_metadata(scene: Scene) -> None:
    with_object(scene, metadata={})


def export_of_another_owner(scene: Scene) -> None:
    with_object(scene, metadata={**scene.bucket[A].metadata, "file-owner": "77"})


def export_with_other_permissions(scene: Scene) -> None:
    with_object(scene, metadata={**scene.bucket[A].metadata, "file-permissions": "0100600"})


def export_of_another_time(scene: Scene) -> None:
    with_object(scene, metadata={**scene.bucket[A].metadata, "file-mtime": "5ns"})


def garbled_time(scene: Scene) -> None:
    with_object(scene, metadata={**scene.bucket[A].metadata, "file-mtime": "yesterday"})


def link_that_points_elsewhere(scene: Scene) -> None:
    with_object(scene, "link", content=b"movies/b.mrc")


def link_exported_as_file(scene: Scene) -> None:
    with_object(scene, "link", metadata=dict(scene.bucket["notes"].metadata))


def file_of_the_bucket_where_a_folder_is(scene: Scene) -> None:
    del scene.bucket["empty/"]
    scene.put("empty", b"", {})


def empty_folder_missing(scene: Scene) -> None:
    del scene.bucket["empty/"]


def export_failed(scene: Scene) -> None:
    scene.run = ExportRun("task-1", "FAILED", message="the association is misconfigured")


def export_in_part(scene: Scene) -> None:
    scene.run = ExportRun("task-1", "SUCCEEDED", total=4, succeeded=3, failed=1)


def export_cancelled(scene: Scene) -> None:
    scene.run = ExportRun("task-1", "CANCELED")


def clock_behind_the_export(scene: Scene) -> None:
    scene.checksum_bytes = 0
    scene.began_ns -= 3600 * 10**9


def file_of_the_future(scene: Scene) -> None:
    scene.checksum_bytes = 0
    scene.changed[A] = {"ctime_ns": scene.began_ns + 10**15}


def hidden_below_our_own_folder(scene: Scene) -> None:
    (scene.root / ".gotocloud/mine").mkdir(parents=True)
    (scene.root / ".gotocloud/mine/data").write_text("where nothing was compared")


def archive_of_home_missing(scene: Scene) -> None:
    (scene.root / ".gotocloud/home").mkdir(parents=True)
    (scene.root / ".gotocloud/home/home.tar").write_text("not in the bucket")


def archive_of_home_of_the_last_pause(scene: Scene) -> None:
    (scene.root / ".gotocloud/home").mkdir(parents=True)
    tar = scene.root / ".gotocloud/home/home.tar"
    tar.write_text("old")
    scene.export()
    times = tar.stat()
    tar.write_text("new")
    os.utime(tar, ns=(times.st_atime_ns, times.st_mtime_ns))


ATTACKS = [
    (same_size_and_time, Flaw.CONTENT),
    (same_size_and_time_unread, Flaw.CHANGED),
    (within_the_second_of_the_export, Flaw.CHANGED),
    (dirty_by_lustre, Flaw.NOT_EXPORTED),
    (lost_by_lustre, Flaw.LOST),
    (never_archived_but_alike, Flaw.NOT_EXPORTED),
    (changed_between_listing_and_deletion, "changed since"),
    (made_between_listing_and_deletion, "changed since"),
    (deleted_between_listing_and_deletion, "changed since"),
    (opened_by_a_program_that_writes_later, "open for writing"),
    (renamed_during_the_export, Flaw.MISSING),
    (swapped_with_another, Flaw.CONTENT),
    (hard_link_of_a_changed_file, Flaw.CONTENT),
    (sparse_file_of_zeros, Flaw.CONTENT),
    (name_not_utf8, Flaw.NAME),
    (name_longer_than_a_key, Flaw.NAME),
    (key_is_file_and_folder_is_here, Flaw.COLLISION),
    (key_is_folder_and_file_is_here, Flaw.COLLISION),
    (key_of_a_folder_where_a_link_is, Flaw.COLLISION),
    (file_of_the_bucket_where_a_folder_is, Flaw.COLLISION),
    (delete_marker, Flaw.MISSING),
    (last_page_of_the_listing_lost, Flaw.MISSING),
    (last_lines_of_the_list_lost, "entries by the head node's count"),
    (one_line_of_the_list_lost, "entries by the head node's count"),
    (truncated_export, Flaw.SIZE),
    (corrupt_export, Flaw.CONTENT),
    (export_without_metadata, Flaw.MODE),
    (export_of_another_owner, Flaw.OWNER),
    (export_with_other_permissions, Flaw.MODE),
    (export_of_another_time, Flaw.TIME),
    (garbled_time, Flaw.TIME),
    (link_that_points_elsewhere, Flaw.TARGET),
    (link_exported_as_file, Flaw.KIND),
    (empty_folder_missing, Flaw.MISSING),
    (export_failed, "FAILED"),
    (export_in_part, "1 of 4 entries failed"),
    (export_cancelled, "CANCELED"),
    (clock_behind_the_export, Flaw.CHANGED),
    (file_of_the_future, Flaw.CHANGED),
    (hidden_below_our_own_folder, Flaw.MISSING),
    (archive_of_home_missing, Flaw.MISSING),
    (archive_of_home_of_the_last_pause, Flaw.CONTENT),
]


@pytest.mark.parametrize(("attack", "said"), ATTACKS, ids=lambda one: getattr(one, "__name__", ""))
def test_no_attack_is_called_proven(
    scene: Scene, attack: Callable[[Scene], None], said: str
) -> None:
    attack(scene)
    found, _ = scene.verdict()
    assert any(str(said) in one for one in found), found


def test_what_does_not_come_back_is_named(scene: Scene) -> None:
    os.mkfifo(scene.root / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.path.relpath(scene.root / "door"))
    (scene.root / "second").hardlink_to(scene.root / "notes")
    (scene.root / "empty").chmod(0o2755)
    try:
        os.setxattr(scene.root / "notes", "user.colour", b"red")
    except OSError:
        pytest.skip("this disk keeps no attributes")
    scene.export()
    scene.put("only in the bucket", b"", {})
    with_object(scene, storage_class="DEEP_ARCHIVE")
    scene.checksum_bytes = 5
    found, said = scene.verdict()
    assert found == set()
    for part in (
        "2 sockets, pipes or devices",
        "2 names share their file",
        "1 set-uid, set-gid or sticky bits",
        "2 entries have access lists or attributes",
        "1 objects are in an archive tier",
        "1 objects are in the bucket only",
        "1 files were compared by size and time alone",
    ):
        assert part in said


def test_names_that_only_look_like_a_collision_are_none(scene: Scene) -> None:
    for key in ("movie", "movies!", "movies.old", "movies0", "note", "notes!/x", "notes0"):
        scene.put(key, b"", {})
    found, said = scene.verdict()
    assert (found, "7 objects are in the bucket only" in said) == (set(), True)


def test_what_is_remembered_of_names_stays_small() -> None:
    names = _Names(Tally())
    for number in range(50_000):
        names.only_in_bucket(f"movies/{number:06}.mrc")
        assert len(names.objects) <= 2
