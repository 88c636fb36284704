"""POSIX metadata of S3 objects as FSx for Lustre reads and writes them.

Source: FSx for Lustre User Guide, "POSIX metadata support for data repositories" and
"Walkthrough: Attaching POSIX permissions when uploading objects into an S3 bucket",
read 2026-11-22.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from gotocloud.transfer.tree import TreeEntry, TreeKind

CLUSTER_USER_ID = 1000
CLUSTER_GROUP_ID = 1000
"""The user `ubuntu`, which Canonical's cloud images make first, and with them ParallelCluster's.

Numbers of the laboratory's own users mean nothing on the cluster.
"""

LUSTRE = "aws-fsx-lustre"
"""What an export from Lustre writes as `user-agent`; an import ignores it."""
OURS = "gotocloud"

_TYPES = {TreeKind.FILE: stat.S_IFREG, TreeKind.FOLDER: stat.S_IFDIR, TreeKind.LINK: stat.S_IFLNK}
# The cluster's user owns everything, so he must be able to use it.
_OWNER_MAY = {TreeKind.FILE: 0o600, TreeKind.FOLDER: 0o700, TreeKind.LINK: 0o777}


@dataclass(frozen=True, slots=True)
class Posix:
    """What an object's metadata state about the file that it stands for.

    Args:
        kind: None if unknown.
        permissions: Permission bits; None if unknown.
    """

    kind: TreeKind | None = None
    permissions: int | None = None
    mtime_ns: int | None = None
    atime_ns: int | None = None
    user_agent: str = ""


def metadata(entry: TreeEntry) -> dict[str, str]:
    """The user metadata (without `x-amz-meta-`) with which Lustre shows an entry."""
    permissions = (stat.S_IMODE(entry.mode) & 0o777) | _OWNER_MAY[entry.kind]
    return {
        "user-agent": OURS,
        "file-permissions": f"0{_TYPES[entry.kind] | permissions:o}",
        "file-owner": str(CLUSTER_USER_ID),
        "file-group": str(CLUSTER_GROUP_ID),
        # Without "ns" FSx takes a time for milliseconds.
        "file-atime": f"{entry.atime_ns}ns",
        "file-mtime": f"{entry.mtime_ns}ns",
    }


def parse(given: Mapping[str, str]) -> Posix:
    """Read user metadata; what is missing or malformed is None."""
    mode = _octal(given.get("file-permissions", ""))
    kinds = {type_: kind for kind, type_ in _TYPES.items()}
    return Posix(
        kind=None if mode is None else kinds.get(stat.S_IFMT(mode)),
        permissions=None if mode is None else stat.S_IMODE(mode) & 0o777,
        mtime_ns=_nanoseconds(given.get("file-mtime", "")),
        atime_ns=_nanoseconds(given.get("file-atime", "")),
        user_agent=given.get("user-agent", ""),
    )


def _octal(text: str) -> int | None:
    return int(text, 8) if re.fullmatch(r"[0-7]{1,8}", text) else None


def _nanoseconds(text: str) -> int | None:
    found = re.fullmatch(r"(-?\d{1,20})(ns)?", text)
    if not found:
        return None
    return int(found[1]) * (1 if found[2] else 1_000_000)
