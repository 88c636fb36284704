"""One big file in parts, continued where an interrupted run stopped.

What S3 has counts as done: a part is kept if its size and checksum are those of the
same bytes on disk now. Nothing is remembered on this machine.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gotocloud.aws.session import error_code
from gotocloud.aws.transfer.engine import Answer, Bucket, MismatchError, crc64, crc64_text
from gotocloud.transfer.plan import Part, parts
from gotocloud.transfer.posix import metadata
from gotocloud.transfer.report import MemoryLimit, TransferOutcome, Watch
from gotocloud.transfer.tree import TreeEntry


class FileChangedError(Exception):
    """A file was written to while it was read."""


class StoppedError(Exception):
    """The whole transfer ends; what is there stays."""


@dataclass(frozen=True)
class OpenUpload:
    """A multipart upload that was begun and neither completed nor aborted."""

    upload_id: str
    begun: datetime


def open_uploads(bucket: Bucket, prefix: str) -> dict[str, list[OpenUpload]]:
    """Unfinished multipart uploads by key, the newest first."""
    found: dict[str, list[OpenUpload]] = {}
    pages = bucket.s3.get_paginator("list_multipart_uploads")
    for page in pages.paginate(Bucket=bucket.name, Prefix=prefix):
        for one in page.get("Uploads", []):
            upload = OpenUpload(one["UploadId"], one["Initiated"])
            found.setdefault(one["Key"], []).append(upload)
    for uploads in found.values():
        uploads.sort(key=lambda one: one.begun, reverse=True)
    return found


def abort(bucket: Bucket, key: str, upload_id: str) -> None:
    """Clear an unfinished upload away; one that is gone already is fine."""
    try:
        bucket.s3.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload_id)
    except bucket.s3.exceptions.ClientError as error:
        if error_code(error) not in {"NoSuchUpload", "404"}:
            raise


@dataclass
class BigFile:
    """The upload of one file in parts.

    Args:
        entry: The file as it was when it was opened.
        descriptor: The open file.
        left: Unfinished uploads of its key, the newest first.
    """

    bucket: Bucket
    key: str
    entry: TreeEntry
    descriptor: int
    left: list[OpenUpload]
    budget: MemoryLimit
    watch: Watch
    outcome: TransferOutcome
    stopped: Callable[[], bool]
    _etags: dict[int, str] = field(default_factory=dict)
    _sent: dict[int, Future[Answer]] = field(default_factory=dict)
    _crc: int = 0

    def send(self, unchanged: Callable[[], bool]) -> None:
        """Send what is missing, and complete the upload.

        Args:
            unchanged: Looks again whether the file still matches `entry`.

        Raises:
            FileChangedError: if it is not; the upload has then been aborted.
            StoppedError: if the transfer ends; the parts stay, for the next run.
            MismatchError: if S3 holds something else than what was sent.
        """
        upload_id = self._begin()
        try:
            try:
                self._send_parts(upload_id, unchanged)
            finally:
                for number, sent in sorted(self._sent.items()):
                    self._etags[number] = sent.result().etag
            if not unchanged():
                raise FileChangedError
        except FileChangedError:
            abort(self.bucket, self.key, upload_id)
            raise
        self._complete(upload_id)

    def _begin(self) -> str:
        """The upload to carry on with, or a new one; all others of the key are aborted."""
        kept = None
        for upload in self.left:
            # Its metadata hold the time of the file as it was when the upload began.
            untouched = self.entry.mtime_ns < upload.begun.timestamp() * 1e9
            if kept is None and untouched:
                kept = upload.upload_id
                continue
            abort(self.bucket, self.key, upload.upload_id)
            self.outcome.cleared()
        if kept:
            return kept
        made = self.bucket.s3.create_multipart_upload(
            Bucket=self.bucket.name,
            Key=self.key,
            Metadata=metadata(self.entry),
            ContentType="application/octet-stream",
            ChecksumAlgorithm="CRC64NVME",
            ChecksumType="FULL_OBJECT",
        )
        return str(made["UploadId"])

    def _send_parts(self, upload_id: str, unchanged: Callable[[], bool]) -> None:
        there = dict(self._listed(upload_id)) if self.left else {}
        for part in parts(self.entry.size):
            if self.stopped():
                raise StoppedError
            if not unchanged():
                raise FileChangedError
            self.budget.take(part.size)
            try:
                data = read_exactly(self.descriptor, part)
            except BaseException:
                self.budget.give(part.size)
                raise
            self._crc = crc64(data, self._crc)
            if is_same(there.get(part.number, {}), data):
                self.budget.give(part.size)
                self._etags[part.number] = there[part.number]["ETag"]
                self.outcome.resumed(part.size)
                self.watch.present(part.size)
                continue
            self._send_part(upload_id, part, data)

    def _send_part(self, upload_id: str, part: Part, data: bytes) -> None:
        sent = self.bucket.put(self.key, data, {}, partNumber=str(part.number), uploadId=upload_id)

        def done(answer: Future[Answer]) -> None:
            self.budget.give(part.size)
            if answer.exception() is None:
                self.watch.sent(part.size)

        sent.add_done_callback(done)
        self._sent[part.number] = sent

    def _listed(self, upload_id: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        pages = self.bucket.s3.get_paginator("list_parts").paginate(
            Bucket=self.bucket.name, Key=self.key, UploadId=upload_id
        )
        for page in pages:
            for part in page.get("Parts", []):
                yield part["PartNumber"], part

    def _complete(self, upload_id: str) -> None:
        checksum = crc64_text(self._crc)
        listed: Any = [{"PartNumber": n, "ETag": tag} for n, tag in sorted(self._etags.items())]
        try:
            made = self.bucket.s3.complete_multipart_upload(
                Bucket=self.bucket.name,
                Key=self.key,
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},
                ChecksumCRC64NVME=checksum,
                ChecksumType="FULL_OBJECT",
            )
            stated = made.get("ChecksumCRC64NVME", "")
        except self.bucket.s3.exceptions.ClientError as error:
            # A retry, or another run of the same upload, was faster.
            if error_code(error) != "NoSuchUpload":
                raise
            stated = ""
        if stated != checksum:
            self._look(checksum)

    def _look(self, checksum: str) -> None:
        """Where the answer proves nothing, ask what is there."""
        there = self.bucket.head(self.key)
        size = "" if there is None else there.headers.get("content-length", "")
        if there is None or size != str(self.entry.size):
            raise MismatchError(self.key)
        if there.checksum and there.checksum != checksum:
            raise MismatchError(self.key)


def is_same(listed: Mapping[str, Any], data: bytes) -> bool:
    """Whether a part that S3 lists holds these data."""
    if listed.get("Size") != len(data):
        return False
    if checksum := listed.get("ChecksumCRC64NVME"):
        return bool(checksum == crc64_text(crc64(data)))
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return bool(listed["ETag"].strip('"') == md5)


def read_exactly(descriptor: int, part: Part) -> bytes:
    """The bytes of a part.

    Raises:
        FileChangedError: if the file ends before.
    """
    pieces = []
    offset, wanted = part.offset, part.size
    while wanted:
        piece = os.pread(descriptor, wanted, offset)
        if not piece:
            raise FileChangedError
        pieces.append(piece)
        offset += len(piece)
        wanted -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
