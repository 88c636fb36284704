"""What scientists may end: clusters whose data are safe, and projects."""

from __future__ import annotations

from gotocloud.constructs.launch_place import TAGGED, LaunchPlace
from gotocloud.constructs.policy import Statement
from gotocloud.contract.names import COMMAND_DOCUMENT


def pause_statements(place: LaunchPlace) -> list[Statement]:
    """Reading from the head node what runs and what is on Lustre, and exporting it."""
    tagged = "Ids are AWS's; the tag admits the clusters of this account only."
    return [
        Statement(
            sid="RunOnHeadNodes",
            actions=["ssm:SendCommand"],
            resources=[place.arn("ec2", "instance/*")],
            conditions=TAGGED,
            why=f"{tagged} It allows no more than a session with the same machine does.",
        ),
        Statement(
            sid="UseCommandDocument",
            actions=["ssm:SendCommand"],
            resources=[place.arn("ssm", f"document/{COMMAND_DOCUMENT}", account="")],
            why="The same document in each of the group's regions.",
        ),
        Statement(
            sid="ReadCommandResults",
            actions=["ssm:GetCommandInvocation"],
            why="Read-only; Systems Manager has no resource for this action.",
        ),
        Statement(
            sid="SwitchAutomaticExport",
            actions=["fsx:UpdateDataRepositoryAssociation"],
            resources=[place.arn("fsx", "association/*")],
            conditions=TAGGED,
            why=f"{tagged} FSx runs no export task while files are exported automatically.",
        ),
    ]


def finish_statements(place: LaunchPlace, *, mfa: bool = True) -> list[Statement]:
    """Deleting a project's data for good: versions one by one, then the empty bucket.

    Deleting without naming a version is not allowed: nothing is hidden by mistake.

    Args:
        mfa: Whether the session must state that MFA was used. Sessions that began at an identity
            provider cannot; the role's trust limits who may have one.
    """
    sure: dict[str, dict[str, str]] = {
        "StringEquals": {"s3:ResourceAccount": place.account},
        **({"Bool": {"aws:MultiFactorAuthPresent": "true"}} if mfa else {}),
    }
    why = "Project buckets are named after scientist, account and project, behind a prefix that no "
    why += "other bucket has, and "
    why += (
        "only who signed in with MFA may do it."
        if mfa
        else "only whom the role's trust lets in may do it: users with MFA, and people of one "
        "permission set, of whom IAM Identity Center requires it."
    )
    return [
        Statement(
            sid="DeleteProjectVersions",
            actions=["s3:DeleteObjectVersion"],
            resources=[f"{place.buckets}/*"],
            conditions=sure,
            why=why,
        ),
        Statement(
            sid="DeleteEmptyProjectBuckets",
            actions=["s3:DeleteBucket"],
            resources=[place.buckets],
            conditions=sure,
            why=why,
        ),
    ]
