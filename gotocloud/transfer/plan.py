"""Decides what is done with each name: pure, from what lies here and what lies in the bucket."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gotocloud.transfer.posix import LUSTRE, Posix
from gotocloud.transfer.tree import TransferProblem, TreeEntry, TreeKind, shown

MIB = 1 << 20
SINGLE_PUT_LIMIT = 8 * MIB
"""Up to here a file is one request; what is bigger goes in parts."""

MAX_PARTS = 10_000
MAX_OBJECT = 5 << 40
MAX_KEY_BYTES = 1024
MAX_NAME_BYTES = 255
"""S3's limits (S3 User Guide, "Amazon S3 multipart upload limits" and "Naming Amazon S3
objects"), and Linux's limit of a name."""

READY = "unchanged"


class TransferAction(StrEnum):
    """What is done with one name."""

    COPY = "copy"
    SAME = "unchanged"
    COMPARE = "compare checksums"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing of the bucket shows it; its ETag without quotes."""

    size: int
    modified: datetime
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Remote:
    """An object with its metadata.

    Args:
        etag: Without quotes.
        checksum: CRC64NVME of the whole object, base64; empty where the store keeps none.
    """

    size: int
    etag: str
    checksum: str
    posix: Posix


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a big file; numbers count from 1, as in S3."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class TransferDecision:
    """What is done with one name, and why."""

    choice: TransferAction
    reason: str


@dataclass
class Keys:
    """Keys of a bucket under a prefix, and which of them are folders of others."""

    listed: Mapping[str, Listed]
    folders: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.folders = {folder for key in self.listed for folder in _ancestors(key)}


def key_of(prefix: str, entry: TreeEntry) -> str:
    """The object's key; that of a folder ends with "/", as Lustre has it."""
    key = f"{prefix}/{entry.path}" if entry.path else prefix
    return f"{key}/" if entry.kind is TreeKind.FOLDER else key


def too_much_for_s3(key: str, entry: TreeEntry) -> str | None:
    """Why no bucket takes an entry, or None when it does."""
    size = len(key.encode())
    if size > MAX_KEY_BYTES:
        return f"its name in the bucket is {size} bytes long; S3 takes {MAX_KEY_BYTES}"
    if entry.size > MAX_OBJECT:
        return f"is {entry.size} bytes long; S3 takes {MAX_OBJECT} in one object"
    return None


def key_trouble(key: str, entry: TreeEntry, keys: Keys) -> str | None:
    """Why an entry cannot lie under its key in this bucket, or None when it can."""
    if entry.kind is TreeKind.FOLDER and key[:-1] in keys.listed:
        return "is a folder here and a file in the bucket; rename one"
    if entry.kind is not TreeKind.FOLDER and key in keys.folders:
        return "is a file here and a folder in the bucket; rename one"
    return None


def decide_upload(
    entry: TreeEntry, remote: Remote | None, *, verify: bool = False, overwrite: bool = False
) -> TransferDecision:
    """What an upload does with an entry.

    Args:
        remote: What lies in the bucket under its key; None for nothing.
        verify: Compare checksums even where size and time show that nothing has changed.
        overwrite: Replace even what the cluster has changed.
    """
    if remote is None:
        return TransferDecision(TransferAction.COPY, "new")
    if entry.kind is TreeKind.FOLDER:
        return TransferDecision(TransferAction.SAME, READY)
    kind = remote.posix.kind or TreeKind.FILE
    if remote.size == entry.size and kind is entry.kind:
        if remote.posix.mtime_ns == entry.mtime_ns and not verify:
            return TransferDecision(TransferAction.SAME, READY)
        if remote.checksum:
            return TransferDecision(TransferAction.COMPARE, "same size")
    if remote.posix.user_agent == LUSTRE and not overwrite:
        return TransferDecision(TransferAction.CONFLICT, CHANGED_ON_CLUSTER)
    return TransferDecision(TransferAction.COPY, "changed")


CHANGED_ON_CLUSTER = (
    "the cluster has written another content under this name; it is not replaced. "
    "Rename it here, or use --overwrite"
)
CHANGED_HERE = (
    "there is another content under this name here; it is not replaced. "
    "Rename it, or use --overwrite"
)


def decide_download(
    entry: TreeEntry | None, remote: Remote, *, verify: bool = False, overwrite: bool = False
) -> TransferDecision:
    """What a download does with an object.

    Args:
        entry: What lies here under its name; None for nothing.
    """
    if entry is None:
        return TransferDecision(TransferAction.COPY, "new")
    kind = remote.posix.kind or TreeKind.FILE
    if kind is not entry.kind:
        return TransferDecision(
            TransferAction.CONFLICT, f"is a {entry.kind} here and a {kind} in the bucket"
        )
    if kind is TreeKind.FOLDER:
        return TransferDecision(TransferAction.SAME, READY)
    if remote.size == entry.size:
        if remote.posix.mtime_ns == entry.mtime_ns and not verify:
            return TransferDecision(TransferAction.SAME, READY)
        if remote.checksum:
            return TransferDecision(TransferAction.COMPARE, "same size")
    if not overwrite:
        return TransferDecision(TransferAction.CONFLICT, CHANGED_HERE)
    return TransferDecision(TransferAction.COPY, "changed")


def after_comparison(
    equal: bool, remote: Remote, *, downloading: bool = False, overwrite: bool = False
) -> TransferDecision:
    """What follows when both checksums are known."""
    if equal:
        return TransferDecision(TransferAction.SAME, "same content")
    if downloading and not overwrite:
        return TransferDecision(TransferAction.CONFLICT, CHANGED_HERE)
    if not downloading and remote.posix.user_agent == LUSTRE and not overwrite:
        return TransferDecision(TransferAction.CONFLICT, CHANGED_ON_CLUSTER)
    return TransferDecision(TransferAction.COPY, "changed")


def part_size(size: int) -> int:
    """Bytes of every part but the last: whole MiB, so that 10,000 parts are enough."""
    needed = -(-size // MAX_PARTS)
    return max(SINGLE_PUT_LIMIT, -(-needed // MIB) * MIB)


def parts(size: int) -> Iterator[Part]:
    """The parts of a file; the same size gives the same parts, so that they can be resumed."""
    step = part_size(size)
    for number, offset in enumerate(range(0, size, step), start=1):
        yield Part(number, offset, min(step, size - offset))


def safe_path(key: str, prefix: str) -> str | TransferProblem:
    """Where an object lies below the folder of a download, or why it must not."""
    path = key.removeprefix(prefix).removesuffix("/")
    names = path.split("/") if path else []
    if any(name in {"", ".", ".."} or "\0" in name for name in names):
        return TransferProblem(key, "no file can have this name; it is left in the bucket")
    if any(len(name.encode()) > MAX_NAME_BYTES for name in names):
        return TransferProblem(key, f"a name is longer than {MAX_NAME_BYTES} bytes; it is left")
    return path


def tops(keys: Collection[str]) -> list[str]:
    """The first names of keys, for a list of what there is."""
    return sorted({shown(key.split("/", 1)[0]) for key in keys})


def _ancestors(key: str) -> Iterator[str]:
    end = key.find("/")
    while end != -1:
        yield key[:end]
        end = key.find("/", end + 1)
