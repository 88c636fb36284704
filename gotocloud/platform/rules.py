"""The rules of `platform.yaml`: of single values, and of values that must fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Network
from typing import Any

from gotocloud.contract.tags import RESERVED_TAG_PREFIXES
from gotocloud.platform.addresses import (
    REGIONS_PER_GROUP,
    exhaustion_problem,
    pool_problem,
)
from gotocloud.platform.regions import REGIONS, region_problem

Location = tuple[int | str, ...]
Problem = tuple[Location, str]

ACCOUNT = re.compile(r"^[0-9]{12}$")
EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
NAME = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
SCIENTIST = re.compile(r"^[A-Za-z0-9_+=.@-]{1,64}$")
"""What IAM takes as a user name and every service takes as a tag value."""
PERMISSION_SET = re.compile(r"^[A-Za-z0-9_+=,.@-]{1,32}$")
"""What IAM Identity Center takes as the name of a permission set."""
KMS_KEY = re.compile(
    r"^arn:aws:kms:(?P<region>[a-z0-9-]+):[0-9]{12}:key/(?P<id>(mrk-)?[0-9a-f-]{32,36})$"
)
TAG_TEXT = re.compile(r"^[\w\s.:/=+@-]*$")
CIDR_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"
MAX_NAME = 30
MAX_TAGS = 30
"""A ParallelCluster cluster takes 40 tags; ours and its own come on top of the group's."""
MAX_SCIENTISTS = 200
"""A stack holds 500 resources; a scientist is two, and the group itself some sixty."""
MAX_DESKTOP_NETWORKS = 50
"""A security group takes 60 rules, and a parameter that lists the networks 4 KB."""
MAX_ALLOWED_NETWORKS = 100
"""A managed policy takes 6,144 characters (AWS, "IAM and AWS STS quotas"); a network 20."""
MAX_RELEASES = 8
"""The scientists' policy names two URLs for each, and IAM takes 6,144 characters: ten of the
longest versions fit in the longest regions, and two are left for the policy to grow."""

WIDEST_DESKTOP_PREFIX = 8
_PRIVATE = tuple(
    map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"))
)


def check_account(value: str) -> str:
    """An AWS account id: twelve digits."""
    if not ACCOUNT.fullmatch(value):
        raise ValueError(f"{value!r} is not an AWS account id of 12 digits")
    return value


def check_region(value: str) -> str:
    """A region that a platform can use."""
    if value not in REGIONS:
        raise ValueError(region_problem(value))
    return value


def check_email(value: str) -> str:
    """An e-mail address, judged by its shape."""
    if not EMAIL.fullmatch(value) or len(value) > 254:
        raise ValueError(f"{value!r} is not an e-mail address")
    return value


def check_name(value: str) -> str:
    """A short name that fits into the names of stacks, roles and buckets."""
    if not NAME.fullmatch(value) or len(value) > MAX_NAME:
        raise ValueError(
            f"{value!r} is not a name: at most {MAX_NAME} lower-case letters, digits and "
            "single hyphens, starting with a letter"
        )
    return value


def check_permission_set(value: str) -> str:
    """A name that IAM Identity Center takes for a permission set."""
    if not PERMISSION_SET.fullmatch(value):
        raise ValueError(
            f"{value!r} cannot be a permission set: 1 to 32 letters, digits and _ + = , . @ - only"
        )
    return value


def check_kms_key(value: str) -> str:
    """The ARN of a KMS key; CloudWatch Logs takes no alias."""
    if not KMS_KEY.fullmatch(value):
        raise ValueError(
            f"{value!r} is not the ARN of a KMS key, such as arn:aws:kms:ap-northeast-1:"
            "222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab; an alias is not enough"
        )
    return value


def check_scientist(value: str) -> str:
    """A name that IAM takes for a user."""
    if not SCIENTIST.fullmatch(value):
        raise ValueError(
            f"{value!r} cannot be an IAM user: 1 to 64 letters, digits and _ + = . @ - only"
        )
    return value


def check_pool(value: IPv4Network) -> IPv4Network:
    """A private pool with room for groups."""
    if problem := pool_problem(value):
        raise ValueError(problem)
    return value


def check_desktop(value: IPv4Network) -> IPv4Network:
    """A network of an institution, not the world."""
    if value.prefixlen < WIDEST_DESKTOP_PREFIX:
        raise ValueError(
            f"{value} would open the desktop to the world; give your institute's network, "
            "for example 203.0.113.0/24"
        )
    return value


def check_allowed(value: IPv4Network) -> IPv4Network:
    """A network of an institution, as AWS sees it: public, and not the world."""
    if value.prefixlen < WIDEST_DESKTOP_PREFIX:
        raise ValueError(
            f"{value} is no institute's network; give the addresses with which your people "
            "reach the internet, for example 203.0.113.0/24"
        )
    if any(value.overlaps(private) for private in _PRIVATE):
        raise ValueError(
            f"{value} is private: AWS never sees such an address; give the addresses with which "
            "your people reach the internet, for example 203.0.113.0/24"
        )
    return value


def check_budget(value: Any) -> Decimal:
    """An amount of USD above zero."""
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not an amount of USD")
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount of USD") from None
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{value} is not a budget; give an amount of USD above zero")
    return amount


def check_tag_key(value: str) -> str:
    """A tag key that AWS takes and that is not ours."""
    if value.lower().startswith(RESERVED_TAG_PREFIXES):
        raise ValueError(
            f"tag {value!r} has a reserved prefix ({', '.join(RESERVED_TAG_PREFIXES)})"
        )
    if not 1 <= len(value) <= 128 or not TAG_TEXT.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a tag key: 1 to 128 letters, digits, spaces and _ . : / = + - @"
        )
    return value


def check_tag_value(value: str) -> str:
    """A tag value that AWS takes."""
    if not TAG_TEXT.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a tag value: letters, digits, spaces and _ . : / = + - @ only"
        )
    return value


def cross_problems(data: Any) -> list[Problem]:
    """What does not fit together.

    Args:
        data: The whole file as plain data. Anything may be missing or of a wrong type:
            that is reported elsewhere, and what is left is still compared.
    """
    if not isinstance(data, dict):
        return []
    groups = [
        (index, group)
        for index, group in enumerate(_list(data.get("groups")))
        if isinstance(group, dict)
    ]
    return [
        *_repeated(("regions",), _list(data.get("regions"))),
        *_repeated(("cluster_configurations",), _list(data.get("cluster_configurations"))),
        *_same_accounts(data, groups),
        *_same_names(groups),
        *_numbers(data, groups),
        *_group_regions(data, groups),
        *_scientists(groups),
        *_desktops(data, groups),
        *_keys(groups),
    ]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _repeated(where: Location, values: list[Any]) -> Iterator[Problem]:
    seen = set()
    for index, value in enumerate(values):
        if isinstance(value, str):
            if value in seen:
                yield (*where, index), f"{value!r} is listed twice"
            seen.add(value)


def _same_accounts(data: dict[str, Any], groups: list[tuple[int, Any]]) -> Iterator[Problem]:
    management = data.get("management")
    owners = {}
    if isinstance(management, dict) and isinstance(management.get("account"), str):
        owners[management["account"]] = "the management account"
    for index, group in groups:
        account = group.get("account")
        if not isinstance(account, str):
            continue
        if account in owners:
            yield (
                ("groups", index, "account"),
                f"{account} is also {owners[account]}; every group owns an account of its own",
            )
        else:
            owners[account] = f"the account of group {group.get('name')!r}"


def _same_names(groups: list[tuple[int, Any]]) -> Iterator[Problem]:
    seen = set()
    for index, group in groups:
        name = group.get("name")
        if isinstance(name, str):
            if name in seen:
                yield ("groups", index, "name"), f"there is already a group {name!r}"
            seen.add(name)


def _numbers(data: dict[str, Any], groups: list[tuple[int, Any]]) -> Iterator[Problem]:
    owners: dict[int, Any] = {}
    numbers = [(index, group.get("number"), group.get("name")) for index, group in groups]
    taken = {number for _, number, _ in numbers if type(number) is int}
    free = max(taken, default=0) + 1
    pool = _pool(data)
    for index, number, name in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            continue
        where = ("groups", index, "number")
        if number in owners:
            yield (
                where,
                (
                    f"{number} is the number of group {owners[number]!r}; "
                    f"the next free number is {free}"
                ),
            )
        owners.setdefault(number, name)
        if pool and not pool_problem(pool) and (problem := exhaustion_problem(pool, number)):
            yield where, f"the address pool is exhausted: {problem}"


def _pool(data: dict[str, Any]) -> IPv4Network | None:
    network = data.get("network", {})
    text = network.get("pool", "10.0.0.0/8") if isinstance(network, dict) else None
    return _network(text)


def _network(text: Any) -> IPv4Network | None:
    try:
        return IPv4Network(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _group_regions(data: dict[str, Any], groups: list[tuple[int, Any]]) -> Iterator[Problem]:
    served = [region for region in _list(data.get("regions")) if region in REGIONS]
    for index, group in groups:
        regions = _list(group.get("regions"))
        yield from _repeated(("groups", index, "regions"), regions)
        if len(regions) > REGIONS_PER_GROUP:
            yield (
                ("groups", index, "regions"),
                f"has {len(regions)} regions; a group's networks have room for {REGIONS_PER_GROUP}",
            )
        for position, region in enumerate(regions):
            if isinstance(region, str) and region in REGIONS and region not in served:
                yield (
                    ("groups", index, "regions", position),
                    f"the platform has no share in {region!r}; add it to the platform's regions "
                    f"or use one of: {', '.join(sorted(set(served))) or 'none'}",
                )


def _scientists(groups: list[tuple[int, Any]]) -> Iterator[Problem]:
    for index, group in groups:
        seen: dict[str, str] = {}
        for position, name in enumerate(_list(group.get("scientists"))):
            if not isinstance(name, str):
                continue
            if earlier := seen.get(name.lower()):
                same = "" if earlier == name else f" as {earlier!r} (IAM ignores case)"
                yield (
                    ("groups", index, "scientists", position),
                    f"{name!r} is listed twice{same}",
                )
            seen.setdefault(name.lower(), name)


def _desktops(data: dict[str, Any], groups: list[tuple[int, Any]]) -> Iterator[Problem]:
    pool = _pool(data)
    for index, group in groups:
        earlier: list[IPv4Network] = []
        for position, text in enumerate(_list(group.get("desktop_networks"))):
            where = ("groups", index, "desktop_networks", position)
            if (network := _network(text)) is None:
                continue
            if network.prefixlen < WIDEST_DESKTOP_PREFIX:
                continue
            if pool and network.overlaps(pool):
                yield where, f"{network} overlaps the platform's own pool {pool}"
            for other in earlier:
                if network.overlaps(other):
                    yield where, f"{network} overlaps {other}, which is listed already"
            earlier.append(network)


def _keys(groups: list[tuple[int, Any]]) -> Iterator[Problem]:
    for index, group in groups:
        found = KMS_KEY.fullmatch(str(group.get("kms_key")))
        if found is None:
            continue
        where, regions = ("groups", index, "kms_key"), _list(group.get("regions"))
        if found["region"] not in regions:
            named = ", ".join(map(str, regions)) or "none"
            yield where, f"is a key in {found['region']}; the group's regions are {named}"
        elif len(regions) > 1 and not found["id"].startswith("mrk-"):
            yield where, "is a key of one region; a group of several needs a multi-Region key"
