"""What lies in a bucket: listings, and objects with their metadata."""

from __future__ import annotations

from gotocloud.aws.session import explained
from gotocloud.aws.transfer.engine import Answer, Bucket
from gotocloud.transfer.plan import Keys, Listed, Remote
from gotocloud.transfer.posix import Posix, parse
from gotocloud.transfer.tree import TreeKind


def listing(bucket: Bucket, prefix: str) -> Keys:
    """Every object whose key begins so.

    Raises:
        GoToCloudError: if the bucket cannot be listed.
    """
    found = {}
    with explained(f"list s3://{bucket.name}/{prefix}"):
        pages = bucket.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket.name, Prefix=prefix):
            for one in page.get("Contents", []):
                found[one["Key"]] = Listed(one["Size"], one["LastModified"], one["ETag"].strip('"'))
    return Keys(found)


def is_there(bucket: Bucket, prefix: str) -> bool:
    """Whether any key begins so.

    Raises:
        GoToCloudError: if the bucket cannot be listed.
    """
    with explained(f"list s3://{bucket.name}/{prefix}"):
        found = bucket.s3.list_objects_v2(Bucket=bucket.name, Prefix=prefix, MaxKeys=1)
    return bool(found.get("KeyCount", len(found.get("Contents", []))))


def top_folders(bucket: Bucket) -> list[str]:
    """First names of the keys, for a list of what there is.

    Raises:
        GoToCloudError: if the bucket cannot be listed.
    """
    with explained(f"list s3://{bucket.name}"):
        pages = bucket.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket.name, Delimiter="/"
        )
        return [
            one["Prefix"].rstrip("/") for page in pages for one in page.get("CommonPrefixes", [])
        ]


def remote_of(key: str, answer: Answer) -> Remote:
    """An object as the answer to a HEAD describes it."""
    posix = parse(answer.metadata)
    if key.endswith("/"):
        # A folder made in a browser has no metadata:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-folders.html
        posix = Posix(
            TreeKind.FOLDER, posix.permissions, posix.mtime_ns, posix.atime_ns, posix.user_agent
        )
    return Remote(
        size=int(answer.headers.get("content-length", "0")),
        etag=answer.etag,
        checksum=answer.checksum,
        posix=posix,
    )
