"""A cluster's files and their bucket, for attacks on the proof that both are the same."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gotocloud.node import inventory
from gotocloud.projects.alignment import align
from gotocloud.projects.home_archive import HomeArchive
from gotocloud.projects.inventory import (
    Entry,
    Summary,
    read_entries,
    read_summary,
)
from gotocloud.projects.pausing import ExportRun, doubts, notes
from gotocloud.projects.proof import Tally
from gotocloud.projects.stored import BucketObject, Stored
from local_aws.services.data_repository_posix import metadata_of
from local_aws.services.data_repository_posix import walk as of_lustre

RUN = ExportRun("task-1", "SUCCEEDED")


UNPROVEN = "not proven"


@dataclass
class Scene:
    """Lustre as a folder, and a bucket.

    Args:
        checksum_bytes: How much of Lustre is read.
        changed: What Lustre itself reports of entries, which this machine's disk cannot.
    """

    root: Path
    bucket: dict[str, Stored] = field(default_factory=dict)
    checksum_bytes: int = 10**9
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    began_ns: int = 0
    run: ExportRun = RUN
    lines: list[bytes] = field(default_factory=list)
    summary: Summary | None = None
    after: list[Callable[[Scene], None]] = field(default_factory=list)

    def export(self) -> None:
        """As FSx does it."""
        self.began_ns = time.time_ns()
        for entry in of_lustre(self.root):
            path = self.root / entry.path
            content = b""
            if entry.is_link:
                content = os.fsencode(path.readlink())
            elif not entry.is_directory:
                content = path.read_bytes()
            self.put(entry.key, content, metadata_of(entry))

    def put(self, key: str, content: bytes, metadata: dict[str, str], **more: Any) -> None:
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        listed = BucketObject(key, len(content), etag, time.time_ns())
        self.bucket[key] = Stored(listed, metadata, version="v", content=content, **more)

    def list_lustre(self) -> None:
        told = inventory.walk(os.fsencode(self.root), self.lines.append, self.checksum_bytes)
        self.summary = read_summary(json.dumps({**told, "started_ns": 1, "seconds": 0}))

    def entries(self) -> list[Entry]:
        found = list(read_entries(self.lines))
        return [replace(one, **self.changed.get(one.name, {})) for one in found]

    def compare(self) -> Tally:
        tally = Tally()
        listing = sorted((one.listed for one in self.bucket.values()), key=lambda o: o.key.encode())
        for pair in align(self.entries(), listing, tally):
            stored = self.bucket[pair.listed.key] if pair.listed else None
            tally.take(pair, stored, self.began_ns)
        return tally

    def verdict(self) -> tuple[set[str], str]:
        """Flaws and doubts of the proof, and its notes."""
        if self.summary is None:
            self.list_lustre()
        assert self.summary
        tally = self.compare()
        for later in self.after:
            later(self)
        found = {*tally.flaws, *doubts(self.run, self.summary, tally)}
        now = inventory.walk(os.fsencode(self.root), lambda line: None, -1)
        if now["digest"] != self.summary.digest:
            found.add("changed since it was listed")
        if now["counts"].get("open for writing"):
            found.add("open for writing")
        return found, " ".join(notes(self.summary, tally, HomeArchive(0, 0, 0, "")))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    root = tmp_path / "fsx"
    (root / "movies").mkdir(parents=True)
    (root / "movies/a.mrc").write_bytes(b"0123456789")
    (root / "notes").write_text("n")
    (root / "link").symlink_to("movies/a.mrc")
    (root / "empty").mkdir()
    made = Scene(root)
    time.sleep(0.01)
    made.export()
    return made
