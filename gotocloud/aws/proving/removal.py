"""Removes what a proof made: its cluster and project, and stacks that it deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gotocloud.aws.listener import Listener
from gotocloud.aws.offboarding import give_back, held_by
from gotocloud.aws.pausing import wait_until_nothing_bills
from gotocloud.aws.project_removal import delete_bucket, empty_bucket, plan_finish
from gotocloud.aws.project_removal import finish as finish_project
from gotocloud.aws.proving.site import ProfileCloud, ProofSite
from gotocloud.aws.removal import remove
from gotocloud.aws.session import error_code, explained
from gotocloud.aws.stacks import resources, stack_of
from gotocloud.contract.stacks import MANAGEMENT_STACK, REGION_STACK, USER_STACK
from gotocloud.formats import parse_json

Narrate = Callable[[str], None]

_KEPT = {"Retain", "RetainExceptOnCreate"}
_BUCKET, _FILE_SYSTEM = "AWS::S3::Bucket", "AWS::EFS::FileSystem"


def remove_cluster(site: ProofSite, narrate: Narrate) -> None:
    """Remove the proof's cluster without a proof of export: nothing on it is a person's.

    Raises:
        GoToCloudError: if something of it is left; it may be billed.
    """
    stack = stack_of(site.account, site.names.cluster_stack)
    if stack.exists:
        narrate(f"Removing {site.names.cluster_stack}")
        remove(site.account, stack, Listener(step=narrate))
    wait_until_nothing_bills(
        site.account,
        site.names,
        Listener(left=lambda left: narrate(f"Still billed: {'; '.join(left)}")),
    )


def remove_project(site: ProofSite, narrate: Narrate) -> None:
    """Remove the proof's project with its data.

    Raises:
        GoToCloudError: if something of it is left; running it again goes on.
    """
    reported = Listener(step=narrate)
    plan = plan_finish(site.account, site.names, reported, count=False)
    finish_project(site.account, plan, reported, keep_data=False)


def remove_group(site: ProofSite, narrate: Narrate) -> None:
    """Remove the group's stacks, the first region's at last: it holds the roles and people."""
    iam = site.account.client("iam")
    for name in site.group.scientists:
        # IAM deletes no user who still has them:
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
        for line in give_back(iam, held_by(iam, name) or []):
            narrate(line)
    for region in reversed(site.group.regions):
        _remove_stack(ProfileCloud(site.account.profile, region), USER_STACK, narrate)


def remove_platform(site: ProofSite, narrate: Narrate) -> None:
    """Remove the region and management stacks, with the stores that CloudFormation retains."""
    profile = site.management.profile
    for region in site.platform.regions:
        _remove_stack(ProfileCloud(profile, region), REGION_STACK, narrate)
    _remove_stack(site.management, MANAGEMENT_STACK, narrate)


def _remove_stack(cloud: ProfileCloud, name: str, narrate: Narrate) -> None:
    stack = stack_of(cloud, name)
    if not stack.exists:
        return
    kept = _retained(cloud, stack.stack_id)
    # Before the stack goes: afterwards its resources are listed no more.
    for identifier, kind in kept.items():
        if kind == _BUCKET:
            narrate(f"Deleting what is in {identifier}")
            _open_and_empty(cloud, identifier)
    narrate(f"Removing {name} in {cloud.region}")
    remove(cloud, stack, Listener(step=narrate))
    for identifier, kind in kept.items():
        narrate(f"Deleting {identifier}, which the stack retained")
        if kind == _BUCKET:
            delete_bucket(cloud, identifier, _account(cloud), Listener())
        else:
            _delete_file_system(cloud, identifier)


def _retained(cloud: ProfileCloud, stack: str) -> dict[str, str]:
    """Buckets and file systems that CloudFormation leaves, by their id."""
    cfn = cloud.client("cloudformation")
    with explained(f"read the template of {stack}"):
        body = cfn.get_template(StackName=stack)["TemplateBody"]
        listed = resources(cfn, stack)
    template: Mapping[str, Any] = parse_json(body) if isinstance(body, str) else body
    return {
        one["PhysicalResourceId"]: one["ResourceType"]
        for one in listed
        if one["ResourceType"] in {_BUCKET, _FILE_SYSTEM}
        and one.get("PhysicalResourceId")
        and template["Resources"][one["LogicalResourceId"]].get("DeletionPolicy") in _KEPT
    }


def _open_and_empty(cloud: ProfileCloud, bucket: str) -> None:
    # The policy of the distribution bucket lets no principal delete a release.
    with explained(f"delete the policy of {bucket}"):
        cloud.client("s3").delete_bucket_policy(Bucket=bucket)
    empty_bucket(cloud, bucket, _account(cloud), Listener())


def _delete_file_system(cloud: ProfileCloud, identifier: str) -> None:
    efs = cloud.client("efs")
    with explained(f"delete {identifier}"):
        try:
            efs.delete_file_system(FileSystemId=identifier)
        except efs.exceptions.ClientError as error:
            if error_code(error) != "FileSystemNotFound":
                raise


def _account(cloud: ProfileCloud) -> str:
    with explained("read the account"):
        return str(cloud.client("sts").get_caller_identity()["Account"])
