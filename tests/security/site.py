"""The example platform's group, as attackers and golden files look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.security.attacks import HEAD_NODE, Place, head_node
from tests.security.checks.template import Template
from tests.security.principals import Principal, Request, boundary, principals

VERSION = "9.8.7"
PLACE = Place("222222222222", "ap-northeast-1", "111111111111", "ap-northeast-1")


@dataclass(frozen=True)
class Group:
    """What a group's own template says of its principals."""

    template: Template

    @property
    def boundary(self) -> Mapping[str, Any]:
        """The account's boundary."""
        return boundary(self.template)

    def named(self, name: str) -> Principal:
        """A role or an IAM group."""
        return principals(self.template)[name]

    def who(self, asked: Request) -> Principal:
        """Who asks."""
        if asked.principal == HEAD_NODE:
            return head_node()
        return self.named(asked.principal)
