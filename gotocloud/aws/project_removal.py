"""Removes a project for good: what is in its bucket, its stack with the key pair, its bucket.

In this order it can be interrupted anywhere: names follow from scientist and project, so what
is left is found again without the stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from gotocloud.aws.adoption import Whose, whose_bucket
from gotocloud.aws.billed import billed_for
from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.listener import Listener
from gotocloud.aws.removal import remove
from gotocloud.aws.session import ABSENT_BUCKET, error_code, explained
from gotocloud.aws.stacks import stack_of
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.tags import OWNER_TAGS
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError, shell_line
from gotocloud.projects.finishing import Finish, Holdings, spent
from gotocloud.projects.states import State
from gotocloud.waiting import looks

BATCH = 1000
"""Versions in one request. Source: S3 API, DeleteObjects."""

COST_REGION = "us-east-1"
"""Cost Explorer is global and answered here."""

COST_MONTHS = 12
"""How far back Cost Explorer reaches. Source: its API, GetCostAndUsage."""

_ROUNDS = 10
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def plan_finish(
    cloud: Cloud, names: ProjectNames, listener: Listener, *, count: bool = True
) -> Finish:
    """Look at everything that a project still has.

    Args:
        count: Whether to count what is in the bucket, which takes a request for each 1,000.

    Raises:
        GoToCloudError: if it still has a cluster, or AWS does not answer.
    """
    refuse_cluster(cloud, names)
    stack = stack_of(cloud, names.project_stack)
    whose = whose_bucket(cloud, names)
    bucket = names.bucket if whose is Whose.OURS else ""
    holdings = holdings_of(cloud, bucket, listener) if bucket and count else None
    amount, note = _spent(cloud, names, stack.created)
    untouched = f"{names.bucket} is {whose}" if whose is Whose.OTHERS else ""
    return Finish(names, stack.state, bucket, holdings, amount, note, untouched)


def refuse_cluster(cloud: Cloud, names: ProjectNames) -> None:
    """Refuse while a cluster, or something of one, is there: its Lustre may hold the only copy.

    Raises:
        GoToCloudError: if there is one, whatever its state; if something that is billed has the
            project's tags, or cannot be listed.
    """
    stack = stack_of(cloud, names.cluster_stack)
    if stack.state is not State.ABSENT:
        raise GoToCloudError(
            f"The project {names.project!r} still has a cluster ({stack.status}). "
            "Nothing was deleted.",
            next_command=shell_line("gotocloud", "pause", names.project),
            again=True,
        )
    if left := billed_for(cloud, names):
        raise GoToCloudError(
            f"Something of a cluster of {names.project!r} is still billed. Nothing was deleted.",
            problems=left,
            advice=TELL_MANAGEMENT,
            next_command="gotocloud doctor",
        )


def holdings_of(cloud: Cloud, bucket: str, listener: Listener) -> Holdings:
    """Count what is in a bucket, old versions included.

    Raises:
        GoToCloudError: if it cannot be listed.
    """
    s3 = cloud.client("s3")
    objects = versions = markers = size_bytes = 0
    with explained(f"list the versions in {bucket}"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = page.get("Versions", ())
            versions += len(found)
            objects += sum(1 for one in found if one["IsLatest"])
            size_bytes += sum(one["Size"] for one in found)
            markers += len(page.get("DeleteMarkers", ()))
            listener.counted(versions + markers)
        uploads = sum(1 for _ in _uploads(s3, bucket))
    return Holdings(objects, versions, markers, uploads, size_bytes)


def finish(cloud: Cloud, plan: Finish, listener: Listener, *, keep_data: bool) -> None:
    """Remove a project; its bucket only if its data are not to be kept.

    Raises:
        GoToCloudError: if something cannot be removed; running it again goes on.
    """
    names = plan.names
    refuse_cluster(cloud, names)
    if plan.bucket and not keep_data:
        listener.step(f"Deleting everything in {plan.bucket}")
        empty_bucket(cloud, plan.bucket, names.account, listener)
    stack = stack_of(cloud, names.project_stack)
    if stack.state is not State.ABSENT:
        listener.step(f"Deleting the stack {names.project_stack}, with the key pair")
        remove(cloud, stack, listener)
    if plan.bucket and not keep_data:
        listener.step(f"Deleting the bucket {plan.bucket}")
        delete_bucket(cloud, plan.bucket, names.account, listener)


def empty_bucket(cloud: Cloud, bucket: str, account: str, listener: Listener) -> None:
    """Delete everything in a bucket, old versions and unfinished uploads included.

    Raises:
        GoToCloudError: if something cannot be deleted; running it again goes on.
    """
    s3 = cloud.client("s3")
    owned = {"Bucket": bucket, "ExpectedBucketOwner": account}
    deleted = 0
    last: list[dict[str, str]] = []
    # From the front each time: what was deleted is not listed again, so nothing is remembered.
    while batch := _first_entries(s3, owned):
        with explained(f"delete what is in {bucket}"):
            errors = [{**batch[0], "Code": "still there"}] if batch == last else []
            errors = errors or _delete(s3, owned, batch)
        if errors:
            raise GoToCloudError(
                f"{len(errors)} of {len(batch)} versions in {bucket} cannot be deleted.",
                problems=[
                    f"{one.get('Key')!r}: {one.get('Message') or one.get('Code')}"
                    for one in errors[:10]
                ],
                advice=f"{TELL_MANAGEMENT} The same command then goes on.",
                again=True,
            )
        deleted, last = deleted + len(batch), batch
        listener.deleted(deleted)
    with explained(f"end unfinished uploads into {bucket}"):
        for key, upload in list(_uploads(s3, bucket)):
            try:
                s3.abort_multipart_upload(**owned, Key=key, UploadId=upload)
            except s3.exceptions.ClientError as error:
                if error_code(error) != "NoSuchUpload":
                    raise


def _delete(s3: Any, owned: dict[str, str], batch: list[dict[str, str]]) -> list[dict[str, str]]:
    """Delete versions; returns the errors. A batch travels as XML, which takes few controls."""
    odd = [one for one in batch if _NO_XML.search(one["Key"])]
    plain = [one for one in batch if one not in odd] if odd else batch
    errors: list[dict[str, str]] = []
    if plain:
        answer = s3.delete_objects(**owned, Delete={"Objects": plain, "Quiet": True})
        errors = answer.get("Errors", [])
    for one in odd:
        s3.delete_object(**owned, **one)
    return errors


def _first_entries(s3: Any, owned: dict[str, str]) -> list[dict[str, str]]:
    with explained(f"list the versions in {owned['Bucket']}"):
        page = s3.list_object_versions(**owned, MaxKeys=BATCH)
    found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found][:BATCH]


def delete_bucket(cloud: Cloud, bucket: str, account: str, listener: Listener) -> None:
    """Delete a bucket, and what came into it meanwhile.

    Raises:
        GoToCloudError: if something goes on writing into it.
    """
    s3 = cloud.client("s3")
    for _ in looks(1, tries=_ROUNDS, sleep=listener.sleep):
        with explained(f"delete the bucket {bucket}"):
            try:
                s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=account)
                return
            except s3.exceptions.ClientError as error:
                if error_code(error) in ABSENT_BUCKET:
                    return
                if error_code(error) != "BucketNotEmpty":
                    raise
        # An upload was still at work.
        empty_bucket(cloud, bucket, account, listener)
    raise GoToCloudError(
        f"Something goes on writing into {bucket}.",
        advice="End the uploads first; the same command then goes on.",
        again=True,
    )


def _uploads(s3: Any, bucket: str) -> Iterator[tuple[str, str]]:
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for one in page.get("Uploads", ()):
            yield one["Key"], one["UploadId"]


def _spent(cloud: Cloud, names: ProjectNames, since: str) -> tuple[Any, str]:
    today = datetime.now(UTC).date()
    earliest = date(today.year - COST_MONTHS // 12, today.month, 1)
    start = max(datetime.fromisoformat(since).date() if since else earliest, earliest)
    if start >= today:
        return None, "it began today; AWS adds costs up once a day"
    filters = [{"Tags": {"Key": tag, "Values": [names.tags[tag]]}} for tag in OWNER_TAGS]
    answer, why = answer_of(
        "ask what the project has cost",
        lambda: cloud.client("ce", COST_REGION).get_cost_and_usage(
            TimePeriod={"Start": start.isoformat(), "End": today.isoformat()},
            Granularity="MONTHLY",
            Metrics=["UnblendedCost"],
            Filter={"And": filters},
        ),
    )
    if answer is None:
        return None, why
    amount = spent(answer)
    if amount is None:
        return None, "AWS has nothing under the project's tags; are they cost allocation tags?"
    return amount, f"since {start.isoformat()}, without the last day"
