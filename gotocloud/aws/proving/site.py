"""Where a proof is made: the accounts, the profiles that act in them, and what is proven."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from gotocloud.aws.cloud import Cloud, StandardCloud
from gotocloud.aws.group_facts import GroupFacts, read_group_facts
from gotocloud.aws.head_node import HeadNode
from gotocloud.aws.session import client
from gotocloud.aws.stacks import stack_of
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.stacks import ClusterOutput
from gotocloud.errors import GoToCloudError
from gotocloud.platform.model import Group, Platform
from gotocloud.proving.plan import PROJECT, ProofPlan

_FROM_ELSEWHERE = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class ProfileCloud(StandardCloud):
    """AWS as a profile of the standard configuration reaches it.

    Args:
        profile: The profile.
        region: AWS region.
    """

    def __init__(self, profile: str, region: str) -> None:
        super().__init__(region)
        self.profile = profile

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client, made once."""
        key = (service, region or self.region)
        if key not in self._clients:
            self._clients[key] = client(*key, profile=self.profile)
        return self._clients[key]

    def environment(self) -> dict[str, str]:
        """The environment in which a command acts with this profile."""
        kept = {key: value for key, value in os.environ.items() if key not in _FROM_ELSEWHERE}
        region = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        return {**kept, **region, "AWS_PROFILE": self.profile}


@dataclass(frozen=True)
class EarlierProof:
    """What the bill of a proof is compared with.

    Args:
        began: Its first day.
        ended: The day on which all was removed; None while it is not.
        shown_usd: What it showed as spent.
    """

    began: date | None = None
    ended: date | None = None
    shown_usd: Decimal = Decimal()


@dataclass
class ProofSite:
    """Where a proof is made.

    Args:
        platform: The platform.
        platform_path: Its file.
        group: The group in whose account the proof is made.
        plan: What it makes there.
        management: The management account, in its home region.
        account: The group's account, as its administrator.
        scientist: The group's account, in the role of scientists.
        local: Whether the local AWS stands in for AWS.
        seen: What a person has confirmed, with the day.
        earlier: The proof whose bill is read.
    """

    platform: Platform
    platform_path: Path
    group: Group
    plan: ProofPlan
    management: ProfileCloud
    account: ProfileCloud
    scientist: ProfileCloud
    local: bool
    seen: dict[str, str] = field(default_factory=dict)
    earlier: EarlierProof = field(default_factory=EarlierProof)

    @property
    def region(self) -> str:
        """Where the cluster is made."""
        return self.plan.region

    @cached_property
    def session_name(self) -> str:
        """Name of the scientist, from which the names of everything follow."""
        from gotocloud.aws.identity import caller

        return caller(self.region, sts=self.scientist.client("sts")).name

    @property
    def names(self) -> ProjectNames:
        """What everything of the proof's project is called."""
        return ProjectNames(self.session_name, self.group.account, PROJECT)

    @cached_property
    def facts(self) -> GroupFacts:
        """The group's facts."""
        return read_group_facts(self.account)

    def cluster(self) -> dict[str, str]:
        """Outputs of the cluster's stack.

        Raises:
            GoToCloudError: if there is none.
        """
        stack = stack_of(self.account, self.names.cluster_stack)
        if not stack.exists:
            raise GoToCloudError(
                f"There is no stack {self.names.cluster_stack}.",
                next_command="gotocloud platform prove",
            )
        return dict(stack.outputs)

    def head_node(self) -> HeadNode:
        """The head node, reached as a scientist reaches it."""
        return HeadNode(self.scientist, self.cluster()[ClusterOutput.HEAD_NODE_INSTANCE_ID])


def stands_in_for_aws(clouds: tuple[Cloud, ...]) -> bool:
    """Whether the clients of any account reach something else than AWS."""
    return any(
        "amazonaws.com" not in cloud.client("sts").meta.endpoint_url
        and "api.aws" not in cloud.client("sts").meta.endpoint_url
        for cloud in clouds
    )
