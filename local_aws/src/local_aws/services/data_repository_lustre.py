"""The directories that stand for Lustre file systems, and what keeps them in step with S3."""

from __future__ import annotations

import re
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.paths import beneath
from local_aws.services.data_repository_bucket import LinkedBucket, RepositoryError
from local_aws.services.data_repository_link import EVENTS, Link
from local_aws.services.faults import FAULTS

FOLDER = "lustre"
_ID = re.compile(r"fs-[0-9a-f]{8}(?:[0-9a-f]{9})?")
EVERY_S = 0.3
REST = 10
"""A pass over a large file system is followed by a pause of so many times its length."""


@dataclass
class Lustre:
    """One file system.

    Args:
        file_system: Its id.
        root: The directory that stands for it.
        scratch: A directory on the same disk, for files on their way in.
        links: Association id -> its link.
        lock: Held while files move between the two sides.
    """

    file_system: str
    root: Path
    scratch: Path
    links: dict[str, Link] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    exporting: bool = False
    closed: bool = False

    @classmethod
    def make(cls, folder: Path, file_system: str) -> Lustre:
        """A new, empty one."""
        made = cls(file_system, folder / file_system, folder / f".{file_system}.incoming")
        made.root.mkdir(parents=True)
        made.scratch.mkdir()
        # As Lustre's root on AWS: only root may write there, until root changes that.
        made.root.chmod(0o755)
        threading.Thread(target=made._watch, name=f"lustre {file_system}", daemon=True).start()
        return made

    def link(self, association: dict[str, Any], account: str) -> Link:
        """Link a directory to a prefix of a bucket.

        Raises:
            ValueError: if the directory is outside the file system.
        """
        place = association["FileSystemPath"].strip("/")
        root = beneath(self.root, place)
        root.mkdir(parents=True, exist_ok=True)
        bucket = LinkedBucket.at(account, association["DataRepositoryPath"])
        made = Link(self.file_system, root, place, bucket, self.scratch)
        set_policies(made, association)
        self.links[association["AssociationId"]] = made
        return made

    def sync(self) -> None:
        """One pass of automatic import and export."""
        for link in list(self.links.values()):
            with self.lock, suppress(RepositoryError):
                if self.closed:
                    return
                if not FAULTS.take("auto-import-stalls", file_system=self.file_system):
                    link.import_objects(link.auto_import)
                if self.exporting or FAULTS.take(
                    "auto-export-stalls", file_system=self.file_system
                ):
                    continue
                link.export_events()

    def _watch(self) -> None:
        while not self.closed:
            began = time.monotonic()
            # What a program does to its files at this moment is no reason to stop looking.
            with suppress(OSError):
                self.sync()
            time.sleep(max(EVERY_S, REST * (time.monotonic() - began)))

    def delete(self) -> None:
        """Delete it with all that is in it; nothing of that reaches the bucket."""
        with self.lock:
            self.closed = True
            self.links.clear()
            shutil.rmtree(self.root, ignore_errors=True)
            shutil.rmtree(self.scratch, ignore_errors=True)


def set_policies(link: Link, association: dict[str, Any]) -> None:
    """Take over an association's settings of automatic import and export."""
    configured = association.get("S3") or {}
    for name, attribute in (
        ("AutoExportPolicy", "auto_export"),
        ("AutoImportPolicy", "auto_import"),
    ):
        events = (configured.get(name) or {}).get("Events") or ()
        setattr(link, attribute, tuple(event for event in EVENTS if event in events))


class LustreStore:
    """Every Lustre file system of this process."""

    def __init__(self) -> None:
        self.folder = Path()
        self._all: dict[str, Lustre] = {}

    def open(self, state_dir: Path) -> None:
        """Begin with none; what a former process left behind has no use."""
        self.folder = state_dir.resolve() / FOLDER
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def make(self, file_system: str) -> Lustre:
        """A new one.

        Raises:
            ValueError: if the id is none.
        """
        if not _ID.fullmatch(file_system):
            raise ValueError(f"{file_system!r} is no id of a file system.")
        self._all[file_system] = Lustre.make(self.folder, file_system)
        return self._all[file_system]

    def get(self, file_system: str) -> Lustre | None:
        """One by its id."""
        return self._all.get(file_system)

    def delete(self, file_system: str) -> None:
        """Delete one."""
        if found := self._all.pop(file_system, None):
            found.delete()


LUSTRE = LustreStore()
"""Those of this process."""
