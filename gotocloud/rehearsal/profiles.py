"""The accounts of a platform, and AWS profiles for them and for its scientists."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gotocloud.platform.model import Group, Platform
from gotocloud.rehearsal import people
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.engine.access import administrator_role

MANAGEMENT = "management"


@dataclass(frozen=True)
class AccountRegions:
    """An account, and the regions in which it has stacks, its home first."""

    account: str
    regions: tuple[str, ...]


def accounts(platform: Platform) -> dict[str, AccountRegions]:
    """Every account of a platform by its profile: management, then the groups."""
    given = platform.management
    regions = tuple(dict.fromkeys((given.home_region, *platform.regions)))
    return {
        MANAGEMENT: AccountRegions(given.account, regions),
        **{group.name: AccountRegions(group.account, group.regions) for group in platform.groups},
    }


def write_profiles(local: LocalAws, platform: Platform, path: Path) -> Path:
    """Write an AWS configuration with a profile for every account of the platform.

    The management account has keys; the others are reached by assuming a role from it,
    as an organisation's administrators do.

    Args:
        local: The local AWS.
        platform: The platform.
        path: The file; for `AWS_CONFIG_FILE`.
    """
    sections = []
    for name, place in accounts(platform).items():
        lines = [f"[profile {name}]", f"region = {place.regions[0]}"]
        lines.append(f"endpoint_url = {local.endpoint_url}")
        if name == MANAGEMENT:
            keys = local.environment(place.account, place.regions[0])
            for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                lines.append(f"{key.lower()} = {keys[key]}")
        else:
            lines.append(f"role_arn = {administrator_role(place.account)}")
            lines.append(f"source_profile = {MANAGEMENT}")
        sections.append("\n".join(lines) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    # It holds keys with which commands run on this machine.
    with open(path, "w", encoding="utf-8", opener=_private) as file:
        file.write("\n".join(sections))
    return path.resolve()


def scientist_profiles(platform: Platform) -> dict[str, tuple[Group, str]]:
    """Group and user name of every scientist by the profile, `GROUP-USER`."""
    return {
        f"{group.name}-{name}": (group, name)
        for group in platform.groups
        for name in group.scientists
    }


def add_scientists(local: LocalAws, platform: Platform, path: Path) -> None:
    """Add a profile for every scientist, signed in with MFA for as long as the role allows.

    The groups must be deployed. The first of a group has a second one, `GROUP-scientist`, for
    which `gotocloud platform prove` looks.
    """
    sections = []
    for profile, (group, name) in scientist_profiles(platform).items():
        keys = people.scientist_environment(local, group.account, group.home_region, name)
        lines = [f"region = {group.home_region}", f"endpoint_url = {local.endpoint_url}"]
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            lines.append(f"{key.lower()} = {keys[key]}")
        first = name == group.scientists[0]
        for title in (profile, f"{group.name}-scientist") if first else (profile,):
            sections.append("\n".join([f"[profile {title}]", *lines]) + "\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(sections))


def _private(path: str, flags: int) -> int:
    number = os.open(path, flags, 0o600)
    os.fchmod(number, 0o600)
    return number
