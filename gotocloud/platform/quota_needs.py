"""The quotas that a platform meets as it grows, counted from `platform.yaml` before AWS does it.

What a single cluster needs is in `projects/preflight.py`: only the account itself can show what
is in use there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import used_instance_types
from gotocloud.contract.names import acceptor_role
from gotocloud.platform.addresses import acceptor_chunk, shard_of
from gotocloud.platform.model import Group, Platform
from gotocloud.platform.service_quotas import QuotaKind, increase_command

VPC_QUOTAS = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"
EC2_QUOTAS = "https://docs.aws.amazon.com/general/latest/gr/ec2-service.html"
ORGANIZATION_QUOTAS = (
    "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"
)
GLOBAL_REGION = "us-east-1"
"""Organizations and IAM are global; their quotas are listed and raised here only."""

REPLICATION_RULES = 1
"""Rules of a share's security group besides those of the groups: DataSync's."""

LOCAL_ROUTES = 1
"""The route of a VPC to itself counts as well. Source: `VPC_QUOTAS`."""

ADDRESSES_PER_CLUSTER = 2
"""The head node's and the NAT gateway's."""


@dataclass(frozen=True)
class GrowingQuota:
    """A quota that is used up by groups or scientists.

    Args:
        kind: AWS's name and codes.
        default: Value of a new account.
        highest: The largest value that AWS grants; None where AWS names none.
        source: Where both are documented; read 2026-11-30.
    """

    kind: QuotaKind
    default: int
    highest: int | None
    source: str


PEERINGS = GrowingQuota(
    QuotaKind("vpc", "L-7E9ECCDB", "Active VPC peering connections per VPC", "peerings"),
    default=50,
    highest=125,
    source=VPC_QUOTAS,
)
ROUTES = GrowingQuota(
    QuotaKind("vpc", "L-93826ACB", "Routes per route table", "routes"),
    default=50,
    highest=1_000,
    source=VPC_QUOTAS,
)
RULES = GrowingQuota(
    QuotaKind("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", "rules"),
    default=60,
    # Rules per group times groups per interface (5 by default) stay below 1,000.
    highest=200,
    source=VPC_QUOTAS,
)
VPCS = GrowingQuota(
    QuotaKind("vpc", "L-F678F1CE", "VPCs per Region", "VPCs"),
    default=5,
    highest=None,
    source=VPC_QUOTAS,
)
ADDRESSES = GrowingQuota(
    QuotaKind("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", "addresses"),
    default=5,
    highest=None,
    source=EC2_QUOTAS,
)
NAT_GATEWAYS = GrowingQuota(
    QuotaKind("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", "gateways"),
    default=5,
    highest=None,
    source=VPC_QUOTAS,
)
ACCOUNTS = GrowingQuota(
    QuotaKind("organizations", "L-E619E033", "Default maximum number of accounts", "accounts"),
    default=10,
    highest=None,
    source=ORGANIZATION_QUOTAS,
)
GPU_VCPUS = GrowingQuota(
    QuotaKind("ec2", "L-DB2E81BA", "Running On-Demand G and VT instances", "vCPUs"),
    default=0,
    highest=None,
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html",
)
GPU_VCPUS_SPOT = GrowingQuota(
    QuotaKind("ec2", "L-3819A6DF", "All G and VT Spot Instance Requests", "vCPUs"),
    default=0,
    highest=None,
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html",
)
BUCKET_POLICY = GrowingQuota(
    QuotaKind("s3", "L-748707F3", "Bucket policy", "characters"),
    default=20_480,
    highest=20_480,
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
)
TRUST_POLICY = GrowingQuota(
    QuotaKind("iam", "L-C07B4B0D", "Role trust policy length", "characters"),
    default=2_048,
    highest=4_096,
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
)
TEMPLATE = GrowingQuota(
    QuotaKind("cloudformation", "", "Template body size in an S3 object", "bytes"),
    default=1_000_000,
    highest=1_000_000,
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
)
TEMPLATE_BYTES = 80_000
SCIENTIST_BYTES = 1_300
"""A group's template without its scientists and tags, and a user with the initial password; a
test compares them with a template."""

TAG_BYTES = 18
"""A tag on a resource, besides its key and value."""

TAGGED_BESIDES = 45
TAGGED_PER_SCIENTIST = 2
"""Resources of a group's template that have its tags."""

BUCKET_POLICY_CHARACTERS = 1_500
"""The distribution bucket's policy without its accounts; a test compares it with the template."""

ACCOUNT_CHARACTERS = 15
"""An account in a list of accounts: twelve digits, two quotes, a comma."""

TRUST_POLICY_CHARACTERS = 120
PRINCIPAL_CHARACTERS = 34
"""An acceptor role's trust policy without its accounts, and an account in it: IAM keeps it as
`"arn:aws:iam::ACCOUNT:root",`."""


@dataclass(frozen=True)
class QuotaNeed:
    """How much of a quota a platform needs in one place.

    Args:
        quota: The quota.
        account: Whose quota it is.
        region: Where.
        place: What counts against it, for example "share VPC 0 of us-east-1".
        needed: How much.
        first_group: The group with which the default is exceeded; empty while it is not.
        condition: The condition under which so much is needed; empty where it always is.
    """

    quota: GrowingQuota
    account: str
    region: str
    place: str
    needed: int
    first_group: str = ""
    condition: str = ""

    @property
    def enough(self) -> bool:
        """Whether a new account has it."""
        return self.needed <= self.quota.default

    @property
    def possible(self) -> bool:
        """Whether AWS grants so much."""
        return self.quota.highest is None or self.needed <= self.quota.highest

    @property
    def command(self) -> str:
        """The command that has it raised, once for all that AWS grants where it has an end."""
        value = self.quota.highest if self.possible and self.quota.highest else self.needed
        return increase_command(self.quota.kind, value, self.region)

    def __str__(self) -> str:
        kind = self.quota.kind
        given = (
            f"{self.place} needs {self.needed:,} {kind.unit}"
            f"{f' {self.condition}' if self.condition else ''}; a new account has "
            f"{self.quota.default:,} ({', '.join(filter(None, [kind.name, kind.code]))})"
        )
        who = f", which the group {self.first_group} exceeds" if self.first_group else ""
        if not self.possible:
            return f"{given}{who}. AWS grants {self.quota.highest:,} at most."
        return f"{given}{who}. Before that in account {self.account}: {self.command}"

    def as_dict(self) -> dict[str, Any]:
        """The need for a JSON report."""
        kind, quota = self.quota.kind, self.quota
        return {
            "service": kind.service,
            "code": kind.code,
            "name": kind.name,
            "account": self.account,
            "region": self.region,
            "place": self.place,
            "needed": self.needed,
            "default": quota.default,
            "highest": quota.highest,
            "enough": self.enough,
            "first_group": self.first_group or None,
            "condition": self.condition or None,
            "command": None if self.enough or not self.possible else self.command,
            "source": quota.source,
        }


def quota_needs(platform: Platform) -> tuple[QuotaNeed, ...]:
    """Everything that a platform needs of quotas that grow with it."""
    return (*_shares(platform), *_management(platform), *_groups(platform))


def _shares(platform: Platform) -> Iterator[QuotaNeed]:
    account = platform.management.account
    for region in platform.regions:
        for shard in platform.shards_in(region):
            groups = _in_order(
                group for group in platform.groups_in(region) if shard_of(group.number) == shard
            )
            place = f"share VPC {shard} of {region}"
            for quota, besides in (
                (PEERINGS, 0),
                (ROUTES, LOCAL_ROUTES),
                (RULES, REPLICATION_RULES),
            ):
                yield QuotaNeed(
                    quota,
                    account,
                    region,
                    place,
                    len(groups) + besides,
                    _first_beyond(groups, quota.default - besides),
                )


def _management(platform: Platform) -> Iterator[QuotaNeed]:
    given = platform.management
    for region in dict.fromkeys((given.home_region, *platform.regions)):
        shards = len(platform.shards_in(region)) if region in platform.regions else 0
        master = 1 if region == given.home_region else 0
        yield QuotaNeed(
            VPCS, given.account, region, f"the management account in {region}", shards + master
        )
    groups = _in_order(platform.groups)
    yield QuotaNeed(
        ACCOUNTS,
        given.account,
        GLOBAL_REGION,
        "an organisation of the management account and the groups",
        len(groups) + 1,
        _first_beyond(groups, ACCOUNTS.default - 1),
    )
    room = (BUCKET_POLICY.default - BUCKET_POLICY_CHARACTERS) // ACCOUNT_CHARACTERS
    yield QuotaNeed(
        BUCKET_POLICY,
        given.account,
        given.home_region,
        "the policy of the distribution bucket",
        BUCKET_POLICY_CHARACTERS + ACCOUNT_CHARACTERS * len(groups),
        _first_beyond(groups, room),
    )
    yield from _acceptors(given.account, groups)


def _acceptors(account: str, groups: Sequence[Group]) -> Iterator[QuotaNeed]:
    room = (TRUST_POLICY.default - TRUST_POLICY_CHARACTERS) // PRINCIPAL_CHARACTERS
    for chunk in sorted({acceptor_chunk(group.number) for group in groups}):
        served = [group for group in groups if acceptor_chunk(group.number) == chunk]
        yield QuotaNeed(
            TRUST_POLICY,
            account,
            GLOBAL_REGION,
            f"the trust policy of {acceptor_role(chunk)}",
            TRUST_POLICY_CHARACTERS + PRINCIPAL_CHARACTERS * len(served),
            _first_beyond(served, room),
        )


def _groups(platform: Platform) -> Iterator[QuotaNeed]:
    for group in platform.groups:
        people = len(group.scientists)
        size = template_bytes(group)
        yield QuotaNeed(
            TEMPLATE,
            group.account,
            group.home_region,
            f"the template of the group {group.name}, with {people} scientists and "
            f"{len(group.tags)} tags on each resource,",
            size,
            group.name if size > TEMPLATE.default else "",
        )
        for region in group.regions:
            place = f"the group {group.name} in {region}"
            if_all_work = f"if each of its {people} scientists has a cluster"
            for quota, each in ((ADDRESSES, ADDRESSES_PER_CLUSTER), (NAT_GATEWAYS, 1)):
                needed = each * people
                beyond = group.name if needed > quota.default else ""
                yield QuotaNeed(quota, group.account, region, place, needed, beyond, if_all_work)


def template_bytes(group: Group) -> int:
    """How large the template of a group's first region is at most."""
    people = len(group.scientists)
    tags = sum(
        TAG_BYTES + len(json.dumps(key)) + len(json.dumps(value))
        for key, value in group.tags.items()
    )
    tagged = TAGGED_BESIDES + TAGGED_PER_SCIENTIST * people
    return TEMPLATE_BYTES + SCIENTIST_BYTES * people + tags * tagged


def gpu_note(platform: Platform) -> str:
    """What stops each new account first: it may run no machine with a GPU. Empty without groups.

    One sentence for all groups, since only an account itself shows what it was granted.
    """
    if not platform.groups:
        return ""
    sizes = [one for name in used_instance_types() if (one := instance_types()[name]).gpus]
    # By name where two are as small, so that the sentence is always the same.
    least = min(sizes, key=lambda one: (one.vcpus, one.name))
    first = platform.groups[0]
    commands = "; ".join(
        increase_command(quota.kind, least.vcpus, first.home_region)
        for quota in (GPU_VCPUS, GPU_VCPUS_SPOT)
    )
    return (
        f"a new account has 0 vCPUs of machines with GPUs ({GPU_VCPUS.kind.code}, "
        f"{GPU_VCPUS_SPOT.kind.code}), and a single {least.name} needs {least.vcpus}. In the "
        "account of each group, for each of its regions, gotocloud doctor shows what there is; "
        f"for {first.name}: {commands}"
    )


def _in_order(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: group.number)


def _first_beyond(groups: Sequence[Group], count: int) -> str:
    return groups[count].name if len(groups) > count else ""
