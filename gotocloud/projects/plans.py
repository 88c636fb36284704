"""What would be created, before it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gotocloud.contract.stacks import PROJECT_STACK_PREFIX


@dataclass(frozen=True)
class StackPlan:
    """One stack to be launched from a published template.

    Args:
        name: Name of the stack.
        region: AWS region.
        release: The published version.
        template_url: Its template, already compared with the manifest.
        role_arn: Service role with which CloudFormation makes the resources.
        parameters: What the template needs.
        tags: Tags of the stack, which CloudFormation puts on everything in it.
    """

    name: str
    region: str
    release: str
    template_url: str
    role_arn: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def holds_data(self) -> bool:
        """Whether it is a project's: a cluster must be easy to end, for it costs."""
        return self.name.startswith(PROJECT_STACK_PREFIX)

    def as_dict(self) -> dict[str, Any]:
        """The plan for a JSON report."""
        return asdict(self)
