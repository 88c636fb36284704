"""What `gotocloud platform` shows, as data and as rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gotocloud.errors import InputError
from gotocloud.platform import addresses
from gotocloud.platform.customer_key import key_policy
from gotocloud.platform.load import record_path
from gotocloud.platform.model import Platform
from gotocloud.platform.quota_needs import gpu_note, quota_needs
from gotocloud.platform.record import load_record, record_problems, require_history
from gotocloud.platform.zones import ZoneMap

Rows = tuple[Sequence[str], list[Sequence[object]]]


def counted(platform: Platform) -> str:
    """How much a platform holds, in words."""
    scientists = sum(len(group.scientists) for group in platform.groups)
    return ", ".join(
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in (
            (len(platform.groups), "group"),
            (scientists, "scientist"),
            (len(platform.regions), "region"),
        )
    )


def key_policies(platform: Platform) -> dict[str, list[dict[str, Any]]]:
    """What the policies of groups' own keys must allow, by group."""
    return {group.name: key_policy(group) for group in platform.groups if group.kms_key}


def notes(platform: Platform, path: Path) -> list[str]:
    """What is not wrong, but good to know before deploying.

    Raises:
        InputError: if the file changes what must stay as it was deployed.
    """
    lacking = [str(need) for need in quota_needs(platform) if not need.enough]
    lacking += filter(None, [gpu_note(platform)])
    where = record_path(path)
    if not where.exists():
        return [
            *lacking,
            f"there is no {where.name} yet: deploy ManagementStack and the RegionStacks, "
            "then type: gotocloud platform record",
        ]
    record = load_record(where)
    require_history(platform, record, where)
    return [
        *lacking,
        *(f"{where.name}: {text}" for text in record_problems(platform, record)),
    ]


def groups_table(platform: Platform) -> Rows:
    """The groups of a platform."""
    columns = ("number", "group", "account", "regions", "scientists", "USD a month", "alerts to")
    return columns, [
        (
            group.number,
            group.name,
            group.account,
            ", ".join(group.regions),
            ", ".join(group.scientists),
            f"{group.monthly_budget_usd:,}",
            group.alert_email,
        )
        for group in platform.groups
    ]


def address_plan(platform: Platform) -> dict[str, Any]:
    """The whole address plan of a platform."""
    pool = platform.network.pool
    room = addresses.capacity(pool)
    following = max((group.number for group in platform.all_groups), default=0) + 1
    return {
        "pool": str(pool),
        "capacity": room,
        "next_number": following if following <= room else None,
        "management_network": str(addresses.management_network(platform.network.pool)),
        "shares": [
            {
                "region": region,
                "shard": shard,
                "network": str(addresses.share_network(platform.network.pool, region, shard)),
            }
            for region in platform.regions
            for shard in platform.shards_in(region)
        ],
        "groups": [
            _group_plan(platform, group.name, region)
            for group in platform.groups
            for region in group.regions
        ],
    }


def _group_plan(platform: Platform, name: str, region: str) -> dict[str, Any]:
    group = platform.group(name)
    network = platform.network_of(group, region)
    subnets = addresses.group_subnets(network)
    return {
        "group": name,
        "number": group.number,
        "region": region,
        "shard": addresses.shard_of(group.number),
        "network": str(network),
        "public_subnet": str(subnets.public),
        "compute_subnets": [str(subnet) for subnet in subnets.compute],
    }


def plan_table(plan: dict[str, Any]) -> Rows:
    """An address plan as a table."""
    rows: list[Sequence[object]] = [
        ("management", "", "home", plan["management_network"], "", "", "")
    ]
    rows += [
        ("share", "", share["region"], share["network"], "", "", share["shard"])
        for share in plan["shares"]
    ]
    rows += [
        (
            group["group"],
            group["number"],
            group["region"],
            group["network"],
            group["public_subnet"],
            f"{group['compute_subnets'][0]} … {group['compute_subnets'][-1]}",
            group["shard"],
        )
        for group in plan["groups"]
    ]
    columns = ("owner", "number", "region", "network", "public subnet", "cluster subnets", "shard")
    return columns, rows


def require_regions(zone_map: ZoneMap, names: Sequence[str]) -> None:
    """Refuse regions that are not in a zone map.

    Raises:
        InputError: with every one of them.
    """
    from gotocloud.aws.regions import existing_regions

    problems = []
    for name in names:
        try:
            zone_map.region(name, existing_regions())
        except InputError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise InputError(
            f"{len(problems)} of these regions cannot be used.",
            problems=[problem.message for problem in problems],
            next_command="gotocloud platform zones",
        )


def sources(zone_map: ZoneMap, names: Sequence[str]) -> list[str]:
    """Where the zones of some regions come from, with the day."""
    return sorted(
        {f"{zone_map.regions[name].source}; {zone_map.regions[name].date}" for name in names}
    )


def zones_data(zone_map: ZoneMap, names: Sequence[str], *, all_regions: bool) -> dict[str, Any]:
    """A zone map for programs."""
    data = {
        name: {
            **zone_map.regions[name].model_dump(mode="json"),
            "chosen": zone_map.regions[name].chosen(),
        }
        for name in names
    }
    return {"regions": data, "left_out": dict(zone_map.left_out) if all_regions else {}}


def zones_table(zone_map: ZoneMap, names: Sequence[str]) -> Rows:
    """The zones of some regions as a table, the best first."""
    rows: list[Sequence[object]] = []
    for name in names:
        region = zone_map.regions[name]
        chosen = region.chosen()
        for place, zone in enumerate(region.ranked, start=1):
            use = "groups, mount target" if zone == region.best else "mount target"
            rows.append(
                (
                    name,
                    place,
                    zone.zone_id,
                    use if zone.zone_id in chosen else "",
                    zone.reason,
                    ", ".join(zone.missing),
                )
            )
    return ("region", "rank", "zone ID", "used for", "reason", "not offered"), rows
