"""Downloads what lies under a prefix: what is missing here, and nothing else.

A file comes under another name beside its place, is compared with the checksum that S3 keeps,
and takes its place only then. What lies here already is never replaced without --overwrite.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from gotocloud.aws.transfer.earlier import EarlierStates
from gotocloud.aws.transfer.engine import Answer, Bucket, MismatchError, crc64, crc64_text
from gotocloud.aws.transfer.listing import listing, remote_of
from gotocloud.aws.transfer.work import Workers, checksum_of
from gotocloud.errors import GoToCloudError
from gotocloud.formats import size_text
from gotocloud.transfer.plan import (
    SINGLE_PUT_LIMIT,
    Remote,
    TransferAction,
    after_comparison,
    decide_download,
    safe_path,
)
from gotocloud.transfer.report import MEMORY, Copy, MemoryLimit, Options, TransferOutcome, Watch
from gotocloud.transfer.tree import (
    TEMPORARY,
    TransferProblem,
    TreeEntry,
    TreeKind,
    described,
    entry_of,
)


class Download:
    """One download into a folder.

    Args:
        bucket: Where from.
        root: The folder; made if missing.
        prefix: What the keys begin with, ending with a slash; empty for everything.
    """

    def __init__(
        self, bucket: Bucket, root: Path, prefix: str, options: Options, watch: Watch
    ) -> None:
        self.outcome = TransferOutcome()
        self._bucket = bucket
        self._root = root
        self._prefix = prefix
        self._options = options
        self._watch = watch
        self._budget = MemoryLimit(MEMORY)
        self._links: set[str] = set()
        self._etags: dict[str, str] = {}
        self._parents: set[Path] = set()
        self._earlier = EarlierStates(
            "download", bucket.host, bucket.name, prefix, str(root.resolve())
        )
        self._workers = Workers(f"download from {bucket.name}", self.outcome)

    def run(self) -> TransferOutcome:
        """Download everything.

        Raises:
            GoToCloudError: for an error that concerns all files, or if the disk is too small.
        """
        try:
            return self._run()
        finally:
            if not self._options.dry_run:
                self._earlier.save()

    def _run(self) -> TransferOutcome:
        wanted = self._wanted()
        self._watch.expect(len(wanted), sum(wanted.values()))
        if not self._options.dry_run:
            self._need_room(wanted)
            self._root.mkdir(parents=True, exist_ok=True)
        self._inside = self._root.resolve()
        folders = {key: size for key, size in wanted.items() if key.endswith("/")}
        files = {key: size for key, size in wanted.items() if not key.endswith("/")}
        # Folders first; links last, so that nothing is ever written through one.
        for group in (folders, files):
            self._workers.run(
                (
                    (self._path(key), size > SINGLE_PUT_LIMIT, (key, size))
                    for key, size in group.items()
                    if not self._is_unchanged(key, size)
                ),
                self._shortest,
            )
        # A link may lead anywhere, so what was found out about folders counts no longer.
        self._parents.clear()
        self._workers.run(((self._path(key), False, key) for key in sorted(self._links)), self._one)
        return self.outcome

    def _wanted(self) -> dict[str, int]:
        """Sizes of the objects that can lie in the folder, by key."""
        keys = listing(self._bucket, self._prefix)
        wanted = {}
        exclude = self._options.exclude
        for key, listed in sorted(keys.listed.items()):
            if exclude.covers(self._path(key), folder=key.endswith("/")):
                self.outcome.excluded += 1
                continue
            path = safe_path(key, self._prefix)
            if isinstance(path, TransferProblem):
                self.outcome.problem(path.path, path.text)
            elif key in keys.folders:
                self.outcome.problem(key, "is a file and a folder at once; the file is left")
            else:
                wanted[key] = listed.size
                self._etags[key] = listed.etag
        return wanted

    def _path(self, key: str) -> str:
        return key.removeprefix(self._prefix).removesuffix("/")

    def _need_room(self, wanted: dict[str, int]) -> None:
        existing = self._root
        while not existing.exists():
            existing = existing.parent
        free = shutil.disk_usage(existing).free
        missing = sum(
            size
            for key, size in wanted.items()
            if not os.path.lexists(self._root / self._path(key))
        )
        if missing > free:
            raise GoToCloudError(
                f"{size_text(missing)} are to come, and there is room for {size_text(free)} "
                f"in {self._root}.",
                advice="Use another folder, or a smaller part with --from.",
            )

    def _is_unchanged(self, key: str, size: int) -> bool:
        """Whether nothing has to be read or fetched; if so, that is noted."""
        if self._options.verify:
            return False
        path = self._path(key)
        entry = self._here(path)
        if entry is None:
            return False
        folder = key.endswith("/") and entry.kind is TreeKind.FOLDER
        if folder or self._earlier.is_same(entry, self._etags[key]):
            self.outcome.same(size)
            self._watch.present(size)
            return True
        return False

    def _here(self, path: str) -> TreeEntry | None:
        try:
            target = self._root / path
            return described(os.lstat(target), path, target)
        except OSError:
            return None

    def _shortest(self, item: tuple[str, int]) -> Future[Any] | None:
        """Deal with one object; without a look at S3 before where that is not needed."""
        key, size = item
        path = self._path(key)
        target = self._root / path
        new = not os.path.lexists(target)
        if self._options.dry_run or not new:
            self._one(key)
        elif key.endswith("/"):
            self._inside_of(target)
            target.mkdir(parents=True, exist_ok=True)
            self.outcome.copied(Copy(path, TreeKind.FOLDER, 0, "new"))
        elif size <= SINGLE_PUT_LIMIT:
            self._budget.take(size)
            coming = self._workers.then(
                self._bucket.get_whole(key), lambda answer: self._arrived(key, target, answer)
            )
            coming.add_done_callback(lambda _: self._budget.give(size))
            return coming
        else:
            self._one(key)
        return None

    def _arrived(self, key: str, target: Path, answer: Answer) -> None:
        """Write a small object that came in one piece."""
        remote = remote_of(key, answer)
        if remote.posix.kind is TreeKind.LINK:
            self._links.add(key)
            return
        if len(answer.body) != remote.size:
            raise MismatchError(key)
        if remote.checksum and remote.checksum != crc64_text(crc64(answer.body)):
            raise MismatchError(key)
        path = self._path(key)
        self._parent(target)
        coming = _beside(target)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(coming, flags, 0o666), "wb") as file:
                # Buffered: a raw file may take less than all, as one on a full disk does.
                file.write(answer.body)
            _dress(coming, remote)
            coming.replace(target)
        except BaseException:
            coming.unlink(missing_ok=True)
            raise
        self._remember(key, target, remote)
        self._watch.sent(remote.size)
        self.outcome.copied(Copy(path, TreeKind.FILE, remote.size, "new"))

    def _remember(self, key: str, target: Path, remote: Remote) -> None:
        if self._etags.get(key) == remote.etag:
            entry = entry_of(target, self._path(key))
            if entry is not None:
                dated = entry.mtime_ns == remote.posix.mtime_ns
                self._earlier.note(entry, remote.etag, dated=dated)

    def _inside_of(self, target: Path) -> None:
        if not target.parent.resolve().is_relative_to(self._inside):
            raise OSError(0, "its folder is a link that leads outside")

    def _parent(self, target: Path) -> None:
        """Make the folder of a file, once; it must not lead outside."""
        if target.parent not in self._parents:
            self._inside_of(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._parents.add(target.parent)

    def _one(self, key: str) -> None:
        """Deal with one object: look at it, decide, and do it."""
        path = self._path(key)
        target = self._root / path
        answer = self._bucket.head(key)
        if answer is None:
            self.outcome.problem(path, "has disappeared from the bucket")
            return
        remote = remote_of(key, answer)
        if remote.posix.kind is TreeKind.LINK and key not in self._links:
            self._links.add(key)
            return
        entry = entry_of(target, path) if os.path.lexists(target) else None
        options = self._options
        decision = decide_download(
            entry, remote, verify=options.verify, overwrite=options.overwrite
        )
        if decision.choice is TransferAction.COMPARE:
            equal = _checksum(target) == remote.checksum
            decision = after_comparison(
                equal, remote, downloading=True, overwrite=options.overwrite
            )
        if decision.choice is TransferAction.CONFLICT:
            self.outcome.problem(path, decision.reason)
        elif decision.choice is TransferAction.SAME:
            self.outcome.same(remote.size)
            self._watch.present(remote.size)
            self._remember(key, target, remote)
        else:
            if not options.dry_run:
                self._bring(key, target, remote)
            kind = remote.posix.kind or TreeKind.FILE
            self.outcome.copied(Copy(path, kind, remote.size, decision.reason))

    def _bring(self, key: str, target: Path, remote: Remote) -> None:
        self._inside_of(target)
        if remote.posix.kind is TreeKind.FOLDER:
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        coming = _beside(target)
        coming.unlink(missing_ok=True)
        try:
            self._fetch(key, coming, remote)
            if remote.posix.kind is TreeKind.LINK:
                points_to = coming.read_bytes()
                coming.unlink()
                coming.symlink_to(os.fsdecode(points_to))
            else:
                _dress(coming, remote)
            coming.replace(target)
        finally:
            coming.unlink(missing_ok=True)
        self._remember(key, target, remote)
        self._watch.sent(remote.size)

    def _fetch(self, key: str, coming: Path, remote: Remote) -> None:
        if remote.size == 0:
            coming.touch()
            return
        self._bucket.get(key, coming, remote.etag).result()
        if coming.stat().st_size != remote.size:
            raise MismatchError(key)
        if remote.checksum and checksum_of(coming) != remote.checksum:
            raise MismatchError(key)


def _beside(target: Path) -> Path:
    """Where a file comes; its own name may be as long as Linux takes, so nothing is added to it."""
    name = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return target.parent / f".{name}{TEMPORARY}"


def _checksum(target: Path) -> str:
    """CRC64NVME of a file, or of the text of a link."""
    if target.is_symlink():
        return crc64_text(crc64(os.fsencode(os.readlink(target))))  # noqa: PTH115  # as it is
    return checksum_of(target)


def _dress(coming: Path, remote: Remote) -> None:
    """Give a file the permissions and times in its object's metadata."""
    posix = remote.posix
    if posix.permissions is not None:
        coming.chmod(posix.permissions)
    if posix.mtime_ns is not None:
        os.utime(coming, ns=(posix.atime_ns or posix.mtime_ns, posix.mtime_ns))
