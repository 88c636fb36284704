"""The bucket from which scientists launch."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from gotocloud.constructs.policy import acknowledge
from gotocloud.constructs.private_bucket import private_bucket
from gotocloud.contract.releases import PREFIX as RELEASES_PREFIX

MAX_READERS = 1_000
"""Accounts that fit a bucket policy of 20 KB (AWS, "Bucket policies and user policies")."""


class Distribution(Construct):
    """Published templates and node scripts, for the groups' accounts to read.

    Args:
        bucket_name: Fixed name of the bucket.
        readers: Accounts that may read what is published.

    Raises:
        ValueError: if there are more readers than a bucket policy holds.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket_name: str, readers: Sequence[str]
    ) -> None:
        if len(readers) > MAX_READERS:
            raise ValueError(
                f"a bucket policy names {MAX_READERS} accounts at most, not {len(readers)}"
            )
        super().__init__(scope, construct_id)
        self.bucket = private_bucket(self, name=bucket_name)
        self._keep_what_is_published()
        if readers:
            self._let_read(sorted(set(readers)))
        _acknowledge(self.bucket)

    def _keep_what_is_published(self) -> None:
        """No principal overwrites or deletes a release, administrators included.

        ParallelCluster runs node scripts as root and compares them with nothing. To change one,
        an administrator must first change this policy, which a trail shows.
        """
        published = self.bucket.arn_for_objects(f"{RELEASES_PREFIX}/*")
        for sid, actions, conditions in (
            ("NothingIsOverwritten", ["s3:PutObject"], {"Null": {"s3:if-none-match": "true"}}),
            ("NothingIsDeleted", ["s3:DeleteObject", "s3:DeleteObjectVersion"], {}),
        ):
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    effect=iam.Effect.DENY,
                    actions=actions,
                    principals=[iam.AnyPrincipal()],
                    resources=[published],
                    conditions=conditions,
                )
            )

    def _let_read(self, accounts: list[str]) -> None:
        # Principal "*" with the accounts as a condition: a principal that names an account
        # makes S3 refuse the whole policy once that account is closed.
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="GroupsReadReleases",
                # In one statement: the list of accounts would not fit a second time. The
                # bucket holds nothing but releases.
                actions=["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
                principals=[iam.AnyPrincipal()],
                resources=[
                    self.bucket.arn_for_objects(f"{RELEASES_PREFIX}/*"),
                    self.bucket.bucket_arn,
                ],
                conditions={"StringEquals": {"aws:PrincipalAccount": accounts}},
            )
        )


def _acknowledge(bucket: s3.Bucket) -> None:
    logging = (
        "It holds published templates and scripts that every group may read: who read them is "
        "no secret and no evidence. What was published, and whether it is unchanged, is proven "
        "by the SHA-256 manifest of each release and by versioning."
    )
    acknowledge(
        bucket,
        {
            "AwsSolutions-S1": logging,
            "NIST.800.53.R5-S3BucketLoggingEnabled": logging,
            "NIST.800.53.R5-S3BucketReplicationEnabled": "Every release can be published again "
            "from its tag in the repository, byte by byte.",
            "NIST.800.53.R5-S3DefaultEncryptionKMS": "SSE-S3 encrypts every object. With a key "
            "of our own, each group's account would need a grant on it to launch anything.",
        },
    )
