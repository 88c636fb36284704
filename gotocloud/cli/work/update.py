"""What `gotocloud platform update` does: compare what is deployed with what would be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gotocloud.cli.output import narrate
from gotocloud.errors import InputError, shell_line
from gotocloud.files import scratch_folder
from gotocloud.platform.load import load_platform
from gotocloud.platform.model import Platform
from gotocloud.platform.update import (
    ResourceChange,
    changes,
    lost_people,
    lost_providers,
    people,
    provider_versions,
    refusals,
)

if TYPE_CHECKING:
    from gotocloud.aws.synthesis import SynthesisedStack


@dataclass(frozen=True)
class StackUpdate:
    """What an update would do to one stack.

    Args:
        stack_id: Its id, which `cdk deploy` takes.
        owner: "management", or the group.
        region: Its region.
        is_new: Whether it is not deployed yet.
        changes: What happens to its resources.
        versions: ParallelCluster's providers, before and after.
        refusals: Why the update must not be made.
    """

    stack_id: str
    owner: str
    region: str
    is_new: bool
    changes: tuple[ResourceChange, ...]
    versions: tuple[tuple[str, ...], tuple[str, ...]]
    refusals: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The update for a JSON report."""
        before, after = self.versions
        return {
            "stack": self.stack_id,
            "owner": self.owner,
            "region": self.region,
            "new": self.is_new,
            "changes": [one.as_dict() for one in self.changes],
            "parallelcluster_before": list(before),
            "parallelcluster_after": list(after),
            "refused_because": list(self.refusals),
        }


def planned_updates(platform_path: Path, source: Path | None) -> tuple[StackUpdate, ...]:
    """What an update would do to each stack of the account that the credentials are of.

    Args:
        source: A cloud assembly of that account's stacks. Default: they are synthesised.

    Raises:
        InputError: if the account is none of the platform's.
        GoToCloudError: if AWS does not answer or nothing can be synthesised.
    """
    from gotocloud.aws.session import account_id

    platform = load_platform(platform_path)
    account = account_id(platform.management.home_region)
    owner = owner_of(platform, account)
    stacks = _synthesised(owner, platform_path, source)
    return tuple(_update(stack, owner or "management", account) for stack in stacks)


def owner_of(platform: Platform, account: str) -> str | None:
    """The group of an account; None for the management account.

    Raises:
        InputError: if it is neither.
    """
    if account == platform.management.account:
        return None
    for group in platform.groups:
        if group.account == account:
            return group.name
    raise InputError(
        f"These credentials belong to account {account}, which is not of platform {platform.name}.",
        advice="Select a profile of one of its accounts (AWS_PROFILE).",
        next_command="aws configure list-profiles",
    )


def not_looked_at(platform_path: Path, updates: tuple[StackUpdate, ...]) -> list[str]:
    """Commands that look at the platform's other accounts."""
    platform = load_platform(platform_path)
    seen = {update.owner for update in updates}
    owners = ["management", *(group.name for group in platform.groups)]
    return [owner for owner in owners if owner not in seen]


def deploy_command(updates: tuple[StackUpdate, ...]) -> str:
    """The command that makes the updates; empty if nothing changes."""
    stacks = [update.stack_id for update in updates if update.changes or update.is_new]
    owner = next((update.owner for update in updates), "management")
    context = () if owner == "management" else ("-c", f"group={owner}")
    return shell_line("cdk", "deploy", *stacks, *context) if stacks else ""


def _synthesised(
    group: str | None, platform_path: Path, source: Path | None
) -> tuple[SynthesisedStack, ...]:
    from gotocloud.aws.synthesis import read_stacks, synthesise_stacks

    if source is not None:
        return read_stacks(source)
    with scratch_folder("update") as folder:
        narrate(f"Synthesising the stacks of {group or 'the management account'} …")
        synthesise_stacks(group, platform_path, folder, Path.cwd())
        return read_stacks(folder)


def _update(stack: SynthesisedStack, owner: str, account: str) -> StackUpdate:
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.deployed import cluster_versions, create_only, deployed_template

    deployed = deployed_template(stack.name, stack.region)
    found = changes(deployed, stack.template, create_only) if deployed else ()
    versions = provider_versions(deployed), provider_versions(stack.template)
    clusters = cluster_versions(StandardCloud(), stack.region) if versions[0] - versions[1] else {}
    lost = lost_providers(deployed, stack.template, clusters)
    keep = [f"{one}: name it in parallelcluster_kept of the platform file" for one in lost]
    leaving = lost_people(deployed, stack.template)
    in_the_way = [why for name in leaving if (why := _left(name, stack, account))]
    return StackUpdate(
        stack_id=stack.stack_id,
        owner=owner,
        region=stack.region,
        is_new=not deployed,
        changes=found,
        versions=(tuple(sorted(versions[0])), tuple(sorted(versions[1]))),
        refusals=(*refusals(found), *keep, *in_the_way),
    )


def _left(name: str, stack: SynthesisedStack, account: str) -> str:
    """Why a user cannot be deleted yet; empty if nothing is in the way."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.handing_over import projects_of, taken_over
    from gotocloud.aws.offboarding import ACCESS_KEY, held_by

    cloud = StandardCloud(stack.region)
    # CloudFormation itself deletes access keys.
    has = [one.what for one in held_by(cloud.client("iam"), name) or ()]
    held = [what for what in has if not what.startswith(ACCESS_KEY)]
    stay = people(stack.template)
    projects = [
        f"project {one.project!r}"
        for one in projects_of(cloud, name)
        if not taken_over(cloud, account, one, stay)
    ]
    if not held and not projects:
        return ""
    left = ", ".join((*held, *projects))
    following = shell_line("gotocloud", "platform", "remove-scientist", name)
    return f"scientist {name} leaves or is renamed, and still has {left}: {following}"
