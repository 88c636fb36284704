"""What stays of a project when no cluster runs: its data and its key pair."""

from __future__ import annotations

from aws_cdk import CfnCondition, CfnResource, CfnTag, Duration, Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from gotocloud.constructs.policy import acknowledge
from gotocloud.constructs.private_bucket import private_bucket

SHORTEST_ARCHIVE_AGE = Duration.days(30)
SHORTEST_VERSION_AGE = Duration.days(30)
ARCHIVE_RULE = 2
"""Its place in the bucket's rules, after those for unfinished uploads and old versions."""


class ProjectStorage(Construct):
    """The bucket and the key pair of one project.

    The bucket outlives the stack. What is overwritten or deleted in it, by a scientist or by
    the export from Lustre, can be brought back until `keep_versions_for` has passed.
    AWS keeps the private half of the key pair in the SSM parameter store.

    Args:
        bucket_name: Name of the bucket; may be a CDK token.
        key_pair_name: Name of the EC2 key pair; may be a CDK token.
        made_if: Condition under which the bucket is made. Default: always. Otherwise one of that
            name is there already, with the settings that an earlier stack gave it.
        keep_versions_for: How long a replaced or deleted object can be brought back.
            Default: 90 days, and from day 30 in a cheaper class.
        archive_after: Age at which objects move to Glacier Instant Retrieval, the only
            archive class from which Lustre reads without a restore.
            Default: never.
        archive_if: Condition under which they move. Default: always, with `archive_after`.

    Raises:
        ValueError: if one of the two ages is shorter than 30 days.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket_name: str,
        key_pair_name: str,
        made_if: CfnCondition | None = None,
        keep_versions_for: Duration | None = None,
        archive_after: Duration | None = None,
        archive_if: CfnCondition | None = None,
    ) -> None:
        keep_versions_for = keep_versions_for or Duration.days(90)
        problems = [
            f"{name} is {age.to_days():g} days; it must be at least {shortest.to_days():g} days"
            for name, age, shortest in (
                ("keep_versions_for", keep_versions_for, SHORTEST_VERSION_AGE),
                ("archive_after", archive_after, SHORTEST_ARCHIVE_AGE),
            )
            if age is not None and not age.is_unresolved() and age.to_days() < shortest.to_days()
        ]
        if problems:
            raise ValueError("; ".join(problems))
        super().__init__(scope, construct_id)
        self.bucket = self._bucket(bucket_name, keep_versions_for, archive_after)
        if archive_if:
            self._archive_if(archive_if)
        if made_if:
            for made in (self.bucket, self.bucket.policy):
                resource = made and made.node.default_child
                if isinstance(resource, CfnResource):
                    resource.cfn_options.condition = made_if
        self.key_pair = ec2.CfnKeyPair(
            self,
            "KeyPair",
            key_name=key_pair_name,
            key_type="ed25519",
            key_format="pem",
            tags=[CfnTag(key="Name", value=key_pair_name)],
        )

    def _archive_if(self, condition: CfnCondition) -> None:
        """Switch the rule off without the condition: S3 takes no rule without an age."""
        bucket = self.bucket.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.add_property_override(
            f"LifecycleConfiguration.Rules.{ARCHIVE_RULE}.Status",
            Fn.condition_if(condition.logical_id, "Enabled", "Disabled"),
        )
        # The CDK writes the parameter's default as text (see `LaunchedStack.number`).
        acknowledge(
            bucket,
            {
                "CloudFormation-Validate::W9003": "The age is a parameter of type Number, whose "
                "value CloudFormation turns into an integer when the stack is launched."
            },
        )

    def _bucket(
        self, name: str, keep_versions_for: Duration, archive_after: Duration | None
    ) -> s3.Bucket:
        bucket = private_bucket(
            self, name=name, lifecycle_rules=_lifecycle(keep_versions_for, archive_after)
        )
        _acknowledge_findings(bucket)
        return bucket


def _lifecycle(
    keep_versions_for: Duration, archive_after: Duration | None
) -> list[s3.LifecycleRule]:
    rules = [
        s3.LifecycleRule(
            id="drop-old-versions",
            noncurrent_version_expiration=keep_versions_for,
            # A version younger than this costs more in the cheaper class than it saves.
            noncurrent_version_transitions=[
                s3.NoncurrentVersionTransition(
                    storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                    transition_after=Duration.days(30),
                )
            ]
            if keep_versions_for.to_days() >= 60
            else None,
            expired_object_delete_marker=True,
        ),
    ]
    if archive_after is not None:
        rules.append(
            s3.LifecycleRule(
                id="archive",
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                        transition_after=archive_after,
                    )
                ],
            )
        )
    return rules


def _acknowledge_findings(bucket: s3.Bucket) -> None:
    logging = (
        "A group has no log bucket, and one of its own for each project would have to be found "
        "and emptied whenever a project is finished. Versioning shows what was written and "
        "deleted when; who did it is a question for CloudTrail data events, which cover all "
        "buckets of the account at once."
    )
    replication = (
        "A replica in another region would double the only cost that a resting project has. "
        "Against loss by mistake there are versions, retention and a bucket that outlives its "
        "stack."
    )
    key = (
        "SSE-S3 encrypts every object. A key of our own would cost a monthly fee per project, "
        "which a resting project must not have, and FSx would need a grant on it to export."
    )
    acknowledge(
        bucket,
        {
            "AwsSolutions-S1": logging,
            "NIST.800.53.R5-S3BucketLoggingEnabled": logging,
            "NIST.800.53.R5-S3BucketReplicationEnabled": replication,
            "NIST.800.53.R5-S3DefaultEncryptionKMS": key,
        },
    )
