"""What `gotocloud platform` does for people of a group: invite, hand over, remove."""

from __future__ import annotations

from pathlib import Path

from gotocloud.cli.confirm import agree
from gotocloud.cli.options import PLATFORM_FILE
from gotocloud.cli.output import narrate, number_of, suggest
from gotocloud.errors import GoToCloudError, InputError, shell_line, unknown_name
from gotocloud.platform.load import load_platform
from gotocloud.platform.model import Group, Platform


def group_of_credentials(platform: Platform) -> Group:
    """The group whose account the credentials belong to.

    Raises:
        InputError: if it is no group's account.
    """
    from gotocloud.aws.session import account_id
    from gotocloud.cli.work.update import owner_of

    account = account_id(platform.management.home_region)
    owner = owner_of(platform, account)
    if owner is None:
        raise InputError(
            f"These credentials belong to the management account {account}; people are in the "
            "accounts of groups.",
            next_command="export AWS_PROFILE=GROUP_PROFILE",
        )
    return platform.group(owner)


def write_invitation(platform_path: Path, name: str, path: Path) -> None:
    """Write a scientist's invitation into a file that only its owner can read.

    Raises:
        InputError: if the group has no such scientist, or the file cannot be written.
        GoToCloudError: if the password cannot be read.
    """
    from gotocloud import __version__
    from gotocloud.aws.session import client, error_code, explained
    from gotocloud.contract.names import initial_password
    from gotocloud.contract.releases import distribution_bucket, install_uri
    from gotocloud.files import write_file
    from gotocloud.platform.invitation import invitation

    platform = load_platform(platform_path)
    group = group_of_credentials(platform)
    _require_scientist(group, name)
    secrets = client("secretsmanager", group.home_region)
    with explained(f"read the initial password of {name}"):
        try:
            password = secrets.get_secret_value(SecretId=initial_password(name))["SecretString"]
        except secrets.exceptions.ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise GoToCloudError(
                f"{name} has no initial password: the group's stack is not deployed with this "
                "name.",
                next_command=shell_line("cdk", "deploy", "UserStack", "-c", f"group={group.name}"),
            ) from error
    management = platform.management
    bucket = distribution_bucket(management.account, management.home_region)
    text = invitation(group, name, password=password, install_from=install_uri(bucket, __version__))
    write_file(path, text, private=True)
    narrate(f"Wrote {path}; only you can read it. Hand it over on a way that only {name} reads.")


def hand_over(
    platform_path: Path, project: str, owner: str, successor: str, *, dry_run: bool
) -> None:
    """Copy what is in a project's bucket into the successor's.

    Raises:
        InputError: if one of the projects is not there.
        GoToCloudError: if AWS refuses, or the buckets still differ.
    """
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.handing_over import copy_over, not_there, projects_of, successors_bucket

    group = group_of_credentials(load_platform(platform_path))
    _require_scientist(group, successor)
    cloud = StandardCloud(group.home_region)
    theirs = {one.project: one for one in projects_of(cloud, owner)}
    if project not in theirs:
        raise unknown_name(f"project of {owner}", project, tuple(theirs))
    new = successors_bucket(cloud, group.account, successor, project)
    if new is None:
        raise InputError(
            f"{successor} has no project {project!r} that could take the data; {successor} types:",
            next_command=shell_line("gotocloud", "setup", project),
        )
    old = theirs[project]
    if dry_run:
        found = list(not_there(cloud, old, new))
        size = sum(one.size for one in found)
        narrate(f"Would copy {number_of(len(found), 'object')}, {size:,} bytes, to {new.bucket}.")
        return

    def progress(count: int, size: int) -> None:
        narrate(f"Copied {number_of(count, 'object')}, {size:,} bytes.")

    count, newer = copy_over(cloud, old, new, progress)
    if newer:
        narrate(
            f"{number_of(len(newer), 'object')} of {new.bucket} are newer and of another size: "
            f"they stay as they are. The first is {newer[0]!r}; compare them before "
            f"{old.bucket} is deleted."
        )
    narrate(
        f"{new.bucket} has everything of {old.bucket} ({number_of(count, 'object')} copied now); "
        f"{old.bucket} is unchanged, and billed until it is deleted."
    )


def remove_scientist(
    platform_path: Path, name: str, successor: str | None, *, dry_run: bool, yes: bool
) -> None:
    """End a person's access, and look that no project is left behind.

    Raises:
        InputError: if there is no such person, or the successor is none.
        GoToCloudError: if AWS refuses, or projects are left; access has ended all the same.
    """
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.offboarding import end_connections, held_by, remove_access

    platform = load_platform(platform_path)
    group = group_of_credentials(platform)
    cloud = StandardCloud(group.home_region)
    held = held_by(cloud.client("iam"), name)
    if held is None and name not in group.scientists:
        raise unknown_name("scientist", name, group.scientists)
    if successor is not None:
        _require_scientist(group, successor)
        if successor == name:
            raise InputError(f"{name} cannot be the own successor.")
    if dry_run:
        for one in held or ():
            narrate(f"Would delete {one.what}.")
        narrate(f"Would deny {name} everything, and end sessions and desktops.")
    else:
        given = ("--successor", successor) if successor else ()
        words = ("platform", "remove-scientist", name, *given, *_with(platform_path))
        agree(
            f"End the access of {name} in account {group.account}?",
            yes=yes,
            refusal=f"The access of {name} in account {group.account} would end.",
            retry=shell_line("gotocloud", *words, "--yes"),
            otherwise=shell_line("gotocloud", *words, "--dry-run"),
        )
        for line in remove_access(cloud, name):
            narrate(f"{line}.")
        for region in group.regions:
            for line in end_connections(StandardCloud(region), group.account, name):
                narrate(f"{line}.")
    problems, projects = _left(group, name, successor)
    handing = [
        shell_line(
            *("gotocloud", "platform", "hand-over", project, "--from", name, "--to", successor),
            *_with(platform_path),
        )
        for project in (projects if successor else ())
    ]
    if dry_run:
        for line in problems:
            narrate(f"Left: {line}.")
        suggest(*handing[:1])
        return
    if problems:
        raise GoToCloudError(
            f"{name} has no access; but what {name} has is left.",
            problems=problems,
            advice="" if successor else "Name who gets the projects with --successor.",
            next_command=handing[0] if handing else None,
        )
    narrate(
        f"Nothing of {name} is left. Take the name out of the scientists of group {group.name} in "
        f"{platform_path}."
    )
    suggest(shell_line("cdk", "deploy", "UserStack", "-c", f"group={group.name}"))


def _left(group: Group, name: str, successor: str | None) -> tuple[list[str], list[str]]:
    """What a person still has in the account, and the projects that are not handed over."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.handing_over import not_there, projects_of, successors_bucket
    from gotocloud.aws.live_status import group_stacks
    from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX
    from gotocloud.contract.tag_text import as_tag
    from gotocloud.contract.tags import IAM_USER_TAG

    problems: list[str] = []
    projects: list[str] = []
    for region in group.regions:
        for stack in group_stacks(StandardCloud(region)):
            theirs = stack.tags.get(IAM_USER_TAG) == as_tag(name)
            if theirs and stack.name.startswith(CLUSTER_STACK_PREFIX):
                problems.append(
                    f"cluster {stack.name} in {region} is there: it pauses itself when it is idle"
                )
    cloud = StandardCloud(group.home_region)
    for old in projects_of(cloud, name):
        new = successors_bucket(cloud, group.account, successor, old.project) if successor else None
        if new is None or next(not_there(cloud, old, new), None):
            problems.append(f"project {old.project!r} ({old.bucket}) is not handed over")
            projects.append(old.project)
    return problems, projects


def _with(platform_path: Path) -> tuple[str | Path, ...]:
    return () if platform_path == PLATFORM_FILE else ("--platform", platform_path)


def _require_scientist(group: Group, name: str) -> None:
    if name not in group.scientists:
        raise unknown_name(f"scientist of group {group.name}", name, group.scientists)
