"""The S3 side of a data repository: the objects below a prefix, in moto's memory.

FSx reaches S3 by its own role, so this uses no API: no request is signed, and
no injected fault of the S3 API strikes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.s3.models import FakeKey, s3_backends
from moto.s3.utils import compute_checksum

PART_BYTES = 8 * 1024 * 1024
"""Above this, an object's ETag is that of a multipart upload, so that no program uses it as an MD5.
FSx does upload in parts; the size of its parts is not documented."""
_META = "x-amz-meta-"


class RepositoryError(Exception):
    """S3 refuses; the text is FSx's error code."""


@dataclass(frozen=True)
class Identity:
    """Identifies one version of an object."""

    version: str
    etag: str
    modified: str


@dataclass(frozen=True)
class LinkedBucket:
    """The part of a bucket that an association links.

    Args:
        account: Who owns the bucket.
        name: Its name.
        prefix: Empty, or ends in a slash.
    """

    account: str
    name: str
    prefix: str

    @classmethod
    def at(cls, account: str, path: str) -> LinkedBucket:
        """From `s3://bucket/prefix/`."""
        name, _, prefix = path.removeprefix("s3://").partition("/")
        prefix = prefix.strip("/")
        return cls(account, name, f"{prefix}/" if prefix else "")

    @property
    def _backend(self) -> Any:
        return s3_backends[self.account]["aws"]

    @property
    def exists(self) -> bool:
        """Whether there is such a bucket."""
        return self.name in self._backend.buckets

    def objects(self) -> dict[str, Identity]:
        """Every current object, by its key below the prefix."""
        return {
            name.removeprefix(self.prefix): _identity(found)
            for name, found in self._current().items()
            if name.startswith(self.prefix) and name != self.prefix
        }

    def _current(self) -> dict[str, FakeKey]:
        found = self._backend.buckets.get(self.name)
        if found is None:
            raise RepositoryError("S3AccessDenied")
        # A copy, for requests change the store meanwhile.
        return {
            name: versions[-1] for name, versions in dict(found.keys).items() if _is_there(versions)
        }

    def read(self, key: str) -> tuple[bytes, dict[str, str]] | None:
        """Content and user metadata of an object; None if it has gone."""
        found = self._current().get(self.prefix + key)
        if found is None:
            return None
        metadata = {
            str(name).lower().removeprefix(_META): str(value)
            for name, value in found.metadata.items()
            if str(name).lower().startswith(_META)
        }
        return found.value, metadata

    def write(self, key: str, content: bytes, metadata: Mapping[str, str]) -> Identity:
        """Put an object, with the checksum that S3 adds to every upload without one."""
        if not self.exists:
            raise RepositoryError("S3AccessDenied")
        made = self._backend.put_object(
            self.name, self.prefix + key, content, etag=_multipart_etag(content)
        )
        made.set_metadata({_META + name: value for name, value in metadata.items()})
        made.checksum_algorithm = "CRC64NVME"
        made.checksum_type = "FULL_OBJECT"
        made.checksum_value = compute_checksum(content, "CRC64NVME").decode()
        return _identity(made)

    def delete(self, key: str) -> None:
        """Delete an object; a versioned bucket keeps it under a delete marker."""
        if not self.exists:
            raise RepositoryError("S3AccessDenied")
        self._backend.delete_object(self.name, self.prefix + key)


def _is_there(versions: Any) -> bool:
    return bool(versions) and isinstance(versions[-1], FakeKey)


def _identity(found: FakeKey) -> Identity:
    return Identity(str(found.version_id), str(found.etag), found.last_modified.isoformat())


def _multipart_etag(content: bytes) -> str | None:
    if len(content) <= PART_BYTES:
        return None
    parts = [
        hashlib.md5(content[start : start + PART_BYTES], usedforsecurity=False).digest()
        for start in range(0, len(content), PART_BYTES)
    ]
    return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
