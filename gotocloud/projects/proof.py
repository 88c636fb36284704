"""Proves that what is on Lustre is in the bucket, entry by entry, as two streams in one order.

What FSx writes: an object for each file, for each symbolic link (its content is the target)
and for each folder (its key ends in a slash), with owner, permissions and time as metadata.
Source: FSx for Lustre User Guide, "POSIX metadata support for data repositories", read
2026-11-22; it keeps no set-uid, set-gid and sticky bits.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gotocloud.contract.project_bucket import RESERVED
from gotocloud.projects.inventory import (
    HSM_ARCHIVED,
    HSM_DIRTY,
    HSM_LOST,
    MAX_KEY_BYTES,
    Entry,
    EntryKind,
    shown_name,
)

DEFAULT_MODE = 0o755
DEFAULT_OWNER = 0
"""What Lustre gives to an object without metadata. Source: as above."""

SECOND_NS = 1_000_000_000
MAX_SHOWN = 1000
"""Problems that are kept one by one; all are counted."""

_TYPES = {0o100000: EntryKind.FILE, 0o040000: EntryKind.FOLDER, 0o120000: EntryKind.LINK}
_MD5 = re.compile(r"[0-9a-f]{32}")
_PARTS = re.compile(r"[0-9a-f]{32}-[0-9]{1,9}")


class Flaw(StrEnum):
    """How an entry of Lustre and its object differ."""

    MISSING = "missing in the bucket"
    SIZE = "another size in the bucket"
    CONTENT = "another content in the bucket"
    TIME = "another time in the bucket"
    TARGET = "a symbolic link that points elsewhere in the bucket"
    KIND = "something else in the bucket"
    OWNER = "another owner in the bucket"
    MODE = "other permissions in the bucket"
    CHANGED = "changed after the export began"
    NOT_EXPORTED = "not exported yet, as Lustre reports"
    LOST = "lost, as Lustre reports"
    NAME = "a name that S3 cannot hold"


INCURABLE = frozenset({Flaw.NAME, Flaw.LOST})
"""What another export cannot put right."""


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object as a listing of the bucket shows it."""

    key: str
    size: int
    etag: str
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An object with all that is known about it.

    Args:
        metadata: User metadata, without `x-amz-meta-`.
        content: Of an object that stands for a symbolic link.
        etag_is_md5: False where encryption makes the ETag something else.
        part_bytes: Size of the first part, where it was uploaded in parts.
    """

    listed: BucketObject
    metadata: Mapping[str, str]
    version: str = ""
    content: bytes | None = None
    etag_is_md5: bool = True
    part_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """An entry and the object that should stand for it.

    Args:
        populated: Whether the bucket holds anything below this folder.
    """

    entry: Entry
    listed: BucketObject | None
    populated: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an entry would not come back as it is."""

    path: bytes
    flaw: Flaw
    detail: str = ""

    def __str__(self) -> str:
        said = f"{shown_name(self.path)}: {self.flaw.value}"
        return f"{said} ({self.detail})" if self.detail else said


@dataclass
class Tally:
    """What a comparison has come to; of fixed size, whatever the number of files.

    Args:
        parts: Files whose content is to be compared part by part: path, part size, ETag.
    """

    files: int = 0
    folders: int = 0
    links: int = 0
    total_bytes: int = 0
    checksums: int = 0
    checksum_bytes: int = 0
    implied_folders: int = 0
    special_bits: int = 0
    only_in_bucket: int = 0
    flaws: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    parts: list[tuple[str, int, str]] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def entries(self) -> int:
        """How many entries were compared."""
        return self.files + self.folders + self.links

    @property
    def flawed(self) -> int:
        """How many problems there are."""
        return sum(self.flaws.values())

    @property
    def curable(self) -> bool:
        """Whether another export may help."""
        return not any(Flaw(flaw) in INCURABLE for flaw in self.flaws)

    def add(self, problem: Problem) -> None:
        """Count a problem, and keep it if there is room."""
        self.flaws[problem.flaw.value] = self.flaws.get(problem.flaw.value, 0) + 1
        if len(self.problems) < MAX_SHOWN:
            self.problems.append(problem)

    def take(self, pair: Pair, stored: Stored | None, exported_from_ns: int) -> bytes:
        """Compare one entry; returns the line of the record about it."""
        entry = pair.entry
        for problem in judge(entry, stored, pair.populated, exported_from_ns):
            self.add(problem)
        if entry.kind is EntryKind.FILE:
            self.files += 1
            self.total_bytes += entry.size
        elif entry.kind is EntryKind.FOLDER:
            self.folders += 1
            self.implied_folders += stored is None and pair.populated
        else:
            self.links += 1
        self.special_bits += entry.kind is not EntryKind.LINK and entry.mode > 0o777
        if entry.md5 and stored is not None:
            self._checksum(entry, stored)
        line = _record(entry, stored)
        self.digest.update(line)
        return line

    def _checksum(self, entry: Entry, stored: Stored) -> None:
        if stored.etag_is_md5 and _MD5.fullmatch(stored.listed.etag):
            self.checksums += 1
            self.checksum_bytes += entry.size
        elif stored.etag_is_md5 and stored.part_bytes and _PARTS.fullmatch(stored.listed.etag):
            self.parts.append((entry.name, stored.part_bytes, stored.listed.etag))


def align(
    entries: Iterable[Entry], objects: Iterable[BucketObject], tally: Tally | None = None
) -> Iterator[Pair]:
    """Put each entry beside its object; both come in the order of the keys' bytes.

    Args:
        tally: Counts objects that Lustre does not have.

    Raises:
        ValueError: if the objects are out of order.
    """
    left = _ordered(one for one in objects if not one.key.startswith(RESERVED))
    current = next(left, None)
    for entry in entries:
        while current is not None and current.key.encode() < entry.path:
            if tally is not None:
                tally.only_in_bucket += 1
            current = next(left, None)
        mine = None
        if current is not None and current.key.encode() == entry.path:
            mine, current = current, next(left, None)
        below = entry.kind is EntryKind.FOLDER and current is not None
        populated = below and current is not None and current.key.encode().startswith(entry.path)
        yield Pair(entry, mine, populated)
    if tally is not None:
        tally.only_in_bucket += (current is not None) + sum(1 for _ in left)


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
        said = f"{len(entry.path)} bytes; S3 takes {MAX_KEY_BYTES}" if long else "it is not UTF-8"
        yield Problem(entry.path, Flaw.NAME, said)
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
    if entry.hsm is not None and entry.hsm & HSM_DIRTY:
        yield Problem(entry.path, Flaw.NOT_EXPORTED)
    if not _same_time(entry, stored):
        yield Problem(entry.path, Flaw.TIME)
    same = _same_content(entry, stored)
    if same is False:
        yield Problem(entry.path, Flaw.CONTENT, "MD5")
    clean = entry.hsm is not None and entry.hsm & (HSM_ARCHIVED | HSM_DIRTY) == HSM_ARCHIVED
    if _maybe_after(entry.ctime_ns, exported_from_ns) and not clean and not same:
        yield Problem(entry.path, Flaw.CHANGED)


def _maybe_after(time_ns: int, moment_ns: int) -> bool:
    """Whether something with this time may have happened after a moment.

    Lustre keeps whole seconds: a change of the moment's own second has an earlier time.
    """
    if time_ns % SECOND_NS == 0:
        moment_ns -= moment_ns % SECOND_NS
    return time_ns >= moment_ns


def _same_time(entry: Entry, stored: Stored) -> bool:
    told = stored.metadata.get("file-mtime")
    if told is None:
        # Lustre takes the time of the object, which S3 returns in whole seconds.
        return entry.mtime_ns // SECOND_NS == stored.listed.modified_ns // SECOND_NS
    time = nanoseconds(told)
    if time is None:
        return False
    unit = 1 if told.endswith("ns") else 1_000_000
    # Lustre itself keeps whole seconds: what it shows may have lost the rest.
    return entry.mtime_ns // unit == time // unit or (
        entry.mtime_ns % SECOND_NS == 0 and entry.mtime_ns == time // SECOND_NS * SECOND_NS
    )


def _same_content(entry: Entry, stored: Stored) -> bool | None:
    """Whether the checksums agree; None when there is none to compare."""
    if entry.md5 is None or not stored.etag_is_md5 or not _MD5.fullmatch(stored.listed.etag):
        return None
    return entry.md5 == stored.listed.etag


def _owner_and_mode(entry: Entry, metadata: Mapping[str, str]) -> Iterator[Problem]:
    owner = (_number(metadata, "file-owner"), _number(metadata, "file-group"))
    if owner != (entry.uid, entry.gid):
        said = f"{entry.uid}:{entry.gid} on Lustre, {owner[0]}:{owner[1]} in the bucket"
        yield Problem(entry.path, Flaw.OWNER, said)
    if entry.kind is EntryKind.LINK:
        return
    told = metadata.get("file-permissions")
    mode = DEFAULT_MODE if told is None else _octal(told)
    if mode is None or mode & 0o777 != entry.mode & 0o777:
        said = f"{entry.mode & 0o777:o} on Lustre, {told or oct(DEFAULT_MODE)} in the bucket"
        yield Problem(entry.path, Flaw.MODE, said)


def _number(metadata: Mapping[str, str], name: str) -> int | str:
    told = metadata.get(name, str(DEFAULT_OWNER))
    return int(told) if re.fullmatch(r"[0-9]{1,10}", told) else told


def _octal(text: str) -> int | None:
    return int(text, 8) if re.fullmatch(r"[0-7]{1,8}", text) else None


def _stored_kind(stored: Stored) -> EntryKind | None:
    told = _octal(stored.metadata.get("file-permissions", ""))
    if told is not None and told & 0o170000:
        return _TYPES.get(told & 0o170000)
    return EntryKind.FOLDER if stored.listed.key.endswith("/") else EntryKind.FILE


def _ordered(objects: Iterable[BucketObject]) -> Iterator[BucketObject]:
    last = b""
    for one in objects:
        key = one.key.encode()
        if key <= last:
            raise ValueError(f"the listing of the bucket is out of order at {one.key!r}")
        last = key
        yield one


def _record(entry: Entry, stored: Stored | None) -> bytes:
    about = [entry.name, entry.kind.value, entry.size, entry.mtime_ns]
    if stored is not None:
        about += [stored.listed.etag, stored.version]
    return json.dumps(about).encode() + b"\n"
