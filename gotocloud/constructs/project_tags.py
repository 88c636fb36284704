"""The tags that show who pays for what (Supplementary Table S4 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import IConstruct

from gotocloud.contract.tags import project_tags


@dataclass(frozen=True, kw_only=True)
class ProjectTags:
    """Whose project something belongs to.

    Args:
        scientist: Name of the scientist; may be a CDK token.
        project: Name of the project; may be a CDK token.
        account: Account id of the group; may be a CDK token.
    """

    scientist: str
    project: str
    account: str

    def pairs(self) -> dict[str, str]:
        """Tag keys and values."""
        return project_tags(self.scientist, self.account, self.project)

    def tag(self, scope: IConstruct) -> None:
        """Tag everything under `scope`, whatever the stack's own tags are."""
        for key, value in self.pairs().items():
            # Tags of the stack itself are plain text; these hold references.
            cdk.Tags.of(scope).add(key, value, exclude_resource_types=["aws:cdk:stack"])
