"""Until when clusters are kept, as AWS knows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import error_code, explained
from gotocloud.errors import GoToCloudError
from gotocloud.projects.keeping import KEEP_UNTIL, kept_longer, kept_until

_ABSENT = {"NoSuchKey", "NoSuchBucket", "404"}


def deadline(cloud: Cloud, stack: Mapping[str, Any]) -> datetime | None:
    """Until when a cluster is kept; None while only use keeps it.

    Args:
        stack: As CloudFormation describes it.

    Raises:
        GoToCloudError: if it cannot be asked, or somebody wrote nonsense.
    """
    parameters = {it["ParameterKey"]: it["ParameterValue"] for it in stack.get("Parameters", ())}
    bucket = parameters["BucketName"]
    try:
        return kept_until(
            str(stack["StackId"]), stack["CreationTime"], parameters, _kept(cloud, bucket)
        )
    except ValueError as error:
        raise GoToCloudError(
            f"Until when the cluster is kept is not known: {error}",
            next_command="gotocloud start --keep-for HOURS writes it anew",
        ) from error


def keep(cloud: Cloud, stack: Mapping[str, Any], hours: int, scientist: str) -> datetime:
    """Keep a cluster for so many hours from now; returns until when.

    Raises:
        GoToCloudError: if it cannot be written down.
    """
    parameters = {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}
    body, until = kept_longer(str(stack["StackId"]), hours, scientist, datetime.now(UTC))
    with explained(f"keep the cluster for {hours} hours"):
        cloud.client("s3").put_object(
            Bucket=parameters["BucketName"],
            Key=KEEP_UNTIL,
            Body=body,
            ContentType="application/json",
        )
    return until


def _kept(cloud: Cloud, bucket: str) -> bytes | None:
    s3 = cloud.client("s3")
    with explained(f"read s3://{bucket}/{KEEP_UNTIL}"):
        try:
            content: bytes = s3.get_object(Bucket=bucket, Key=KEEP_UNTIL)["Body"].read()
        except s3.exceptions.ClientError as error:
            if error_code(error) in _ABSENT:
                return None
            raise
    return content
