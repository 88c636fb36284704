"""The list of everything on a cluster's Lustre, as the head node writes it.

The format is that of `gotocloud/node/inventory.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gotocloud.formats import parse_json
from gotocloud.printed import lines_of

HSM_DIRTY = 0x02
HSM_ARCHIVED = 0x08
HSM_LOST = 0x40
"""Lustre's flags of a file (lustre_user.h): changed since it was exported; exported; lost."""


class EntryKind(StrEnum):
    """What an entry is."""

    FILE = "f"
    FOLDER = "d"
    LINK = "l"


class InventoryError(ValueError):
    """A list that cannot be trusted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, folder or symbolic link on Lustre.

    Args:
        path: Below the root, without a leading slash; a folder's ends in one.
        size: Bytes of a file; 0 for folders and links.
        mode: Permission bits.
        link: Where a symbolic link points.
        md5: Of the content, where it was read.
        hsm: Lustre's flags, where they could be read.
    """

    path: bytes
    kind: EntryKind
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int
    uid: int
    gid: int
    link: bytes | None = None
    md5: str | None = None
    hsm: int | None = None

    @property
    def name(self) -> str:
        """The path for people and JSON; bytes that are not UTF-8 are escaped."""
        return as_text(self.path)

    @property
    def key(self) -> str | None:
        """Key of its object; None where S3 allows no such key."""
        try:
            key = self.path.decode()
        except UnicodeDecodeError:
            return None
        return key if len(self.path) <= MAX_KEY_BYTES else None


MAX_KEY_BYTES = 1024
"""Longest key. Source: S3 User Guide, "Naming Amazon S3 objects"."""


@dataclass(frozen=True)
class Summary:
    """The head node's summary of a list it made.

    Args:
        digest: SHA-256 over paths, kinds, sizes, times, modes and owners.
        packed_sha256: SHA-256 of the written file; empty when nothing was written.
        started_ns: The node's clock when it began.
        counts: How often something noteworthy was found.
        shown: Examples of it.
    """

    files: int
    folders: int
    links: int
    bytes: int
    digest: str
    started_ns: int
    seconds: float
    hashed: int = 0
    hashed_bytes: int = 0
    packed_bytes: int = 0
    packed_sha256: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    shown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """How many lines the list has."""
        return self.files + self.folders + self.links


def read_summary(text: str) -> Summary:
    """Read what the script printed.

    Raises:
        InventoryError: if it is anything else.
    """
    try:
        given = parse_json(lines_of(text.strip())[-1])
        figures = {name: given[name] for name in Summary.__dataclass_fields__ if name in given}
        figures["shown"] = {kind: tuple(paths) for kind, paths in given.get("shown", {}).items()}
        return Summary(**figures)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise InventoryError(f"the head node answered {text[-500:]!r}") from error


def read_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Read a list line by line.

    Raises:
        InventoryError: if a line is malformed, or out of the order of S3's keys.
    """
    last = b""
    for number, line in enumerate(lines, 1):
        try:
            entry = _entry(parse_json(line))
        except (ValueError, TypeError, KeyError) as error:
            raise InventoryError(f"line {number} is {line[:200]!r}") from error
        if entry.path <= last:
            raise InventoryError(f"line {number}, {entry.name!r}, is out of order")
        last = entry.path
        yield entry


def as_bytes(text: str) -> bytes:
    """The bytes of an escaped path."""
    return text.encode("utf-8", "surrogateescape")


def as_text(path: bytes) -> str:
    """A path as text from which its bytes can be had back."""
    return path.decode("utf-8", "surrogateescape")


def shown_name(path: bytes) -> str:
    """A path in one printable line."""
    return repr(path.decode("utf-8", "backslashreplace"))


def _entry(given: Any) -> Entry:
    path, kind, size, mtime_ns, ctime_ns, mode, uid, gid, more = given
    numbers = (size, mtime_ns, ctime_ns, mode, uid, gid)
    if not path or not all(isinstance(number, int) for number in numbers):
        raise ValueError(path)
    link = more.get("link")
    entry = Entry(
        as_bytes(path),
        EntryKind(kind),
        *numbers,
        link=None if link is None else as_bytes(link),
        md5=more.get("md5"),
        hsm=more.get("hsm"),
    )
    if (entry.kind is EntryKind.FOLDER) != path.endswith("/") or (entry.kind is EntryKind.LINK) != (
        link is not None
    ):
        raise ValueError(path)
    return entry
