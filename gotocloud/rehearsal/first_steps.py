"""What AWS and a management group have done before the first cluster of a group.

EC2's role for spot is made once in an account, and AWS keeps ParallelCluster's template in a
bucket of its own in each region. The file that stands for it here has none of its content: the
local AWS models the provider.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from gotocloud.platform.model import Platform
from gotocloud.rehearsal.local_aws import LocalAws

SPOT_SERVICE = "spot.amazonaws.com"
PARALLELCLUSTER_ACCOUNT = "999999999999"
"""Stands for the account of AWS that owns the templates."""

STAND_IN = b"# Stands for AWS's template, which cannot be fetched here.\n"


def take_first_steps(local: LocalAws, platform: Platform) -> None:
    """Do all of it, where it is not done yet."""
    for group in platform.groups:
        iam = local.client("iam", group.account, group.home_region)
        try:
            iam.create_service_linked_role(AWSServiceName=SPOT_SERVICE)
        except iam.exceptions.ClientError:
            # It is there: IAM names that in several ways.
            iam.get_role(RoleName="AWSServiceRoleForEC2Spot")
    for region in platform.regions:
        _keep_template(local, platform, region)


def _keep_template(local: LocalAws, platform: Platform, region: str) -> None:
    parts = urlsplit(platform.engine.provider_template_url(region))
    bucket = str(parts.hostname).split(".s3.")[0]
    s3 = local.client("s3", PARALLELCLUSTER_ACCOUNT, region)
    given = {} if region == "us-east-1" else {"LocationConstraint": region}
    own = {"CreateBucketConfiguration": given} if given else {}
    try:
        s3.create_bucket(Bucket=bucket, **own)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return
    s3.put_bucket_policy(Bucket=bucket, Policy=_readable(bucket))
    s3.put_object(Bucket=bucket, Key=parts.path.lstrip("/"), Body=STAND_IN)


def _readable(bucket: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
