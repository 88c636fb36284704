"""The bucket of a project that is set up: free, or kept from before and taken over.

A stack cannot make a bucket that exists, and a bucket outlives its project's stack. A project
that takes its bucket over leaves it out of the stack: its settings, policy, tags and data stay
as the first stack made them, and as they are looked at here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.session import ABSENT_BUCKET, error_code, explained
from gotocloud.contract.project_bucket import PROJECT_BUCKETS
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.stacks import BUCKET_KEPT, ProjectParameter
from gotocloud.contract.tags import OWNER_TAGS
from gotocloud.errors import shell_line
from gotocloud.findings import Finding, Severity

_UNSET = {"NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration"}


def parameters(*, adopt: bool, archive_after_days: int) -> dict[str, str]:
    """Parameters of the project's template: where its bucket comes from, when it archives."""
    made: dict[str, str] = {ProjectParameter.BUCKET_ORIGIN: BUCKET_KEPT} if adopt else {}
    if archive_after_days:
        made[ProjectParameter.ARCHIVE_AFTER_DAYS] = str(archive_after_days)
    return made


def bucket_findings(
    cloud: Cloud, names: ProjectNames, template: dict[str, Any], *, adopt: bool
) -> list[Finding]:
    """Whether a project can have its bucket.

    Args:
        template: The project's template.
        adopt: Whether a bucket that exists is to be taken over.
    """
    name = names.bucket
    whose, why = answer_of(f"look at bucket {name}", lambda: whose_bucket(cloud, names))
    if whose is None:
        text = f"whether {name} is free is not known ({why})."
        return [Finding("Bucket", Severity.UNKNOWN, text)]
    if whose is Whose.OTHERS:
        text = f"{name} exists, and is {whose}."
        return [Finding("Bucket", Severity.ERROR, text, "choose another project name")]
    there = whose is Whose.OURS
    if adopt:
        return _adoption(cloud, names, template) if there else [_nothing_to_adopt(names)]
    if not there:
        return [Finding("Bucket", Severity.OK, f"{name} is free.")]
    taking_over = shell_line("gotocloud", "setup", names.project, "--adopt")
    return [
        Finding(
            "Bucket",
            Severity.ERROR,
            f"{name} exists without its project: it was kept when the project was finished, or "
            "an earlier attempt left it. Nothing was written into it or deleted.",
            "take it over with everything in it (--adopt), or choose another project name",
            instead=taking_over,
        )
    ]


def _nothing_to_adopt(names: ProjectNames) -> Finding:
    return Finding(
        "Bucket",
        Severity.ERROR,
        f"there is no {names.bucket} that could be taken over. A bucket of an earlier release, "
        f"whose name does not begin with {PROJECT_BUCKETS}, cannot: an administrator copies its "
        "data.",
        "set the project up without --adopt",
        instead=shell_line("gotocloud", "setup", names.project),
    )


def _adoption(cloud: Cloud, names: ProjectNames, template: dict[str, Any]) -> list[Finding]:
    s3 = cloud.client("s3")
    owned = {"Bucket": names.bucket, "ExpectedBucketOwner": names.account}

    def unless_unset(call: Any) -> dict[str, Any]:
        try:
            found: dict[str, Any] = call(**owned)
        except s3.exceptions.ClientError as error:
            if error_code(error) in _UNSET:
                return {}
            raise
        return found

    def look() -> list[str]:
        tagged = unless_unset(s3.get_bucket_tagging).get("TagSet", ())
        tags = {one["Key"]: one["Value"] for one in tagged}
        versioning = s3.get_bucket_versioning(**owned).get("Status")
        block = unless_unset(s3.get_public_access_block).get("PublicAccessBlockConfiguration", {})
        return [
            f"its tag {key} is {tags.get(key)!r}, not {names.tags[key]!r}"
            for key in OWNER_TAGS
            if tags.get(key) != names.tags[key]
        ] + [
            *(["it keeps no versions"] if versioning != "Enabled" else []),
            *(["it is not closed to the public"] if not block or not all(block.values()) else []),
        ]

    wrong, why = answer_of(f"look at bucket {names.bucket}", look)
    if wrong is None:
        wrong = [f"it could not be looked at ({why})"]
    if ProjectParameter.BUCKET_ORIGIN not in template.get("Parameters", {}):
        wrong.append("this release cannot take buckets over, a newer one can")
    if wrong:
        return [
            Finding(
                "Bucket",
                Severity.ERROR,
                f"{names.bucket} is not taken over: {'; '.join(wrong)}.",
                "ask the management group; or choose another project name",
            )
        ]
    text = f"{names.bucket} is taken over, with everything in it."
    return [Finding("Bucket", Severity.OK, text)]


class Whose(StrEnum):
    """Whose the bucket of a project is, by its name."""

    OURS = "the group's"
    NONE = "nowhere"
    OTHERS = "another account's, or closed to you"


def whose_bucket(cloud: Cloud, names: ProjectNames) -> Whose:
    """Whose a project's bucket is; S3 answers 403 for a bucket of another account.

    Raises:
        GoToCloudError: if S3 does not answer.
    """
    with explained(f"look at bucket {names.bucket}"):
        try:
            return Whose.NONE if head_of_bucket(cloud, names) is None else Whose.OURS
        except cloud.client("s3").exceptions.ClientError as error:
            if error_code(error) in {"403", "AccessDenied", "Forbidden"}:
                return Whose.OTHERS
            raise


def bucket_exists(cloud: Cloud, names: ProjectNames) -> bool:
    """Whether a project's bucket is there, in the group's account."""
    return head_of_bucket(cloud, names) is not None


def head_of_bucket(cloud: Cloud, names: ProjectNames) -> dict[str, Any] | None:
    """What S3 answers to HeadBucket for a project's bucket; None when there is none."""
    s3 = cloud.client("s3")
    try:
        found: dict[str, Any] = s3.head_bucket(
            Bucket=names.bucket, ExpectedBucketOwner=names.account
        )
    except s3.exceptions.ClientError as error:
        if error_code(error) in ABSENT_BUCKET:
            return None
        raise
    return found
