"""Judges whether an entry of Lustre would come back from its object as it is.

What FSx writes: an object for each file, for each symbolic link (its content is the target)
and for each folder (its key ends in a slash), with owner, permissions and time as metadata.
Source: FSx for Lustre User Guide, "POSIX metadata support for data repositories", read
2026-11-22; it keeps no set-uid, set-gid and sticky bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gotocloud.projects.inventory import (
    HSM_ARCHIVED,
    HSM_DIRTY,
    HSM_LOST,
    MAX_KEY_BYTES,
    Entry,
    EntryKind,
    shown_name,
)
from gotocloud.projects.stored import Flaw, Problem, Stored

DEFAULT_MODE = 0o755
DEFAULT_OWNER = 0
"""What Lustre gives to an object without metadata. Source: as above."""

SECOND_NS = 1_000_000_000

_TYPES = {0o100000: EntryKind.FILE, 0o040000: EntryKind.FOLDER, 0o120000: EntryKind.LINK}


def judge(
    entry: Entry, stored: Stored | None, populated: bool, exported_from_ns: int
) -> Iterator[Problem]:
    """Every reason why an entry would not come back as it is.

    Args:
        populated: Whether the bucket holds anything below this folder.
        exported_from_ns: When the export began, by the clock of the head node.
    """
    if entry.key is None:
        long = len(entry.path) > MAX_KEY_BYTES
        stated = f"{len(entry.path)} bytes; S3 takes {MAX_KEY_BYTES}" if long else "it is not UTF-8"
        yield Problem(entry.path, Flaw.NAME, stated)
        return
    if entry.hsm is not None and entry.hsm & HSM_LOST:
        yield Problem(entry.path, Flaw.LOST)
    if stored is None:
        # Lustre shows a folder for the keys below it, with the default owner and mode.
        if not (entry.kind is EntryKind.FOLDER and populated):
            yield Problem(entry.path, Flaw.MISSING)
            return
        yield from _owner_and_mode(entry, {})
        return
    kind = _stored_kind(stored)
    if kind is not entry.kind:
        yield Problem(entry.path, Flaw.KIND, f"{entry.kind.name.lower()} on Lustre")
        return
    yield from _owner_and_mode(entry, stored.metadata)
    if entry.kind is EntryKind.FILE:
        yield from _file(entry, stored, exported_from_ns)
    elif entry.kind is EntryKind.LINK and stored.content != entry.link:
        yield Problem(entry.path, Flaw.TARGET, f"to {shown_name(stored.content or b'')}")


def nanoseconds(text: str) -> int | None:
    """A time of FSx's metadata; without "ns" it counts milliseconds."""
    found = re.fullmatch(r"(-?[0-9]{1,20})(ns)?", text)
    return int(found[1]) * (1 if found[2] else 1_000_000) if found else None


def _file(entry: Entry, stored: Stored, exported_from_ns: int) -> Iterator[Problem]:
    listed = stored.listed
    if listed.size != entry.size:
        sizes = f"{entry.size} bytes on Lustre, {listed.size} in the bucket"
        yield Problem(entry.path, Flaw.SIZE, sizes)
        return
    if _is_unarchived(entry, stored):
        yield Problem(entry.path, Flaw.NOT_EXPORTED)
    if not _same_time(entry, stored):
        yield Problem(entry.path, Flaw.TIME)
    same = _same_content(entry, stored)
    if same is False:
        yield Problem(entry.path, Flaw.CONTENT, "MD5")
    clean = entry.hsm is not None and entry.hsm & (HSM_ARCHIVED | HSM_DIRTY) == HSM_ARCHIVED
    if _maybe_after(entry.ctime_ns, exported_from_ns) and not clean and not same:
        yield Problem(entry.path, Flaw.CHANGED)


def _is_unarchived(entry: Entry, stored: Stored) -> bool:
    """Whether Lustre itself reports that its content is not, or not so, in its archive.

    An object of the same size and time may come from elsewhere: without a checksum of both, a
    file that Lustre never archived is not in the bucket.
    """
    if entry.hsm is None:
        return False
    never = not entry.hsm & HSM_ARCHIVED and entry.size > 0 and not _same_content(entry, stored)
    in_parts = bool(entry.md5 and stored.part_bytes)
    return bool(entry.hsm & HSM_DIRTY) or (never and not in_parts)


def _maybe_after(time_ns: int, moment_ns: int) -> bool:
    """Whether something with this time may have happened after a moment.

    Lustre keeps whole seconds: a change of the moment's own second has an earlier time.
    """
    if time_ns % SECOND_NS == 0:
        moment_ns -= moment_ns % SECOND_NS
    return time_ns >= moment_ns


def _same_time(entry: Entry, stored: Stored) -> bool:
    reported = stored.metadata.get("file-mtime")
    if reported is None:
        # Lustre takes the time of the object, which S3 returns in whole seconds.
        return entry.mtime_ns // SECOND_NS == stored.listed.modified_ns // SECOND_NS
    time = nanoseconds(reported)
    if time is None:
        return False
    unit = 1 if reported.endswith("ns") else 1_000_000
    # Lustre itself keeps whole seconds: what it shows may have lost the rest.
    return entry.mtime_ns // unit == time // unit or (
        entry.mtime_ns % SECOND_NS == 0 and entry.mtime_ns == time // SECOND_NS * SECOND_NS
    )


def _same_content(entry: Entry, stored: Stored) -> bool | None:
    """Whether the checksums agree; None when there is none to compare."""
    return None if entry.md5 is None or stored.md5 is None else entry.md5 == stored.md5


def _owner_and_mode(entry: Entry, metadata: Mapping[str, str]) -> Iterator[Problem]:
    owner = (_number(metadata, "file-owner"), _number(metadata, "file-group"))
    if owner != (entry.uid, entry.gid):
        stated = f"{entry.uid}:{entry.gid} on Lustre, {owner[0]}:{owner[1]} in the bucket"
        yield Problem(entry.path, Flaw.OWNER, stated)
    if entry.kind is EntryKind.LINK:
        return
    reported = metadata.get("file-permissions")
    mode = DEFAULT_MODE if reported is None else _octal(reported)
    if mode is None or mode & 0o777 != entry.mode & 0o777:
        stated = f"{entry.mode & 0o777:o} on Lustre, {reported or oct(DEFAULT_MODE)} in the bucket"
        yield Problem(entry.path, Flaw.MODE, stated)


def _number(metadata: Mapping[str, str], name: str) -> int | str:
    reported = metadata.get(name, str(DEFAULT_OWNER))
    return int(reported) if re.fullmatch(r"[0-9]{1,10}", reported) else reported


def _octal(text: str) -> int | None:
    return int(text, 8) if re.fullmatch(r"[0-7]{1,8}", text) else None


def _stored_kind(stored: Stored) -> EntryKind | None:
    reported = _octal(stored.metadata.get("file-permissions", ""))
    if reported is not None and reported & 0o170000:
        return _TYPES.get(reported & 0o170000)
    return EntryKind.FOLDER if stored.listed.key.endswith("/") else EntryKind.FILE
