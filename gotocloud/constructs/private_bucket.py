"""What the buckets that hold data or releases have in common."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct


def private_bucket(
    scope: Construct,
    *,
    name: str,
    lifecycle_rules: Sequence[s3.LifecycleRule] = (),
    locked_for: Duration | None = None,
) -> s3.Bucket:
    """A bucket named `Bucket`: versioned, encrypted, TLS only, closed to the public, retained.

    Args:
        scope: Where it belongs.
        name: Its name; may be a CDK token.
        lifecycle_rules: Rules besides the one that drops uploads unfinished for a week.
        locked_for: How long S3 refuses to delete a version, unless an administrator may bypass
            the lock and does. Default: no lock.
    """
    bucket = s3.Bucket(
        scope,
        "Bucket",
        bucket_name=name,
        versioned=True,
        object_lock_default_retention=s3.ObjectLockRetention.governance(locked_for)
        if locked_for
        else None,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="drop-unfinished-uploads",
                abort_incomplete_multipart_upload_after=Duration.days(7),
            ),
            *lifecycle_rules,
        ],
    )
    if bucket.policy:
        # A bucket that outlives its stack goes on refusing anything but TLS.
        bucket.policy.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    return bucket
