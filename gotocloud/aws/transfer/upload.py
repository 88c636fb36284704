"""Uploads a folder: what is missing or has changed, and nothing else. Deletes nothing.

What lies in the bucket decides what is done; what this machine remembers only saves looks. So a
run that was killed at any moment is continued by any other, also from another machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from gotocloud.aws.session import explained
from gotocloud.aws.transfer.earlier import EarlierStates
from gotocloud.aws.transfer.engine import METADATA, Answer, Bucket, crc64, crc64_text
from gotocloud.aws.transfer.listing import listing, remote_of
from gotocloud.aws.transfer.multipart import (
    BigFile,
    FileChangedError,
    abort,
    open_uploads,
    read_exactly,
)
from gotocloud.aws.transfer.work import Workers, checksum_of
from gotocloud.transfer.accepted import NAME as LEFT_OUT
from gotocloud.transfer.accepted import AcceptedOmissions
from gotocloud.transfer.plan import (
    SINGLE_PUT_LIMIT,
    Part,
    TransferAction,
    TransferDecision,
    after_comparison,
    decide_upload,
    key_of,
    key_trouble,
    too_much_for_s3,
)
from gotocloud.transfer.posix import metadata
from gotocloud.transfer.report import MEMORY, Copy, MemoryLimit, Options, TransferOutcome, Watch
from gotocloud.transfer.tree import Tree, TreeEntry, TreeKind, described, walk

ROUNDS = 3
"""How often a folder is looked through for what came or changed during the upload."""

ATTEMPTS = 3
"""How often a file is read again that changed while it was read."""


STILL_CHANGING = (
    "was written to all the time; the bucket may hold an earlier state. Run this again when it "
    "is complete"
)


class Upload:
    """One upload of a folder.

    Args:
        bucket: Where to.
        root: The folder.
        prefix: What the keys begin with, without a slash at its end.
        watch: Follows the upload.
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
        self._workers = Workers(f"upload to {bucket.name}", self.outcome)
        self._settled: dict[str, TreeEntry] = {}
        self._earlier = EarlierStates(
            "upload", bucket.host, bucket.name, prefix, str(root.resolve())
        )

    def run(self) -> TransferOutcome:
        """Upload until nothing is missing, or what is missing cannot be uploaded.

        Raises:
            GoToCloudError: for an error that concerns all files.
        """
        try:
            return self._run()
        finally:
            if not self._options.dry_run:
                self._earlier.save()

    def _run(self) -> TransferOutcome:
        # S3 answers while the disk is read.
        with ThreadPoolExecutor(1) as aside:
            listed = aside.submit(self._look)
            tree = walk(self._root, self._options.exclude)
            listed.result()
        for number in range(1, ROUNDS + 1):
            todo = [one for one in tree.entries.values() if self._is_news(one)]
            if not todo:
                break
            if number > 1:
                self._watch.message(
                    f"{len(todo)} came or changed meanwhile; uploading them as well."
                )
            if number == 1:
                todo = [one for one in todo if not self._is_unchanged(one)]
            self._looked = bool(todo)
            self._watch.expect(len(todo), sum(one.size for one in todo))
            self._workers.run(((e.path, _is_big(e), e) for e in todo), self._one)
            if self._options.dry_run or not self._looked:
                break
            tree = walk(self._root, self._options.exclude)
        self._finish(tree)
        return self.outcome

    def _look(self) -> None:
        with explained(f"list what is in {self._bucket.name}"):
            self._keys = listing(self._bucket, self._prefix)
            self._open = open_uploads(self._bucket, self._prefix)

    def _is_news(self, entry: TreeEntry) -> bool:
        settled = self._settled.get(entry.path)
        return settled is None or not settled.same_state(entry)

    def _finish(self, tree: Tree) -> None:
        for path, entry in tree.entries.items():
            if self._is_news(entry):
                self.outcome.problem(path, STILL_CHANGING)
        for problem in tree.problems:
            self.outcome.problem(problem.path, problem.text)
        for problem in tree.left_out:
            self.outcome.leave_out(problem.path, problem.text)
        self.outcome.excluded = tree.excluded
        if self.outcome.left_out:
            self._accept()

    def _accept(self) -> None:
        """Read what was accepted with this data set; accept the rest where that is requested."""
        key = f"{self._prefix}/"
        with explained(f"read and write what may be left out of s3://{self._bucket.name}/{key}"):
            folder = self._bucket.head(key)
            kept = {} if folder is None else folder.metadata
            self.outcome.accepted = AcceptedOmissions(kept.get(LEFT_OUT, ""))
            options = self._options
            if folder is None or not options.accept_left_out or not self.outcome.newly_left_out:
                return
            self.outcome.accepted = AcceptedOmissions.of(self.outcome.left_out)
            if not options.dry_run:
                reported = {**kept, LEFT_OUT: self.outcome.accepted.text}
                self._bucket.put(key, b"", _as_headers(reported)).result()

    def _one(self, entry: TreeEntry) -> Future[Any] | None:
        """Deal with one name: decide, and do it, or begin to."""
        again = entry.path in self._settled
        self._settled[entry.path] = entry
        key = key_of(self._prefix, entry)
        if trouble := too_much_for_s3(key, entry):
            self.outcome.leave_out(entry.path, trouble)
            return None
        if trouble := key_trouble(key, entry, self._keys):
            self.outcome.problem(entry.path, trouble)
            return None
        decision = self._decided(key, entry, again=again)
        if decision.choice is TransferAction.CONFLICT:
            self.outcome.problem(entry.path, decision.reason)
        elif decision.choice is TransferAction.SAME:
            self._same(key, entry)
            if key in self._keys.listed and not again:
                self._earlier.note(entry, self._keys.listed[key].etag)
        elif self._options.dry_run:
            self._note(entry, decision)
        elif entry.kind is TreeKind.FILE and not _is_big(entry):
            return self._send_small(key, entry, decision)
        else:
            self._note(self._send(key, entry), decision)
        return None

    def _is_unchanged(self, entry: TreeEntry) -> bool:
        """Whether nothing has to be read or sent; if so, that is noted."""
        key = key_of(self._prefix, entry)
        listed = self._keys.listed.get(key)
        if listed is None or self._options.verify:
            return False
        # A folder that is there is not compared with anything.
        folder = entry.kind is TreeKind.FOLDER and key[:-1] not in self._keys.listed
        if folder or self._earlier.is_same(entry, listed.etag):
            self._settled[entry.path] = entry
            self._same(key, entry)
            return True
        return False

    def _same(self, key: str, entry: TreeEntry) -> None:
        self._clear_leftovers(key)
        self.outcome.same(entry.size)
        self._watch.present(entry.size)

    def _decided(self, key: str, entry: TreeEntry, *, again: bool) -> TransferDecision:
        is_listed = again or key in self._keys.listed
        answer = self._bucket.head(key) if is_listed else None
        remote = None if answer is None else remote_of(key, answer)
        options = self._options
        decision = decide_upload(entry, remote, verify=options.verify, overwrite=options.overwrite)
        if decision.choice is not TransferAction.COMPARE or remote is None:
            return decision
        if entry.kind is TreeKind.LINK:
            here = crc64_text(crc64(_text_of(entry)))
        else:
            here = checksum_of(self._root / entry.path)
        return after_comparison(here == remote.checksum, remote, overwrite=options.overwrite)

    def _note(self, entry: TreeEntry, decision: TransferDecision) -> None:
        self.outcome.copied(Copy(entry.path, entry.kind, entry.size, decision.reason))

    def _send(self, key: str, entry: TreeEntry) -> TreeEntry:
        """Upload one name; gives its state at that moment."""
        if entry.kind is not TreeKind.FILE:
            self._bucket.put(key, _text_of(entry), _headers(entry)).result()
            self._watch.sent(entry.size)
            return entry
        # A file that became a link meanwhile is not followed.
        descriptor = os.open(self._root / entry.path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            for attempt in range(1, ATTEMPTS + 1):
                now = described(os.fstat(descriptor), entry.path)
                if now is None:
                    raise FileChangedError
                self._settled[entry.path] = now
                with suppress(*([FileChangedError] if attempt < ATTEMPTS else [])):
                    self._send_file(key, now, descriptor)
                    return now
        finally:
            os.close(descriptor)
        raise AssertionError

    def _send_small(self, key: str, entry: TreeEntry, decision: TransferDecision) -> Future[Any]:
        """Read a file and begin to send it; a file that changes meanwhile is read again."""
        descriptor = os.open(self._root / entry.path, os.O_RDONLY | os.O_NOFOLLOW)
        self._budget.take(entry.size)
        try:
            now, data = _read_settled(descriptor, entry.path)
        except BaseException:
            self._budget.give(entry.size)
            raise
        finally:
            os.close(descriptor)
        self._settled[entry.path] = now

        def stored(answer: Future[Answer]) -> None:
            self._budget.give(entry.size)
            if answer.exception() is None:
                self._earlier.note(now, answer.result().etag)
                self._watch.sent(now.size)
                self._note(now, decision)

        sent = self._bucket.put(key, data, _headers(now))
        sent.add_done_callback(stored)
        return sent

    def _send_file(self, key: str, entry: TreeEntry, descriptor: int) -> None:
        def unchanged() -> bool:
            now = described(os.fstat(descriptor), entry.path)
            return now is not None and now.same_state(entry)

        BigFile(
            bucket=self._bucket,
            key=key,
            entry=entry,
            descriptor=descriptor,
            left=self._open.pop(key, []),
            budget=self._budget,
            watch=self._watch,
            outcome=self.outcome,
            stopped=self._workers.stopped,
        ).send(unchanged)

    def _clear_leftovers(self, key: str) -> None:
        """Abort uploads of a key that was completed after they had begun."""
        if self._options.dry_run or key not in self._open:
            return
        completed = self._keys.listed[key].modified
        for upload in self._open.pop(key):
            # A later one may be an export from Lustre, under way right now.
            if upload.begun <= completed:
                abort(self._bucket, key, upload.upload_id)
                self.outcome.cleared()


def _read_settled(descriptor: int, path: str) -> tuple[TreeEntry, bytes]:
    """A file's content, and its state while that was read.

    Raises:
        FileChangedError: if it changed each time.
    """
    for _ in range(ATTEMPTS):
        before = described(os.fstat(descriptor), path)
        if before is None or before.size > 2 * SINGLE_PUT_LIMIT:
            break
        with suppress(FileChangedError):
            data = read_exactly(descriptor, Part(1, 0, before.size))
            after = described(os.fstat(descriptor), path)
            if after is not None and after.same_state(before):
                return before, data
    raise FileChangedError


def _is_big(entry: TreeEntry) -> bool:
    return entry.kind is TreeKind.FILE and entry.size > SINGLE_PUT_LIMIT


def _text_of(entry: TreeEntry) -> bytes:
    """The content of a link or a folder, as Lustre stores it."""
    return entry.target.encode("utf-8", "surrogateescape")


def _headers(entry: TreeEntry) -> dict[str, str]:
    return _as_headers(metadata(entry))


def _as_headers(user_metadata: Mapping[str, str]) -> dict[str, str]:
    reported = {f"{METADATA}{name}": value for name, value in user_metadata.items()}
    return {"Content-Type": "application/octet-stream", **reported}
