"""What a comparison of Lustre with the bucket has come to, entry by entry."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from gotocloud.projects.inventory import Entry, EntryKind
from gotocloud.projects.judging import judge
from gotocloud.projects.stored import FROZEN, INCURABLE, Flaw, Pair, Problem, Stored

MAX_SHOWN = 1000
"""Problems that are kept one by one; all are counted."""

_PARTS = re.compile(r"[0-9a-f]{32}-[0-9]{1,9}")


@dataclass
class Tally:
    """What a comparison has come to; of fixed size, whatever the number of files.

    Args:
        parts: Files whose content is to be compared part by part: path, part size, ETag.
        by_size_and_time: Files of which nothing else could be compared: no checksum, and no state
            in Lustre's own archive.
        frozen: Objects in a storage class from which S3 gives nothing at once.
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
    by_size_and_time: int = 0
    frozen: int = 0
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
        self.frozen += stored is not None and stored.storage_class in FROZEN
        self.special_bits += entry.kind is not EntryKind.LINK and entry.mode > 0o777
        if entry.md5 and stored is not None:
            self._checksum(entry, stored)
        elif entry.kind is EntryKind.FILE and entry.size and entry.hsm is None:
            self.by_size_and_time += 1
        line = _record(entry, stored)
        self.digest.update(line)
        return line

    def _checksum(self, entry: Entry, stored: Stored) -> None:
        if stored.md5:
            self.checksums += 1
            self.checksum_bytes += entry.size
        elif stored.etag_is_md5 and stored.part_bytes and _PARTS.fullmatch(stored.listed.etag):
            self.parts.append((entry.name, stored.part_bytes, stored.listed.etag))


def _record(entry: Entry, stored: Stored | None) -> bytes:
    about = [entry.name, entry.kind.value, entry.size, entry.mtime_ns]
    if stored is not None:
        about += [stored.listed.etag, stored.version]
    return json.dumps(about).encode() + b"\n"
