"""One data repository association: a directory of Lustre and a prefix of a bucket, kept in step.

Both sides are compared with what they were when they last agreed, as Lustre's own change
log and S3's events would tell. What changed on both sides stays as it is in Lustre and is
exported: FSx leaves that case open, and this way nothing that people wrote is lost.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from local_aws.services.data_repository_bucket import Identity, LinkedBucket, RepositoryError
from local_aws.services.data_repository_posix import (
    LONGEST_KEY,
    Entry,
    Posix,
    is_posix_path,
    is_text,
    look,
    metadata_of,
    posix_of,
    walk,
)
from local_aws.services.faults import FAULTS

EVENTS = ("NEW", "CHANGED", "DELETED")
SETTLED_AFTER = timedelta(seconds=0.1)
"""moto gives a new object its metadata a moment after its content."""


@dataclass(frozen=True)
class Agreed:
    """How both sides were when they last agreed.

    Args:
        entry: What lay in Lustre.
        identity: The object's version.
    """

    entry: Entry
    identity: Identity | None


@dataclass
class Link:
    """A directory and a prefix.

    Args:
        file_system: Id of the file system, which faults can name.
        root: The linked directory.
        place: Its path in the file system, without slashes around; empty for all of it.
        bucket: The linked prefix.
        scratch: Where files are written before they appear in the directory.
    """

    file_system: str
    root: Path
    place: str
    bucket: LinkedBucket
    scratch: Path
    auto_export: tuple[str, ...] = ()
    auto_import: tuple[str, ...] = ()
    agreed: dict[str, Agreed] = field(default_factory=dict)

    # --- towards the bucket

    def changed(self, start: str = "") -> list[Entry]:
        """What was made or changed since both sides agreed, directories before what they hold."""
        return [entry for entry in walk(self.root, start) if self._differs(entry)]

    def _differs(self, entry: Entry) -> bool:
        state = self.agreed.get(entry.path)
        return state is None or state.entry.fingerprint != entry.fingerprint

    def export(self, entry: Entry) -> None:
        """Copy one entry to its object.

        Raises:
            RepositoryError: with FSx's error code.
        """
        where = {"file_system": self.file_system, "path": self.within(entry.path)}
        if fault := FAULTS.take("export-file-fails", **where):
            raise RepositoryError(str(fault.settings.get("code", "S3AccessDenied")))
        if FAULTS.take("export-skips", **where):
            self.agreed[entry.path] = Agreed(entry, None)
            return
        if not is_text(entry.path):
            raise RepositoryError("InternalError")
        if len((self.bucket.prefix + entry.key).encode()) > LONGEST_KEY:
            raise RepositoryError("PathSizeTooLarge")
        content = self._content(entry)
        metadata = metadata_of(entry)
        if FAULTS.take("export-truncates", **where):
            content = content[: len(content) // 2]
        if FAULTS.take("export-corrupts", **where):
            content = bytes(byte ^ 1 for byte in content[:1]) + content[1:]
        if FAULTS.take("export-forgets-metadata", **where):
            metadata = {}
        # A file that was written to meanwhile differs from this entry and is exported again.
        self.agreed[entry.path] = Agreed(entry, self.bucket.write(entry.key, content, metadata))

    def within(self, path: str) -> str:
        """A path as the file system sees it."""
        return f"{self.place}/{path}" if self.place else path

    def _content(self, entry: Entry) -> bytes:
        try:
            if entry.is_directory:
                return b""
            if entry.is_link:
                # A Path would tidy up the target.
                return os.fsencode(os.readlink(self.root / entry.path))  # noqa: PTH115
            return (self.root / entry.path).read_bytes()
        except OSError as error:
            raise RepositoryError("SourceObjectDeleted") from error

    def export_events(self) -> None:
        """Automatic export: what its events allow; what fails is tried again the next time."""
        for entry in self.changed():
            event = "CHANGED" if entry.path in self.agreed else "NEW"
            if event in self.auto_export:
                with suppress(RepositoryError):
                    self.export(entry)
        if "DELETED" in self.auto_export and self.root.is_dir():
            self._export_deletions()

    def _export_deletions(self) -> None:
        for path in sorted(self.agreed, reverse=True):
            if look(self.root, path) is None:
                with suppress(RepositoryError):
                    self.bucket.delete(self.agreed[path].entry.key)
                    del self.agreed[path]

    # --- towards Lustre

    def import_objects(
        self,
        events: Iterable[str] = ("NEW", "CHANGED"),
        selected: Callable[[str], bool] = lambda key: True,
    ) -> int:
        """Let objects appear as files, or files go as objects have gone.

        Args:
            events: Which changes of the bucket are followed.
            selected: Whether a key (below the prefix) is to be looked at.

        Returns:
            How many entries were made, changed or removed.
        """
        objects = {key: found for key, found in self.bucket.objects().items() if selected(key)}
        done = self._import_deletions(objects, selected) if "DELETED" in events else 0
        fresh = [key for key, found in objects.items() if self._is_news(key, found, events)]
        made = [key for key in sorted(fresh) if self._import_one(key, objects[key])]
        # Last and from below, for what is made in a directory changes its time.
        for key in sorted(made, reverse=True):
            if key.endswith("/"):
                self._settle_directory(key, objects[key])
        return done + len(made)

    def _is_news(self, key: str, found: Identity, events: Iterable[str]) -> bool:
        if datetime.fromisoformat(found.modified).replace(tzinfo=UTC) > _now() - SETTLED_AFTER:
            return False
        state = self.agreed.get(key.removesuffix("/"))
        if state is None:
            return "NEW" in events and look(self.root, key.removesuffix("/")) is None
        if state.identity is None or state.identity == found:
            return False
        return "CHANGED" in events and not self._touched(key.removesuffix("/"))

    def _touched(self, path: str) -> bool:
        """Whether Lustre's side changed since both agreed."""
        entry = look(self.root, path)
        return entry is None or self._differs(entry)

    def _import_one(self, key: str, identity: Identity) -> bool:
        path = key.removesuffix("/")
        if not is_posix_path(key) or not self._make_parents(path):
            return False
        read = self.bucket.read(key)
        if read is None:
            return False
        content, metadata = read
        posix = posix_of(metadata)
        target = self.root / path
        try:
            if key.endswith("/"):
                target.mkdir(exist_ok=True)
            else:
                self._place(target, content, posix)
        except (OSError, ValueError):
            return False
        self._note(path, identity)
        return True

    def _make_parents(self, path: str) -> bool:
        """Make the directories above a path; never through a link out of the file system."""
        above = self.root
        for part in path.split("/")[:-1]:
            above = above / part
            with suppress(FileExistsError):
                above.mkdir()
            if not stat.S_ISDIR(os.lstat(above).st_mode):
                return False
        return True

    def _place(self, target: Path, content: bytes, posix: Posix) -> None:
        new = self.scratch / uuid4().hex
        if posix.kind == stat.S_IFLNK:
            os.symlink(content, os.fsencode(new))  # noqa: PTH211 (the target is bytes)
        else:
            new.write_bytes(content)
        _dress(new, posix)
        try:
            new.replace(target)
        except OSError:
            new.unlink()
            raise

    def _settle_directory(self, key: str, identity: Identity) -> None:
        path = key.removesuffix("/")
        read = self.bucket.read(key)
        if read is not None and look(self.root, path) is not None:
            _dress(self.root / path, posix_of(read[1]))
            self._note(path, identity)

    def _note(self, path: str, identity: Identity) -> None:
        if entry := look(self.root, path):
            self.agreed[path] = Agreed(entry, identity)

    def empty(self) -> None:
        """Remove everything from the directory, and nothing from the bucket."""
        for entry in sorted(walk(self.root), key=lambda item: item.path, reverse=True):
            target = self.root / entry.path
            target.rmdir() if entry.is_directory else target.unlink()

    def _import_deletions(
        self, objects: dict[str, Identity], selected: Callable[[str], bool]
    ) -> int:
        gone = 0
        # All of them before any goes, for what is removed from a directory changes its time.
        leaving = {
            path: state
            for path, state in self.agreed.items()
            if state.identity and state.entry.key not in objects and selected(state.entry.key)
        }
        leaving = {path: state for path, state in leaving.items() if not self._touched(path)}
        for path, state in sorted(leaving.items(), reverse=True):
            target = self.root / path
            try:
                target.rmdir() if state.entry.is_directory else target.unlink()
            except OSError:
                continue
            del self.agreed[path]
            gone += 1
        return gone


def _dress(path: Path, posix: Posix) -> None:
    """Give a new file its owner, permissions and times; only root may give it an owner."""
    if os.geteuid() == 0:
        os.chown(path, posix.uid, posix.gid, follow_symlinks=False)
    is_link = path.is_symlink()
    if not is_link:
        path.chmod(posix.permissions)
    if posix.mtime_ns is not None:
        atime = posix.mtime_ns if posix.atime_ns is None else posix.atime_ns
        os.utime(path, ns=(atime, posix.mtime_ns), follow_symlinks=not is_link)


def _now() -> datetime:
    return datetime.now(UTC)
