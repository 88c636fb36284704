"""What the bucket holds for an entry of Lustre, and how the two may differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gotocloud.projects.inventory import Entry, shown_name

FROZEN = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects take hours to come back. Source: S3 User Guide, "Understanding
S3 Glacier storage classes", read 2026-11-30."""

_MD5 = re.compile(r"[0-9a-f]{32}")


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
    COLLISION = "file here and folder there: one name twice in the bucket"


INCURABLE = frozenset({Flaw.NAME, Flaw.LOST, Flaw.COLLISION})
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
        storage_class: S3's name of it; "STANDARD" where S3 names none.
    """

    listed: BucketObject
    metadata: Mapping[str, str]
    version: str = ""
    content: bytes | None = None
    etag_is_md5: bool = True
    part_bytes: int = 0
    storage_class: str = "STANDARD"

    @property
    def md5(self) -> str | None:
        """MD5 of the content, where the ETag is one."""
        etag = self.listed.etag
        return etag if self.etag_is_md5 and _MD5.fullmatch(etag) else None


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
        stated = f"{shown_name(self.path)}: {self.flaw.value}"
        return f"{stated} ({self.detail})" if self.detail else stated
