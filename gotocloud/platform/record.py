"""The record: what the deployed management and region stacks made, for the groups' synthesis.

It lies beside `platform.yaml`, is written by `gotocloud platform record` from stack
outputs, and is meant to be read in a review.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, PlainSerializer, ValidationError

from gotocloud.contract.stacks import (
    MANAGEMENT_STACK,
    REGION_STACK,
    ManagementOutput,
    ShareOutput,
)
from gotocloud.errors import GoToCloudError, InputError, unknown_name
from gotocloud.origin import require_from_aws
from gotocloud.platform.addresses import acceptor_chunk, share_network
from gotocloud.platform.model import Platform
from gotocloud.platform.strict import StrictModel
from gotocloud.yaml_files import load_block, model_problems, problems_of, read_text

RECORD_COMMAND = "gotocloud platform record"

_HEADER = """\
# Written by `gotocloud platform record` from the outputs of the deployed stacks.
# Do not edit: run the command again after deploying ManagementStack or a RegionStack.
"""

Cidr = Annotated[IPv4Network, PlainSerializer(str)]
Address = Annotated[IPv4Address, PlainSerializer(str)]


class ManagementRecord(StrictModel):
    """What the management account has: the releases and the roles that accept peerings."""

    account: str
    home_region: str
    distribution_bucket: str
    acceptor_roles: dict[int, str]


class ShareRecord(StrictModel):
    """One share VPC with its replica of the software.

    Args:
        mount_targets: Address of the mount target by zone ID.
    """

    vpc_id: str
    cidr: Cidr
    route_table_id: str
    file_system_id: str
    mount_targets: dict[str, Address]


class GroupRecord(StrictModel):
    """What must not change of a group once it is deployed, since its addresses follow from it."""

    number: int
    account: str
    regions: tuple[str, ...]


class RegionRecord(StrictModel):
    """The shares of one region, by shard."""

    shares: dict[int, ShareRecord]


class Record(StrictModel):
    """Everything that a group's synthesis must know about the management account.

    Args:
        written: The day on which the outputs were read. Default: unknown.
        endpoint: What answered instead of AWS. Default: AWS.
        pool: The network pool. Default: unknown.
        groups: Every group that was ever recorded, by name.
    """

    written: date | None = None
    endpoint: str = ""
    pool: Cidr | None = None
    groups: dict[str, GroupRecord] = Field(default_factory=dict)
    management: ManagementRecord
    regions: dict[str, RegionRecord]

    def share(self, region: str, shard: int) -> ShareRecord:
        """The share that a group of that shard is peered with.

        Raises:
            InputError: if the record has no such region or shard; names the command.
        """
        if region not in self.regions:
            raise unknown_name(
                "recorded region", region, list(self.regions), next_command=RECORD_COMMAND
            )
        shares = self.regions[region].shares
        if shard not in shares:
            raise InputError(
                f"The record has no share {shard} in {region}; it has "
                f"{', '.join(map(str, shares)) or 'none'}.",
                next_command=f'cdk deploy "RegionStack-{region}" && {RECORD_COMMAND}',
            )
        return shares[shard]


class RecordError(GoToCloudError):
    """What is deployed is incomplete or is not what `platform.yaml` describes."""


def load_record(path: Path) -> Record:
    """Read a record.

    Raises:
        InputError: if it is missing or is not a record.
    """
    if not path.exists():
        raise InputError(
            f"There is no record {path}: what the management account shares is not known yet.",
            advice="Deploy the management group's stacks first.",
            next_command=f'cdk deploy ManagementStack "RegionStack*" && {RECORD_COMMAND}',
        )
    text = read_text(path, "record", RECORD_COMMAND)
    marked = load_block(text, str(path), next_command=RECORD_COMMAND)
    try:
        found = Record.model_validate(marked.data)
    except ValidationError as error:
        problems = list(model_problems(error, marked, Record))
        raise problems_of(str(path), problems, next_command=RECORD_COMMAND) from error
    require_from_aws(path, found.endpoint, RECORD_COMMAND)
    return found


def dump_record(record: Record) -> str:
    """The text of a record: the same bytes for the same record."""
    data = record.model_dump(mode="python", exclude_none=True)
    for key in ("endpoint", "groups"):
        if not data[key]:
            del data[key]
    if record.groups:
        data["groups"] = {
            name: {**group, "regions": list(group["regions"])}
            for name, group in sorted(data["groups"].items())
        }
    data["management"]["acceptor_roles"] = dict(
        sorted(data["management"]["acceptor_roles"].items())
    )
    data["regions"] = {
        name: {
            "shares": {
                shard: {**share, "mount_targets": dict(sorted(share["mount_targets"].items()))}
                for shard, share in sorted(region["shares"].items())
            }
        }
        for name, region in sorted(data["regions"].items())
    }
    return _HEADER + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000)


def record_from_outputs(
    platform: Platform,
    management_outputs: Mapping[str, str] | None,
    region_outputs: Mapping[str, Mapping[str, str] | None],
    *,
    written: date | None = None,
    endpoint: str = "",
    before: Record | None = None,
) -> Record:
    """Make the record from the outputs of the deployed stacks.

    Args:
        management_outputs: Outputs of `gotocloud-management` in the home region;
            None if the stack is not there.
        region_outputs: Outputs of `gotocloud-region` by region; None if it is not there.
        written: The day on which they were read.
        endpoint: What answered instead of AWS. Default: AWS.
        before: The former record, whose groups stay recorded. Default: none.

    Raises:
        RecordError: if anything is missing or does not fit the platform; names everything.
    """
    problems = history_problems(platform, before) if before else []
    management = _management(platform, management_outputs, problems)
    regions = {
        region: _region(platform, region, region_outputs.get(region), problems)
        for region in platform.regions
    }
    if problems or management is None:
        raise RecordError(
            "The record cannot be written: what is deployed is incomplete or differs from "
            "the platform file.",
            problems=problems,
        )
    return Record(
        written=written,
        endpoint=endpoint,
        pool=platform.network.pool,
        groups={**(before.groups if before else {}), **recorded_groups(platform)},
        management=management,
        regions=regions,
    )


def record_problems(platform: Platform, record: Record) -> list[str]:
    """How a record differs from the platform file; empty if it fits."""
    management = platform.management
    found = [
        f"management {name} is {recorded} in the record, {described} in the platform file"
        for name, recorded, described in (
            ("account", record.management.account, management.account),
            ("home region", record.management.home_region, management.home_region),
        )
        if recorded != described
    ]
    for chunk in _chunks(platform):
        if chunk not in record.management.acceptor_roles:
            found.append(f"the record has no acceptor role {chunk}; deploy ManagementStack")
    for region in platform.regions:
        shares = record.regions[region].shares if region in record.regions else {}
        for shard in platform.shards_in(region):
            found += _share_problems(platform, region, shard, shares.get(shard))
    return found


def recorded_groups(platform: Platform) -> dict[str, GroupRecord]:
    """What the record keeps of the groups, retired ones included."""
    return {
        group.name: GroupRecord(number=group.number, account=group.account, regions=group.regions)
        for group in platform.all_groups
    }


def history_problems(platform: Platform, record: Record) -> list[str]:
    """What the platform file changes that must stay as it was deployed; empty if nothing.

    Networks follow from the pool, the number and the place of a region in the list; users and
    roles are in the first region.
    """
    found = []
    if record.pool is not None and record.pool != platform.network.pool:
        found.append(
            f"network.pool: is {platform.network.pool}, and was {record.pool}: every network of "
            "the platform would move"
        )
    groups = {group.name: group for group in platform.all_groups}
    for name, old in sorted(record.groups.items()):
        if (group := groups.get(name)) is None:
            found.append(
                f"group {name!r} is missing: keep its block with `retired: true`, so that its "
                f"number {old.number} is never given to another group"
            )
            continue
        for what, is_now, was in (
            ("number", group.number, old.number),
            ("account", group.account, old.account),
        ):
            if is_now != was:
                found.append(f"group {name!r}: {what} is {is_now}, and was {was}")
        if group.regions[: len(old.regions)] != old.regions:
            found.append(
                f"group {name!r}: regions begin with {', '.join(group.regions)}, and were "
                f"{', '.join(old.regions)}: append new regions at the end, remove none"
            )
    return [*found, *_reused(platform, record)]


def _reused(platform: Platform, record: Record) -> list[str]:
    taken = {old.number: name for name, old in record.groups.items()}
    return [
        f"group {group.name!r}: {group.number} was the number of group {taken[group.number]!r}"
        for group in platform.all_groups
        if taken.get(group.number, group.name) != group.name
    ]


def require_history(platform: Platform, record: Record, path: Path) -> None:
    """Refuse a platform file that moves what is deployed.

    Raises:
        InputError: with everything that must be put back.
    """
    if problems := history_problems(platform, record):
        raise InputError(
            f"The platform file changes what {path.name} has as deployed; networks, users and data "
            "would move. Put it back; what was never deployed can be removed from the record.",
            problems=problems,
            next_command="gotocloud platform plan",
        )


def _share_problems(
    platform: Platform, region: str, shard: int, share: ShareRecord | None
) -> list[str]:
    if share is None:
        return [f'the record has no share {shard} in {region}; deploy "RegionStack-{region}"']
    planned = share_network(platform.network.pool, region, shard)
    if share.cidr != planned:
        return [f"share {shard} in {region} has network {share.cidr}, the plan has {planned}"]
    return []


def _chunks(platform: Platform) -> list[int]:
    return sorted({acceptor_chunk(group.number) for group in platform.groups} | {0})


def _management(
    platform: Platform, outputs: Mapping[str, str] | None, problems: list[str]
) -> ManagementRecord | None:
    home = platform.management.home_region
    take = _Taker(MANAGEMENT_STACK, home, "cdk deploy ManagementStack", outputs, problems)
    bucket = take(ManagementOutput.DISTRIBUTION_BUCKET)
    acceptor = ManagementOutput.ACCEPTOR_ROLE_ARN.of_chunk
    roles = {chunk: take(acceptor(chunk)) for chunk in _chunks(platform)}
    account = platform.management.account
    for chunk, arn in roles.items():
        if arn and f":{account}:" not in arn:
            take.complain(f"{acceptor(chunk)} is {arn}, not of account {account}")
    if take.failed:
        return None
    return ManagementRecord(
        account=account, home_region=home, distribution_bucket=bucket, acceptor_roles=roles
    )


def _region(
    platform: Platform, region: str, outputs: Mapping[str, str] | None, problems: list[str]
) -> RegionRecord:
    take = _Taker(REGION_STACK, region, f"cdk deploy RegionStack-{region}", outputs, problems)
    shares = {}
    for shard in platform.shards_in(region):
        cidr = take(ShareOutput.CIDR.of_share(shard))
        planned = share_network(platform.network.pool, region, shard)
        if cidr and cidr != str(planned):
            take.complain(
                f"{ShareOutput.CIDR.of_share(shard)} is {cidr}, the address plan has {planned}"
            )
        targets = _mount_targets(take, ShareOutput.MOUNT_TARGETS.of_share(shard))
        names = {
            "vpc_id": take(ShareOutput.VPC_ID.of_share(shard)),
            "route_table_id": take(ShareOutput.ROUTE_TABLE_ID.of_share(shard)),
            "file_system_id": take(ShareOutput.FILE_SYSTEM_ID.of_share(shard)),
        }
        if not take.failed:
            shares[shard] = ShareRecord(cidr=planned, mount_targets=targets, **names)
    return RegionRecord(shares=shares)


def _mount_targets(take: _Taker, key: str) -> dict[str, Any]:
    targets = {}
    for pair in filter(None, take(key).split(",")):
        zone, _, address = pair.strip().partition("=")
        try:
            targets[zone] = IPv4Address(address)
        except ValueError:
            take.complain(f"{key} has {pair!r}, not a zone ID and an address")
    return targets


class _Taker:
    """Takes outputs of one stack and remembers what is wrong with them."""

    def __init__(
        self,
        stack: str,
        region: str,
        deploy: str,
        outputs: Mapping[str, str] | None,
        problems: list[str],
    ) -> None:
        self.place = f"stack {stack} in {region}"
        self.deploy = deploy
        self.outputs = outputs or {}
        self.problems = problems
        self.absent = outputs is None
        self.failed = outputs is None
        if self.absent:
            problems.append(f"{self.place} is not deployed: {deploy}")

    def __call__(self, key: str) -> str:
        value = self.outputs.get(key, "")
        if not value and not self.absent:
            self.complain(f"has no output {key}: {self.deploy}")
        return value

    def complain(self, what: str) -> None:
        self.failed = True
        self.problems.append(f"{self.place}: {what}")
