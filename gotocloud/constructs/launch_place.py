"""What ARNs and conditions in the policies of scientists are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gotocloud.contract.project_bucket import project_buckets
from gotocloud.contract.tags import CRYOEM, METHOD_TAG

TAGGED = {"StringEquals": {f"aws:ResourceTag/{METHOD_TAG}": CRYOEM}}
"""Resources of this platform."""


@dataclass(frozen=True, kw_only=True)
class LaunchPlace:
    """What ARNs are made of."""

    partition: str
    account: str
    regions: Sequence[str]

    def arn(self, service: str, resource: str, *, account: str | None = None) -> str:
        """An ARN in any of the group's regions; the statement's condition names them."""
        owner = self.account if account is None else account
        return f"arn:{self.partition}:{service}:*:{owner}:{resource}"

    @property
    def buckets(self) -> str:
        """The group's project buckets."""
        return f"arn:{self.partition}:s3:::{project_buckets(self.account)}"
