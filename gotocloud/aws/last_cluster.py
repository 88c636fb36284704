"""What a project's last cluster was like, kept in its bucket for the next `start`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import ABSENT_BUCKET, ABSENT_OBJECT, error_code, explained
from gotocloud.contract.project_bucket import LAST_CLUSTER
from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import GoToCloudError
from gotocloud.formats import parse_json


@dataclass(frozen=True)
class LastCluster:
    """What `start` takes where it is not typed.

    Args:
        configuration: Name of its configuration.
        lustre_gib: Size of its Lustre, GiB; None where it was the configuration's.
    """

    configuration: str
    lustre_gib: int | None = None


def last_cluster(cloud: Cloud, names: ProjectNames) -> LastCluster | None:
    """The project's last cluster; None before the first one.

    Raises:
        GoToCloudError: if it cannot be read: another configuration may cost twice as much.
    """
    s3 = cloud.client("s3")
    with explained(f"read s3://{names.bucket}/{LAST_CLUSTER}"):
        try:
            body = s3.get_object(Bucket=names.bucket, Key=LAST_CLUSTER)["Body"].read()
        except s3.exceptions.ClientError as error:
            if error_code(error) in ABSENT_OBJECT | ABSENT_BUCKET:
                return None
            raise
    try:
        content = parse_json(body)
        name, size = content["configuration"], content["lustre_gib"]
        if not isinstance(name, str):
            raise TypeError(name)
        return LastCluster(name, None if size is None else int(size))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise GoToCloudError(
            f"s3://{names.bucket}/{LAST_CLUSTER} does not contain what gotocloud writes. The "
            "configuration of the last cluster is not known.",
            advice="Select one with --config.",
            next_command="gotocloud cluster list",
        ) from error


def remember(cloud: Cloud, names: ProjectNames, last: LastCluster) -> None:
    """Keep what a cluster is like.

    Raises:
        GoToCloudError: if it cannot be written.
    """
    body = json.dumps(asdict(last))
    with explained(f"write s3://{names.bucket}/{LAST_CLUSTER}"):
        cloud.client("s3").put_object(
            Bucket=names.bucket,
            Key=LAST_CLUSTER,
            Body=body.encode(),
            ContentType="application/json",
        )
