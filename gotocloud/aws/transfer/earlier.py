"""Which object was copied to or from which state of a file, so that S3 is not read for it again.

A shortcut on this machine, and no more: it counts only where the listing of the bucket shows
the same ETag and the file has the same state. Without it S3 is read for each file.
"""

from __future__ import annotations

import hashlib
import json
import time

from gotocloud.files import cache_folder, write_whole
from gotocloud.formats import parse_json
from gotocloud.transfer.tree import TreeEntry

_SETTLED_NS = 2_000_000_000
"""A file that changed later than this before it was looked at may change again within the same
tick of its file system's clock, which no later look shows; NFS servers may count whole seconds."""


class EarlierStates:
    """States of the files of one transfer.

    Args:
        place: What distinguishes the transfer: endpoint, bucket, prefix and folder.
    """

    def __init__(self, *place: str) -> None:
        name = hashlib.sha256("\0".join(place).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self._path = cache_folder() / "transfers" / f"{name}.json"
        self._states = self._read()
        self._changed = False

    def is_same(self, entry: TreeEntry, etag: str) -> bool:
        """Whether a file is as it was when it was copied to or from the object of this ETag."""
        return bool(etag) and self._states.get(entry.path) == _text(entry, etag)

    def note(self, entry: TreeEntry, etag: str, *, dated: bool = False) -> None:
        """Remember that a file and an object have the same content.

        Args:
            dated: Whether the file was given a time of the past: a later change shows in it.
        """
        if etag and (dated or entry.changed_ns < time.time_ns() - _SETTLED_NS):
            self._states[entry.path] = _text(entry, etag)
            self._changed = True

    def save(self) -> None:
        """Write what is known; where nothing can be written, the next run reads S3 again."""
        if not self._changed:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._path, json.dumps(self._states))
        except OSError:
            return

    def _read(self) -> dict[str, str]:
        try:
            content = parse_json(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _text(entry: TreeEntry, etag: str) -> str:
    return f"{etag} {entry.kind} {entry.size} {entry.mtime_ns} {entry.changed_ns} {entry.inode}"
