"""The stack of a project: what stays when no cluster runs."""

from __future__ import annotations

from aws_cdk import CfnCondition, Duration, Fn, Token
from constructs import Construct

from gotocloud.constructs.project_storage import ProjectStorage
from gotocloud.contract.project_bucket import PROJECT_BUCKETS
from gotocloud.contract.project_names import MAX_BUCKET_NAME
from gotocloud.contract.stacks import (
    ARCHIVE_AGES_DAYS,
    BUCKET_KEPT,
    BUCKET_NEW,
    NEVER_ARCHIVED,
    ProjectOutput,
    ProjectParameter,
)
from gotocloud.stacks.launched import LaunchedStack, Section

BUCKET_PATTERN = f"^{PROJECT_BUCKETS}[a-z0-9-]*[a-z0-9]$"
BUCKET_RULE = (
    f"{PROJECT_BUCKETS} and up to {MAX_BUCKET_NAME - len(PROJECT_BUCKETS)} lower-case letters, "
    "digits and hyphens"
)


class ProjectStack(LaunchedStack):
    """Bucket and key pair of one project; the same template serves every group and region."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            description="GoToCloud project: the bucket that holds the project's data, "
            "and its key pair. Costs nothing but the stored data.",
        )
        bucket_name = self.text(
            ProjectParameter.BUCKET_NAME,
            label="Bucket",
            description="Name of the new bucket, unique in the world. It is kept when the "
            "project's stack is deleted.",
            pattern=BUCKET_PATTERN,
            shortest=3,
            longest=63,
            constraint=BUCKET_RULE,
        )
        key_pair_name = self.text(
            ProjectParameter.KEY_PAIR_NAME,
            label="Key pair",
            description="Name of the new EC2 key pair. AWS keeps its private half in the "
            "SSM parameter store.",
            pattern="^[A-Za-z0-9_.@+=-]+$",
            longest=255,
            constraint="1 to 255 letters, digits and _ . @ + = -",
        )
        origin = self.choice(
            ProjectParameter.BUCKET_ORIGIN,
            label="Bucket is",
            description="Whether the bucket is new, or was kept when the same project was "
            "finished; such a one is left as it is.",
            allowed=(BUCKET_NEW, BUCKET_KEPT),
            constraint=f"{BUCKET_NEW} or {BUCKET_KEPT}",
        )
        archive_after_days = self.number(
            ProjectParameter.ARCHIVE_AFTER_DAYS,
            label="Archive after (days)",
            description="Age at which objects of a new bucket move to Glacier Instant Retrieval, "
            f"from which Lustre still reads them at once. {NEVER_ARCHIVED}: never, the default.",
            default=NEVER_ARCHIVED,
            allowed=ARCHIVE_AGES_DAYS,
            constraint=f"one of {', '.join(map(str, ARCHIVE_AGES_DAYS))}",
        )
        archived = CfnCondition(
            self,
            "Archived",
            expression=Fn.condition_not(Fn.condition_equals(archive_after_days, NEVER_ARCHIVED)),
        )
        shortest = ARCHIVE_AGES_DAYS[1]
        self.storage = ProjectStorage(
            self,
            "Storage",
            bucket_name=bucket_name,
            key_pair_name=key_pair_name,
            made_if=CfnCondition(
                self, "NewBucket", expression=Fn.condition_equals(origin, BUCKET_NEW)
            ),
            archive_after=Duration.days(
                Token.as_number(Fn.condition_if(archived.logical_id, archive_after_days, shortest))
            ),
            archive_if=archived,
        )
        self.form(
            Section(
                title="Your project",
                parameters=(ProjectParameter.PROJECT, ProjectParameter.SCIENTIST),
            ),
            Section(
                title="What is created",
                parameters=(
                    ProjectParameter.BUCKET_NAME,
                    ProjectParameter.BUCKET_ORIGIN,
                    ProjectParameter.ARCHIVE_AFTER_DAYS,
                    ProjectParameter.KEY_PAIR_NAME,
                ),
            ),
        )
        self.output(ProjectOutput.BUCKET_NAME, bucket_name, "Bucket of the project's data")
        self.output(
            ProjectOutput.KEY_PAIR_NAME, self.storage.key_pair.ref, "EC2 key pair of the project"
        )
