"""Copies a project's bucket into that of a successor, and compares the two."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import ABSENT_BUCKET, error_code, explained
from gotocloud.contract.project_bucket import (
    GUARD_NOTICE,
    KEEP_UNTIL,
    LAST_CLUSTER,
    PROJECT_BUCKETS,
    PROOFS,
    REPORTS,
)
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.tag_text import as_tag
from gotocloud.contract.tags import IAM_USER_TAG, PROJECT_TAG
from gotocloud.errors import GoToCloudError

ONE_COPY = 5 * 1024**3
"""Bytes that CopyObject copies at most (Amazon S3 API reference); more goes in parts."""

AT_ONCE = 16
_BATCH = 1_000
_OF_CLUSTERS = (PROOFS, REPORTS, KEEP_UNTIL, GUARD_NOTICE, LAST_CLUSTER)
"""What concerns a cluster of the former owner, and no data."""


@dataclass(frozen=True)
class Owned:
    """A project's bucket of one person."""

    project: str
    bucket: str
    region: str


@dataclass(frozen=True)
class KeptObject:
    """An object of a bucket's listing."""

    key: str
    size: int
    changed: datetime


def projects_of(cloud: Cloud, user: str) -> tuple[Owned, ...]:
    """The buckets of a person's projects, those of finished projects included.

    Raises:
        GoToCloudError: if S3 does not answer.
    """
    s3, found = cloud.client("s3"), []
    with explained(f"look for buckets of {user}"):
        names = [one["Name"] for one in s3.list_buckets()["Buckets"]]
        for name in names:
            if name.startswith(PROJECT_BUCKETS):
                tags, region = _tags(s3, name), _region(s3, name)
                if tags.get(IAM_USER_TAG) == as_tag(user):
                    found.append(Owned(tags.get(PROJECT_TAG, ""), name, region))
    return tuple(found)


def _region(s3: Any, bucket: str) -> str:
    # us-east-1 has no name here:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
    return str(s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1")


def _tags(s3: Any, bucket: str) -> dict[str, str]:
    try:
        listed = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except s3.exceptions.ClientError as error:
        if error_code(error) in {"NoSuchTagSet", *ABSENT_BUCKET}:
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in listed}


def successors_bucket(cloud: Cloud, account: str, successor: str, project: str) -> Owned | None:
    """The bucket of the same project of another person; None if there is none."""
    names = ProjectNames(successor, account, project)
    found = [one for one in projects_of(cloud, successor) if one.bucket == names.bucket]
    return found[0] if found else None


def taken_over(cloud: Cloud, account: str, old: Owned, people: Iterable[str]) -> bool:
    """Whether one of some people has everything of another's project.

    Raises:
        GoToCloudError: if S3 does not answer.
    """
    s3, wanted = cloud.client("s3"), {ProjectNames(x, account, old.project).bucket for x in people}
    with explained(f"look for who has taken over {old.project!r}"):
        found = [
            Owned(old.project, one["Name"], _region(s3, one["Name"]))
            for one in s3.list_buckets()["Buckets"]
            if one["Name"] in wanted
        ]
    return any(next(not_there(cloud, old, new), None) is None for new in found)


def not_there(cloud: Cloud, old: Owned, new: Owned) -> Iterator[KeptObject]:
    """The objects of one bucket that the other lacks, or has older.

    Raises:
        GoToCloudError: if S3 does not answer.
    """
    return (one for one, newer in _differing(cloud, old, new) if not newer)


def _differing(cloud: Cloud, old: Owned, new: Owned) -> Iterator[tuple[KeptObject, bool]]:
    """The objects of one bucket that the other has not as they are, and whether it has a newer one.

    What is newer there is the successor's own work, and is never replaced. Both listings are in
    order of the key, and are read once, a page at a time.

    Raises:
        GoToCloudError: if S3 does not answer.
    """
    there = _listing(cloud, new)
    other = next(there, None)
    for one in _listing(cloud, old):
        while other is not None and other.key.encode() < one.key.encode():
            other = next(there, None)
        if other is None or other.key != one.key or other.changed < one.changed:
            yield one, False
        elif other.size != one.size:
            yield one, True


def _listing(cloud: Cloud, place: Owned) -> Iterator[KeptObject]:
    pages = cloud.client("s3", place.region).get_paginator("list_objects_v2")
    with explained(f"list {place.bucket}"):
        for page in pages.paginate(Bucket=place.bucket):
            for one in page.get("Contents", ()):
                if not one["Key"].startswith(_OF_CLUSTERS):
                    yield KeptObject(one["Key"], one["Size"], one["LastModified"])


def copy_over(
    cloud: Cloud, old: Owned, new: Owned, done: Callable[[int, int], None]
) -> tuple[int, list[str]]:
    """Copy what the new bucket lacks, inside S3, with what Lustre wrote beside each object.

    What is copied already stays; an interrupted copy continues when it is run again.

    Args:
        done: Gets how many objects and bytes were copied so far.

    Returns:
        The number of objects copied, and the keys of which the new bucket has a newer object of
        another size.

    Raises:
        GoToCloudError: if S3 refuses a copy, or the buckets still differ.
    """
    count = size = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for batch in _batches(not_there(cloud, old, new)):
            list(pool.map(lambda item: _copy(cloud, old, new, item), batch))
            count, size = count + len(batch), size + sum(item.size for item in batch)
            done(count, size)
    kept = []
    for left, newer in _differing(cloud, old, new):
        if not newer:
            raise GoToCloudError(
                f"{old.bucket} and {new.bucket} still differ, for example in {left.key!r}: it was "
                "changed meanwhile.",
                again=True,
            )
        kept.append(left.key)
    return count, kept


def _batches(objects: Iterator[KeptObject]) -> Iterator[list[KeptObject]]:
    batch: list[KeptObject] = []
    for one in objects:
        batch.append(one)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _copy(cloud: Cloud, old: Owned, new: Owned, item: KeptObject) -> None:
    s3 = cloud.client("s3", new.region)
    source = {"Bucket": old.bucket, "Key": item.key}
    with explained(f"copy {item.key!r}"):
        if item.size <= ONE_COPY:
            s3.copy_object(Bucket=new.bucket, Key=item.key, CopySource=source)
            return
        # A copy in parts takes no metadata along, which a copy in one call does:
        # https://docs.aws.amazon.com/cli/latest/reference/s3/cp.html (--copy-props)
        head = cloud.client("s3", old.region).head_object(**source)
        more = {"Metadata": head["Metadata"], "MetadataDirective": "REPLACE"}
        s3.copy(source, new.bucket, item.key, ExtraArgs=more)
