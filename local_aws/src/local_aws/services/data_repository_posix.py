"""POSIX metadata as FSx for Lustre keeps it at S3 objects, and what lies in a directory.

Source: FSx for Lustre guide, "POSIX metadata support for data repositories" (read 2026-11).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

USER_AGENT = "aws-fsx-lustre"
DEFAULT_PERMISSIONS = 0o755
"""What FSx gives to imported files and directories without POSIX metadata; their owner is root."""
LONGEST_KEY = 1024
"""Bytes of an S3 key; FSx exports nothing with a longer one."""
LONGEST_NAME = 255
"""Bytes of a file's name in Lustre."""
_PERMISSIONS = 0o7777 & ~stat.S_ISUID


@dataclass(frozen=True)
class Entry:
    """A regular file, directory or symbolic link.

    Args:
        path: Relative to the linked directory.
        mode: `st_mode`, type included.
        size: In bytes.
        uid: Owner.
        gid: Group.
        atime_ns: Last access, in nanoseconds.
        mtime_ns: Last change of the content.
        ctime_ns: Last change of anything.
    """

    path: str
    mode: int
    size: int
    uid: int
    gid: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)

    @property
    def fingerprint(self) -> tuple[int, ...]:
        """Differs when content or metadata may have changed; reading changes nothing."""
        size = 0 if self.is_directory else self.size
        return (self.mode, size, self.uid, self.gid, self.mtime_ns, self.ctime_ns)

    @property
    def key(self) -> str:
        """Its key below the prefix of the association."""
        return f"{self.path}/" if self.is_directory else self.path


def look(root: Path, path: str) -> Entry | None:
    """What lies at a path; None when nothing does, or nothing that FSx exports."""
    try:
        found = os.lstat(root / path)
    except OSError:
        return None
    if not (
        stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) or stat.S_ISLNK(found.st_mode)
    ):
        return None
    return Entry(
        path,
        found.st_mode,
        found.st_size,
        found.st_uid,
        found.st_gid,
        found.st_atime_ns,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def walk(root: Path, start: str = "") -> Iterator[Entry]:
    """Everything below a path of a directory, and what lies at the path itself.

    The directory itself is not part of it. Links are not followed.
    """
    if start and (found := look(root, start)):
        yield found
        if not found.is_directory:
            return
    try:
        names = sorted(item.name for item in (root / start).iterdir())
    except OSError:
        return
    for name in names:
        path = f"{start}/{name}" if start else name
        entry = look(root, path)
        if entry is None:
            continue
        if entry.is_directory:
            yield from walk(root, path)
        else:
            yield entry


def metadata_of(entry: Entry) -> dict[str, str]:
    """User metadata of the object of an entry (without `x-amz-meta-`)."""
    kind = stat.S_IFMT(entry.mode)
    return {
        "user-agent": USER_AGENT,
        "file-permissions": f"{kind | (entry.mode & _PERMISSIONS):07o}",
        "file-owner": str(entry.uid),
        "file-group": str(entry.gid),
        "file-atime": f"{entry.atime_ns}ns",
        "file-mtime": f"{entry.mtime_ns}ns",
    }


@dataclass(frozen=True)
class Posix:
    """POSIX metadata of an object; None for what it does not have."""

    kind: int | None
    permissions: int
    uid: int
    gid: int
    atime_ns: int | None
    mtime_ns: int | None


def posix_of(metadata: Mapping[str, str]) -> Posix:
    """Read an object's user metadata; what is missing or unreadable is FSx's default."""
    mode = _number(metadata.get("file-permissions"), 8)
    return Posix(
        kind=stat.S_IFMT(mode) or None if mode is not None else None,
        permissions=DEFAULT_PERMISSIONS if mode is None else mode & _PERMISSIONS,
        uid=_number(metadata.get("file-owner")) or 0,
        gid=_number(metadata.get("file-group")) or 0,
        atime_ns=_time(metadata.get("file-atime")),
        mtime_ns=_time(metadata.get("file-mtime")),
    )


def _number(text: str | None, base: int = 10) -> int | None:
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    if text.endswith("ns"):
        return _number(text.removesuffix("ns"))
    milliseconds = _number(text)
    return None if milliseconds is None else milliseconds * 1_000_000


def is_posix_path(key: str) -> bool:
    """Whether a key can be a path: FSx imports no others."""
    parts = key.removesuffix("/").split("/")
    return all(
        part not in ("", ".", "..") and "\0" not in part and len(part.encode()) <= LONGEST_NAME
        for part in parts
    )


def is_text(path: str) -> bool:
    """Whether a path is UTF-8; FSx exports no others."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
