from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.projects.alignment import align
from gotocloud.projects.inventory import HSM_ARCHIVED, HSM_DIRTY, HSM_LOST, Entry, EntryKind
from gotocloud.projects.judging import judge, nanoseconds
from gotocloud.projects.proof import MAX_SHOWN, Tally
from gotocloud.projects.stored import BucketObject, Flaw, Stored

EXPORTED_FROM = 5_000_000_000_000_000_000
BEFORE = EXPORTED_FROM - 60 * 10**9 + 123_456_789
TYPES = {EntryKind.FILE: 0o100000, EntryKind.FOLDER: 0o040000, EntryKind.LINK: 0o120000}

names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
).filter(lambda name: name not in {".", "..", ".gotocloud"})
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


def file(path: str = "a", content: bytes = b"data", **changed: Any) -> Entry:
    entry = Entry(
        path.encode(),
        EntryKind.FILE,
        len(content),
        BEFORE,
        BEFORE,
        0o644,
        1000,
        1000,
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
    )
    return replace(entry, **changed)


def folder(path: str = "a/", **changed: Any) -> Entry:
    given: dict[str, Any] = {
        "kind": EntryKind.FOLDER,
        "size": 0,
        "md5": None,
        "mode": 0o755,
    } | changed
    return replace(file(path), **given)


def link(path: str = "a", to: bytes = b"../b", **changed: Any) -> Entry:
    given: dict[str, Any] = {
        "kind": EntryKind.LINK,
        "size": 0,
        "md5": None,
        "link": to,
        "mode": 0o777,
    } | changed
    return replace(file(path), **given)


def exported(entry: Entry) -> Stored:
    """The object that FSx writes for an entry."""
    content = entry.link or b""
    md5 = entry.md5 or hashlib.md5(content, usedforsecurity=False).hexdigest()
    size = entry.size if entry.kind is EntryKind.FILE else len(content)
    listed = BucketObject(entry.path.decode(), size, md5, EXPORTED_FROM)
    metadata = {
        "file-permissions": f"{TYPES[entry.kind] | entry.mode:07o}",
        "file-owner": str(entry.uid),
        "file-group": str(entry.gid),
        "file-mtime": f"{entry.mtime_ns}ns",
    }
    return Stored(listed, metadata, content=entry.link)


def flaws(entry: Entry, stored: Stored | None, *, populated: bool = False) -> set[Flaw]:
    return {problem.flaw for problem in judge(entry, stored, populated, EXPORTED_FROM)}


def without(stored: Stored, *keys: str, **changed: str) -> Stored:
    kept = {key: value for key, value in stored.metadata.items() if key not in keys}
    return replace(stored, metadata=kept | {k.replace("_", "-"): v for k, v in changed.items()})


def trees(of: st.SearchStrategy[str] = paths) -> st.SearchStrategy[dict[str, Entry]]:
    """Trees with every folder, as a file system has them."""

    def grown(wanted: dict[str, str]) -> dict[str, Entry]:
        tree: dict[str, Entry] = {}
        for path, kind in wanted.items():
            parts = path.split("/")
            above = ["/".join(parts[:n]) for n in range(1, len(parts))]
            if any(key in tree for key in above) or f"{path}/" in tree:
                continue
            for parent in above:
                tree[f"{parent}/"] = folder(f"{parent}/")
            if kind == "d":
                tree[f"{path}/"] = folder(f"{path}/")
            else:
                tree[path] = link(path, path.encode()) if kind == "l" else file(path, path.encode())
        return dict(sorted(tree.items(), key=lambda item: item[0].encode()))

    return st.dictionaries(of, st.sampled_from("fdl"), max_size=8).map(grown)


def compare(tree: dict[str, Entry], objects: dict[str, Stored]) -> Tally:
    tally = Tally()
    listing = [objects[key].listed for key in sorted(objects, key=str.encode)]
    for pair in align(tree.values(), listing, tally):
        stored = objects[pair.listed.key] if pair.listed else None
        tally.take(pair, stored, EXPORTED_FROM)
    return tally


@given(trees())
def test_what_was_exported_is_proven(tree: dict[str, Entry]) -> None:
    tally = compare(tree, {key: exported(entry) for key, entry in tree.items()})
    assert tally.flaws == {}
    assert tally.entries == len(tree)
    assert tally.checksums == tally.files
    assert tally.only_in_bucket == 0


@given(trees(), st.data())
def test_any_one_missing_file_or_link_is_found(tree: dict[str, Entry], data: Any) -> None:
    leaves = [key for key in tree if not key.endswith("/")]
    if not leaves:
        return
    objects = {key: exported(entry) for key, entry in tree.items()}
    gone = data.draw(st.sampled_from(leaves))
    del objects[gone]
    tally = compare(tree, objects)
    assert (gone.encode(), Flaw.MISSING) in {(p.path, p.flaw) for p in tally.problems}


@given(trees(), st.data())
def test_any_one_damaged_object_is_found(tree: dict[str, Entry], data: Any) -> None:
    if not tree:
        return
    objects = {key: exported(entry) for key, entry in tree.items()}
    key = data.draw(st.sampled_from(list(tree)))
    damages = {
        EntryKind.FILE: ["size", "md5", "time", "owner", "mode", "kind"],
        EntryKind.LINK: ["target", "owner", "kind"],
        EntryKind.FOLDER: ["owner", "mode", "kind"],
    }
    damage = data.draw(st.sampled_from(damages[tree[key].kind]))
    objects[key] = damaged(objects[key], damage)
    tally = compare(tree, objects)
    assert [problem.path for problem in tally.problems] == [key.encode()]


def damaged(stored: Stored, damage: str) -> Stored:
    listed = stored.listed
    if damage == "size":
        return replace(stored, listed=replace(listed, size=listed.size + 1))
    if damage == "md5":
        return replace(stored, listed=replace(listed, etag="0" * 32))
    if damage == "target":
        return replace(stored, content=b"elsewhere")
    change = {
        "time": {"file_mtime": "1ns"},
        "owner": {"file_owner": "77"},
        "mode": {"file_permissions": stored.metadata["file-permissions"][:-3] + "000"},
        "kind": {"file_permissions": "0060644"},
    }[damage]
    return without(stored, **change)


few = st.lists(st.sampled_from(["a", "a-", "a0", "a!", "ab"]), min_size=1, max_size=3).map("/".join)


def colliding(tree: dict[str, Entry], only: set[str]) -> set[bytes]:
    """Entries whose place an object that Lustre lacks would take, looked for one by one."""
    folders = {key for key in tree if key.endswith("/") and key.rstrip("/") in only}
    leaves = {key for key in tree if not key.endswith("/")}
    below = {leaf for leaf in leaves if any(key.startswith(f"{leaf}/") for key in only)}
    return {key.encode() for key in folders | below}


@given(trees(few) | trees(), st.lists(few | paths, max_size=5), st.booleans())
def test_objects_that_lustre_lacks_are_counted_and_harm_only_what_has_their_name(
    tree: dict[str, Entry], extra: list[str], folders: bool
) -> None:
    objects = {key: exported(entry) for key, entry in tree.items()}
    keys = {f"{path}/" if folders else path for path in extra} - tree.keys()
    tally = compare(tree, objects | {key: exported(file(key)) for key in keys})
    assert set(tally.flaws) <= {Flaw.COLLISION.value}
    assert {problem.path for problem in tally.problems} == colliding(tree, keys)
    assert tally.only_in_bucket == len(keys)


def test_our_own_objects_are_no_part_of_a_proof() -> None:
    tally = compare({}, {".gotocloud/proofs/x": exported(file(".gotocloud/proofs/x"))})
    assert tally.only_in_bucket == 0


def test_objects_out_of_order_are_refused() -> None:
    listing = [exported(file(name)).listed for name in ("b", "a")]
    with pytest.raises(ValueError, match="out of order"):
        list(align([file("c")], listing))


def test_a_changed_file_of_the_same_size_is_found_by_its_checksum() -> None:
    entry = file(content=b"data")
    assert flaws(entry, exported(file(content=b"DATA"))) == {Flaw.CONTENT}


def test_a_changed_file_of_the_same_size_is_found_by_its_time_without_a_checksum() -> None:
    entry = file(md5=None)
    stored = exported(file(mtime_ns=BEFORE - 1))
    assert flaws(entry, stored) == {Flaw.TIME}


def test_a_file_written_after_the_export_began_is_found() -> None:
    late = file(md5=None, ctime_ns=EXPORTED_FROM)
    assert flaws(late, exported(late)) == {Flaw.CHANGED}


def test_a_change_within_the_second_of_the_export_is_found_where_times_are_whole_seconds() -> None:
    """Lustre: the export began at 10.7 s, the file was written at 10.9 s and shows 10 s."""
    second = 1_000_000_000
    late = file(md5=None, ctime_ns=10 * second)
    for began_ns in (10 * second, 10 * second + 700_000_000, 11 * second - 1):
        assert set(judge(late, exported(late), False, began_ns)), began_ns
    assert not set(judge(late, exported(late), False, 11 * second))
    exact = file(md5=None, ctime_ns=10 * second + 500)
    assert not set(judge(exact, exported(exact), False, 10 * second + 700))


def test_a_late_change_that_its_checksum_vouches_for_is_fine() -> None:
    late = file(ctime_ns=EXPORTED_FROM + 1)
    assert flaws(late, exported(late)) == set()


def test_a_late_change_that_lustre_has_archived_since_is_fine() -> None:
    late = file(md5=None, ctime_ns=EXPORTED_FROM + 1, hsm=HSM_ARCHIVED)
    assert flaws(late, exported(late)) == set()


def test_what_lustre_calls_changed_since_its_export_is_not_proven() -> None:
    entry = file(hsm=HSM_ARCHIVED | HSM_DIRTY)
    assert flaws(entry, exported(entry)) == {Flaw.NOT_EXPORTED}


def test_what_lustre_has_lost_cannot_be_cured() -> None:
    tally = Tally()
    entry = file(hsm=HSM_ARCHIVED | HSM_LOST)
    pair = next(align([entry], [exported(entry).listed]))
    tally.take(pair, exported(entry), EXPORTED_FROM)
    assert not tally.curable


def test_a_symbolic_link_that_points_elsewhere_is_found() -> None:
    assert flaws(link(to=b"../b"), exported(link(to=b"../c"))) == {Flaw.TARGET}


def test_a_link_whose_object_is_a_plain_file_is_found() -> None:
    assert flaws(link(), exported(file())) == {Flaw.KIND}


def test_an_empty_folder_needs_its_object() -> None:
    assert flaws(folder(), None) == {Flaw.MISSING}


def test_a_folder_of_the_default_owner_is_made_again_by_what_is_in_it() -> None:
    plain = folder(uid=0, gid=0, mode=0o755)
    assert flaws(plain, None, populated=True) == set()
    assert flaws(folder(uid=0, gid=0, mode=0o775), None, populated=True) == {Flaw.MODE}
    assert flaws(folder(mode=0o755), None, populated=True) == {Flaw.OWNER}


def test_an_object_without_metadata_comes_back_with_lustres_defaults() -> None:
    stored = replace(exported(file()), metadata={})
    plain = file(uid=0, gid=0, mode=0o755, mtime_ns=EXPORTED_FROM)
    assert flaws(plain, stored) == set()
    assert flaws(file(), stored) == {Flaw.OWNER, Flaw.MODE, Flaw.TIME}


def test_times_of_whole_seconds_as_lustre_keeps_them_agree() -> None:
    told = without(exported(file()), file_mtime="7000000000123456789ns")
    assert flaws(file(mtime_ns=7_000_000_000_000_000_000), told) == set()
    assert flaws(file(mtime_ns=7_000_000_000_000_000_001), told) == {Flaw.TIME}


def test_times_without_a_unit_are_milliseconds() -> None:
    assert nanoseconds("1500") == 1_500_000_000
    assert nanoseconds("1500ns") == 1500
    assert nanoseconds("soon") is None


def test_special_bits_are_counted_and_not_called_a_difference() -> None:
    entry = folder(mode=0o2755)
    stored = without(exported(entry), file_permissions="0040755")
    tally = compare({"a/": entry}, {"a/": stored})
    assert (tally.flaws, tally.special_bits) == ({}, 1)


def test_names_that_s3_cannot_hold_are_found_and_cannot_be_cured() -> None:
    long, odd = file("x" * 1025), replace(file(), path=b"caf\xe9")
    tally = Tally()
    for pair in align([odd, long], []):
        tally.take(pair, None, EXPORTED_FROM)
    assert set(tally.flaws) == {Flaw.NAME.value}
    assert not tally.curable


def test_a_checksum_of_parts_is_left_to_the_head_node() -> None:
    entry = file()
    stored = exported(entry)
    parts = replace(stored, listed=replace(stored.listed, etag=f"{'0' * 32}-2"), part_bytes=3)
    tally = compare({"a": entry}, {"a": parts})
    assert tally.parts == [("a", 3, f"{'0' * 32}-2")]
    assert (tally.flaws, tally.checksums) == ({}, 0)


def test_a_tally_keeps_a_bounded_number_of_problems_and_counts_all() -> None:
    tally = Tally()
    for number in range(MAX_SHOWN + 5):
        pair = next(align([file(str(number))], []))
        tally.take(pair, None, EXPORTED_FROM)
    assert (len(tally.problems), tally.flawed) == (MAX_SHOWN, MAX_SHOWN + 5)
