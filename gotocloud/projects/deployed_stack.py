"""A CloudFormation stack as every command reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gotocloud.projects.states import State, state_of


@dataclass(frozen=True)
class DeployedStack:
    """A stack as CloudFormation describes it; one that does not exist has only its name.

    Args:
        status: CloudFormation's status; None when there is no such stack.
        reason: CloudFormation's reason for the status.
        created: When it was made, in ISO 8601.
        protected: Whether CloudFormation refuses to delete it.
    """

    name: str
    status: str | None = None
    description: str = ""
    reason: str = ""
    created: str = ""
    stack_id: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False

    @property
    def exists(self) -> bool:
        """Whether CloudFormation lists it."""
        return self.status is not None

    @property
    def state(self) -> State:
        """What the status means."""
        return state_of(self.status)

    def parameter(self, name: str) -> str:
        """A parameter; empty when the stack has none of that name."""
        return self.parameters.get(name, "")
