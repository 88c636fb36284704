"""Who read, wrote or deleted which object of the group's project buckets."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, acknowledge
from gotocloud.constructs.private_bucket import private_bucket
from gotocloud.contract.names import AUDIT_TRAIL, audit_bucket
from gotocloud.contract.project_bucket import PROJECT_BUCKETS

KEPT = Duration.days(400)
LOCKED = Duration.days(365)


class Audit(Construct):
    """A trail of every call on an object of a project, in all regions of the account.

    Its bucket's name begins with a prefix that the boundary keeps from every role of ours, and
    its records are locked for a year: only an administrator with permission to bypass that lock
    deletes one earlier.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        arn = f"arn:{PARTITION}:cloudtrail:{stack.region}:{stack.account}:trail/{AUDIT_TRAIL}"
        self.bucket = private_bucket(
            self,
            name=audit_bucket(stack.account),
            lifecycle_rules=[s3.LifecycleRule(id="drop-old-records", expiration=KEPT)],
            locked_for=LOCKED,
        )
        self._let_cloudtrail_write(arn, stack.account)
        self.trail = cloudtrail.CfnTrail(
            self,
            "Trail",
            trail_name=AUDIT_TRAIL,
            s3_bucket_name=self.bucket.bucket_name,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            advanced_event_selectors=[_project_objects()],
        )
        if self.bucket.policy:
            self.trail.node.add_dependency(self.bucket.policy)
        _acknowledge(self.bucket, self.trail)

    def _let_cloudtrail_write(self, trail: str, account: str) -> None:
        """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"""
        own = {"StringEquals": {"aws:SourceArn": trail}}
        for sid, action, resource in (
            ("CloudTrailLooksAtBucket", "s3:GetBucketAcl", self.bucket.bucket_arn),
            (
                "CloudTrailWritesRecords",
                "s3:PutObject",
                self.bucket.arn_for_objects(f"AWSLogs/{account}/*"),
            ),
        ):
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    actions=[action],
                    principals=[iam.ServicePrincipal("cloudtrail.amazonaws.com")],
                    resources=[resource],
                    conditions=own,
                )
            )


def _project_objects() -> cloudtrail.CfnTrail.AdvancedEventSelectorProperty:
    """Data events of project buckets alone: each is billed."""

    def field(
        name: str, *, equals: str = "", starts: str = ""
    ) -> cloudtrail.CfnTrail.AdvancedFieldSelectorProperty:
        return cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(
            field=name,
            equal_to=[equals] if equals else None,
            starts_with=[starts] if starts else None,
        )

    return cloudtrail.CfnTrail.AdvancedEventSelectorProperty(
        name="Objects of projects",
        field_selectors=[
            field("eventCategory", equals="Data"),
            field("resources.type", equals="AWS::S3::Object"),
            field("resources.ARN", starts=f"arn:{PARTITION}:s3:::{PROJECT_BUCKETS}"),
        ],
    )


def _acknowledge(bucket: s3.Bucket, trail: cloudtrail.CfnTrail) -> None:
    logging = (
        "It holds the records of an audit: a log of who reads them would need a bucket whose "
        "readers are logged in turn. Management events of the account show every change of it."
    )
    acknowledge(
        bucket,
        {
            "AwsSolutions-S1": logging,
            "NIST.800.53.R5-S3BucketLoggingEnabled": logging,
            "NIST.800.53.R5-S3BucketReplicationEnabled": "Records are locked for a year against "
            "deletion. A copy elsewhere is for the institute's landing zone, which collects the "
            "trails of all its accounts.",
            "NIST.800.53.R5-S3DefaultEncryptionKMS": "SSE-S3 encrypts every record. A key of our "
            "own has a monthly fee, and CloudTrail would need a grant on it to write.",
        },
    )
    acknowledge(
        trail,
        {
            "NIST.800.53.R5-CloudTrailCloudWatchLogsEnabled": "Objects are read by the million: "
            "each record would be billed once more in CloudWatch Logs, where no alarm reads it.",
            "NIST.800.53.R5-CloudTrailEncryptionEnabled": "S3 encrypts each record; a key of our "
            "own for the trail has a monthly fee.",
        },
    )
