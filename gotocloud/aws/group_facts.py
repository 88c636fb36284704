"""A group's account's own facts: its SSM parameters and its tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.session import client, explained
from gotocloud.aws.stacks import describe
from gotocloud.contract.group_facts import ANY_RELEASE, PREFIX, Fact, read_approved
from gotocloud.contract.stacks import USER_STACK
from gotocloud.contract.tags import RESERVED_TAG_PREFIXES
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError
from gotocloud.platform.zones import zone_map

NEEDED = (
    Fact.GROUP,
    Fact.RELEASES_BUCKET,
    Fact.RELEASES_URL,
    Fact.VPC_ID,
    Fact.VPC_CIDR,
    Fact.ZONE_ID,
    Fact.CLUSTER_SERVICE_ROLE_ARN,
)
"""What the commands themselves read; the templates state what else they need."""

_URL = re.compile(r"^https://(?P<bucket>[^./]+)\.s3\.(?P<region>[a-z0-9-]+)\.(?P<suffix>[^/]+)/")


@dataclass(frozen=True)
class GroupFacts:
    """The facts of a group in one region.

    Args:
        region: AWS region.
        values: The group's SSM parameters.
        tags: The group's own tags, which everything of the group carries.
        tags_unknown: Why the tags could not be read; empty when they were.
    """

    region: str
    values: Mapping[Fact, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    tags_unknown: str = ""

    def __getitem__(self, fact: Fact) -> str:
        return self.values[fact]

    @property
    def group(self) -> str:
        """Name of the group."""
        return self[Fact.GROUP]

    @property
    def approved_releases(self) -> dict[str, str]:
        """SHA-256 of the manifest of each release that may be launched; empty: any.

        The stack of a group that was deployed by an earlier release lacks the fact.
        """
        return read_approved(self.values.get(Fact.RELEASES_APPROVED, ANY_RELEASE))

    @property
    def network(self) -> IPv4Network:
        """Addresses of the group's network."""
        return IPv4Network(self[Fact.VPC_CIDR])

    @property
    def releases_region(self) -> str:
        """Region of the bucket of published templates."""
        return self._url["region"]

    @property
    def url_suffix(self) -> str:
        """Domain of S3 there."""
        return self._url["suffix"]

    @property
    def _url(self) -> re.Match[str]:
        found = _URL.match(self[Fact.RELEASES_URL])
        if not found:
            raise GoToCloudError(
                f"The group's fact {Fact.RELEASES_URL} is not the URL of a bucket: "
                f"{self[Fact.RELEASES_URL]!r}.",
                advice=TELL_MANAGEMENT,
            )
        return found


def read_group_facts(cloud: Cloud) -> GroupFacts:
    """The facts of the caller's group in the caller's region.

    Raises:
        GoToCloudError: if AWS does not answer, or this is no region of a group; names in which
            regions the group works.
    """
    values = _values(cloud)
    missing = [fact.value for fact in NEEDED if fact not in values]
    if not values:
        raise no_group(cloud.region, regions_of_group(cloud.region))
    if missing:
        raise GoToCloudError(
            f"The group's facts in {cloud.region} are not complete.",
            problems=[f"{name} is missing" for name in missing],
            advice="Ask the management group to deploy the group's stack again.",
        )
    tags, why = _tags(cloud)
    return GroupFacts(cloud.region, values, tags, why)


def no_group(region: str, others: tuple[str, ...]) -> GoToCloudError:
    """The error for a region in which the account has no group."""
    if others:
        return GoToCloudError(
            f"This account's group does not work in {region}, but in {', '.join(others)}.",
            next_command=f"export AWS_REGION={others[0]}",
            again=True,
        )
    return GoToCloudError(
        f"This account has no GoToCloud group in {region}: there is no SSM parameter {PREFIX}/….",
        advice="If this is the right account, ask the management group to set the group up.",
        next_command="aws sts get-caller-identity",
    )


def regions_of_group(without: str) -> tuple[str, ...]:
    """Regions other than `without` in which the caller's account has a group's facts."""

    places = [region for region in zone_map().regions if region != without]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(_has_group, places))
    return tuple(place for place, found in zip(places, answers, strict=True) if found)


def _has_group(region: str) -> bool:
    ssm = client("ssm", region)
    try:
        found, _ = answer_of("look for the group", lambda: ssm.get_parameter(Name=Fact.GROUP.value))
    except GoToCloudError:
        # A region that is switched off for the account takes no credentials at all:
        # https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
        return False
    return found is not None


def _values(cloud: Cloud) -> dict[Fact, str]:
    by_name = {fact.value: fact for fact in Fact}
    pages = cloud.client("ssm").get_paginator("get_parameters_by_path")
    with explained(f"read the group's facts in {cloud.region}"):
        return {
            by_name[item["Name"]]: item["Value"]
            for page in pages.paginate(Path=PREFIX, Recursive=True)
            for item in page["Parameters"]
            if item["Name"] in by_name
        }


def _tags(cloud: Cloud) -> tuple[dict[str, str], str]:
    """The group's tags are those of its own stack, besides the platform's."""
    try:
        stack = describe(USER_STACK, cloud.region, cfn=cloud.client("cloudformation"))
    except GoToCloudError as error:
        return {}, error.message
    if not stack.exists:
        return {}, f"there is no stack {USER_STACK}"
    return {
        name: text
        for name, text in stack.tags.items()
        if not name.startswith(RESERVED_TAG_PREFIXES)
    }, ""
