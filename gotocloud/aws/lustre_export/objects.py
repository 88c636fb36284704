"""The bucket's side of a proof: every object in order, with what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import ABSENT_OBJECT, error_code, explained
from gotocloud.formats import whole_number
from gotocloud.projects.inventory import EntryKind
from gotocloud.projects.stored import BucketObject, Pair, Stored

T = TypeVar("T")
THREADS = 32
WINDOW = 2000
"""Objects that are read at a time; it bounds the memory of a proof."""

_LARGEST_LINK = 4096


def listed(cloud: Cloud, bucket: str) -> Iterator[BucketObject]:
    """Every object of a bucket in the order of the keys' bytes.

    Raises:
        GoToCloudError: if the bucket cannot be listed.
    """
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    with explained(f"list bucket {bucket}"):
        for page in pages:
            for found in page.get("Contents", ()):
                yield BucketObject(
                    key=found["Key"],
                    size=found["Size"],
                    etag=found["ETag"].strip('"'),
                    modified_ns=int(found["LastModified"].timestamp()) * 1_000_000_000,
                )


def with_metadata(
    cloud: Cloud, bucket: str, pairs: Iterable[Pair]
) -> Iterator[tuple[Pair, Stored | None]]:
    """Each pair with its object as S3 describes it, in the same order.

    An object that has gone or changed since it was listed counts as what it is now.
    """
    s3 = cloud.client("s3")
    with ThreadPoolExecutor(THREADS) as pool:
        for window in _windows(pairs, WINDOW):
            yield from zip(
                window, pool.map(lambda pair: _stored(s3, bucket, pair), window), strict=True
            )


def _windows(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while window := list(islice(left, size)):
        yield window


def _stored(s3: Any, bucket: str, pair: Pair) -> Stored | None:
    listed = pair.listed
    if listed is None:
        return None
    head = _found(s3, lambda: s3.head_object(Bucket=bucket, Key=listed.key), listed.key)
    if head is None:
        return None
    etag = head["ETag"].strip('"')
    content = None
    if pair.entry.kind is EntryKind.LINK and listed.size <= _LARGEST_LINK:
        content = _found(s3, partial(_content, s3, bucket, listed.key), listed.key)
    return Stored(
        BucketObject(listed.key, head["ContentLength"], etag, listed.modified_ns),
        {name.lower(): value for name, value in head.get("Metadata", {}).items()},
        version=head.get("VersionId") or "",
        content=content,
        etag_is_md5=head.get("ServerSideEncryption", "AES256") == "AES256",
        storage_class=head.get("StorageClass") or "STANDARD",
        part_bytes=_part_bytes(s3, bucket, listed.key, head) if pair.entry.md5 else 0,
    )


def _content(s3: Any, bucket: str, key: str) -> bytes:
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def _part_bytes(s3: Any, bucket: str, key: str, head: dict[str, Any]) -> int:
    """Size of the parts that an object was uploaded in; 0 where nothing fits its ETag."""
    _, _, parts = head["ETag"].strip('"').partition("-")
    count = whole_number(parts)
    if not count:
        return 0
    size, first = head["ContentLength"], part_size(s3, bucket, key, 1)
    return first if first and -(-size // first) == count else 0


def part_size(s3: Any, bucket: str, key: str, number: int) -> int:
    """Bytes of one part of an object; 0 when it has none of that number.

    Raises:
        GoToCloudError: if S3 does not answer.
    """
    found = _found(s3, lambda: s3.head_object(Bucket=bucket, Key=key, PartNumber=number), key)
    return int(found["ContentLength"]) if found else 0


def _found(s3: Any, call: Callable[[], T], key: str) -> T | None:
    with explained(f"look at {key!r}"):
        try:
            return call()
        except s3.exceptions.ClientError as error:
            if error_code(error) in ABSENT_OBJECT:
                return None
            raise
