"""The content of `platform.yaml`, as checked and frozen values."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gotocloud.cluster_configs.engine import DEFAULT_VERSION, ENGINES, Engine
from gotocloud.contract.releases import VERSION
from gotocloud.errors import unknown_name
from gotocloud.platform import rules
from gotocloud.platform.addresses import REGIONS_PER_GROUP, network_of, shard_of
from gotocloud.platform.regions import REGIONS
from gotocloud.platform.strict import StrictModel
from gotocloud.yaml_files import location_text

CROSS_RULES = "platform_rules"
"""Pydantic error type of rules that look at more than one value."""


def _network(value: Any) -> Any:
    """An IPv4 network from its text, with errors that state what is wrong with it."""
    if isinstance(value, IPv4Network):
        return value
    if not isinstance(value, str) or "/" not in value:
        raise ValueError(f"{value!r} is not an IPv4 network such as 10.0.0.0/8")
    try:
        return IPv4Network(value)
    except (AddressValueError, NetmaskValueError):
        raise ValueError(f"{value!r} is not an IPv4 network such as 10.0.0.0/8") from None
    except ValueError:
        meant = IPv4Network(value, strict=False)
        raise ValueError(f"{value!r} has host bits set; did you mean {meant}?") from None


def _account(value: Any) -> Any:
    if isinstance(value, int | float):
        raise PydanticCustomError(
            "account_number",
            "is written as a number, which loses leading zeros; write it in quotes",
        )
    return value


def _engine_version(value: str) -> str:
    if value not in ENGINES:
        raise ValueError(
            f"{value!r} is not a version that GoToCloud can work with. "
            f"Known: {', '.join(ENGINES)}; "
            f"to add one: gotocloud/cluster_configs/engines/{value}.yaml"
        )
    return value


EngineVersion = Annotated[
    str,
    AfterValidator(_engine_version),
    WithJsonSchema({"type": "string", "enum": list(ENGINES)}),
]
AccountId = Annotated[
    str,
    BeforeValidator(_account),
    AfterValidator(rules.check_account),
    WithJsonSchema({"type": "string", "pattern": rules.ACCOUNT.pattern}),
]
Region = Annotated[
    str,
    AfterValidator(rules.check_region),
    WithJsonSchema({"type": "string", "enum": list(REGIONS)}),
]
Email = Annotated[
    str,
    AfterValidator(rules.check_email),
    WithJsonSchema({"type": "string", "pattern": rules.EMAIL.pattern}),
]
Name = Annotated[
    str,
    AfterValidator(rules.check_name),
    WithJsonSchema({"type": "string", "pattern": rules.NAME.pattern}),
]
Scientist = Annotated[
    str,
    AfterValidator(rules.check_scientist),
    WithJsonSchema({"type": "string", "pattern": rules.SCIENTIST.pattern}),
]
PermissionSet = Annotated[
    str,
    AfterValidator(rules.check_permission_set),
    WithJsonSchema({"type": "string", "pattern": rules.PERMISSION_SET.pattern}),
]
KmsKey = Annotated[
    str,
    AfterValidator(rules.check_kms_key),
    # Without the names of groups, which only Python writes so.
    WithJsonSchema({"type": "string", "pattern": "^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$"}),
]
Cidr = Annotated[
    IPv4Network,
    BeforeValidator(_network),
    WithJsonSchema({"type": "string", "pattern": rules.CIDR_PATTERN}),
]
TagKey = Annotated[str, AfterValidator(rules.check_tag_key)]
TagValue = Annotated[str, StringConstraints(max_length=256), AfterValidator(rules.check_tag_value)]
ReleaseVersion = Annotated[str, StringConstraints(pattern=VERSION)]
CONFIGURATION_FILE = r"^([A-Za-z0-9_-][A-Za-z0-9._-]*/)*[a-z][a-z0-9-]*\.yaml$"
"""A path below the folder of the platform file, so that both move together."""
ConfigurationFile = Annotated[str, StringConstraints(pattern=CONFIGURATION_FILE)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Usd = Annotated[
    Decimal,
    BeforeValidator(rules.check_budget),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]


class Management(StrictModel):
    """The account that holds the shared software and the region shares."""

    account: AccountId = Field(description="AWS account id, 12 digits, in quotes.")
    home_region: Region = Field(description="Region of the master file system and the releases.")


class Network(StrictModel):
    """Where the platform's networks come from."""

    pool: Annotated[Cidr, AfterValidator(rules.check_pool)] = Field(
        default=IPv4Network("10.0.0.0/8"),
        description="Private addresses, /15 or larger. Never change it once something is deployed.",
    )


class Group(StrictModel):
    """A research group; it owns one AWS account."""

    name: Name = Field(description="Short name, as typed in `-c group=NAME`.")
    number: Annotated[int, Field(strict=True, ge=1)] = Field(
        description="The group's place in the address plan. Never change it, never reuse it."
    )
    account: AccountId = Field(description="AWS account id, 12 digits, in quotes.")
    regions: tuple[Region, ...] = Field(
        min_length=1,
        max_length=REGIONS_PER_GROUP,
        description="Where the group works; the first holds its users and roles. Append only.",
    )
    scientists: tuple[Scientist, ...] = Field(
        min_length=1, max_length=rules.MAX_SCIENTISTS, description="IAM user names."
    )
    single_sign_on: PermissionSet | None = Field(
        default=None,
        description="Permission set of IAM Identity Center whose people are scientists too; it"
        " must require MFA. Default: none; only the IAM users are.",
    )
    monthly_budget_usd: Usd = Field(description="What the group means to spend in a month, USD.")
    alert_email: Email = Field(description="Receives a message when the budget is nearly spent.")
    desktop_networks: tuple[Annotated[Cidr, AfterValidator(rules.check_desktop)], ...] = Field(
        default=(),
        max_length=rules.MAX_DESKTOP_NETWORKS,
        description="Networks from which desktops may be reached, such as the institute's."
        " Default: none; a scientist then opens the desktop to one address at a time.",
    )
    allowed_networks: tuple[Annotated[Cidr, AfterValidator(rules.check_allowed)], ...] = Field(
        default=(),
        max_length=rules.MAX_ALLOWED_NETWORKS,
        description="Public networks from which scientists may call AWS; calls from elsewhere are"
        " refused. Costs nothing. Default: any network.",
    )
    audit: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Whether a trail records each call on an object of the projects. AWS bills"
        " each record. Default: no.",
    )
    kms_key: KmsKey | None = Field(
        default=None,
        description="ARN of a KMS key of your own for logs, initial passwords and the trail; a"
        " multi-Region key for a group of several regions. AWS bills keys and their use."
        " Default: AWS's own keys.",
    )
    tags: dict[TagKey, TagValue] = Field(
        default_factory=dict,
        max_length=rules.MAX_TAGS,
        description="Tags of your own on everything the group has. Default: none.",
    )
    retired: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Whether the group is gone: its stacks are destroyed, and its number stays"
        " taken. Default: no.",
    )

    @property
    def home_region(self) -> str:
        """The region in which the group's users and roles are created."""
        return self.regions[0]


class Platform(StrictModel):
    """One whole deployment, as described by `platform.yaml`."""

    name: Name = Field(description="Name of the platform.")
    management: Management
    regions: tuple[Region, ...] = Field(min_length=1, description="Regions with a software share.")
    network: Network = Field(default_factory=Network)
    all_groups: tuple[Group, ...] = Field(
        default=(), alias="groups", description="The research groups."
    )
    releases: dict[ReleaseVersion, Sha256] = Field(
        default_factory=dict,
        max_length=rules.MAX_RELEASES,
        description="Releases that groups may launch, each with the SHA-256 of its manifest as"
        " `gotocloud platform publish` shows it. Default: every published release.",
    )
    parallelcluster: EngineVersion = Field(
        default=DEFAULT_VERSION,
        description="Version of AWS ParallelCluster of new clusters.",
    )
    parallelcluster_kept: tuple[EngineVersion, ...] = Field(
        default=(),
        description="Other versions whose clusters still run: their providers stay until they are"
        " named no longer. Default: none.",
    )

    cluster_configurations: tuple[ConfigurationFile, ...] = Field(
        default=(),
        description="Files of cluster configurations of your own, relative to this file: each is"
        " published beside those of GoToCloud. Default: none.",
    )

    @model_validator(mode="after")
    def _keep_the_rules(self) -> Self:
        found = rules.cross_problems(self.model_dump(mode="json", by_alias=True))
        if found:
            text = "; ".join(f"{location_text(where)}: {what}" for where, what in found)
            raise PydanticCustomError(CROSS_RULES, "{text}", {"text": text})
        return self

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that are there; retired ones only keep their numbers."""
        return tuple(group for group in self.all_groups if not group.retired)

    @property
    def engine(self) -> Engine:
        """The ParallelCluster of every group's new clusters."""
        return ENGINES[self.parallelcluster]

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Every ParallelCluster of which a group has a provider; that of new clusters first."""
        versions = dict.fromkeys((self.parallelcluster, *self.parallelcluster_kept))
        return tuple(ENGINES[version] for version in versions)

    def group(self, name: str) -> Group:
        """The group of that name.

        Raises:
            InputError: if there is none; lists the groups there are.
        """
        for group in self.groups:
            if group.name == name:
                return group
        raise unknown_name(
            "group",
            name,
            [group.name for group in self.groups],
            next_command="gotocloud platform check",
        )

    def groups_in(self, region: str) -> tuple[Group, ...]:
        """The groups that work in a region, in the order of the file."""
        return tuple(group for group in self.groups if region in group.regions)

    def shards_in(self, region: str) -> tuple[int, ...]:
        """The shards that a region needs; a region without groups has shard 0 all the same."""
        return tuple(sorted({shard_of(group.number) for group in self.groups_in(region)} | {0}))

    def network_of(self, group: Group, region: str) -> IPv4Network:
        """The /20 of a group's VPC in one of its regions.

        Raises:
            InputError: if the group has no such region, or the pool has no room for its number.
        """
        if region not in group.regions:
            raise unknown_name(f"region of group {group.name!r}", region, group.regions)
        return network_of(self.network.pool, group.number, group.regions.index(region))
