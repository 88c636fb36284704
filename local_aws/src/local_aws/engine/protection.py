"""Termination protection of stacks, which moto keeps and lets no request change."""

from __future__ import annotations

from typing import Any

from moto.cloudformation import responses
from moto.core.responses import ActionResult


def install() -> None:
    """Answer UpdateTerminationProtection."""
    name = update_termination_protection.__name__
    setattr(responses.CloudFormationResponse, name, update_termination_protection)


def update_termination_protection(self: Any) -> ActionResult:
    """UpdateTerminationProtection."""
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    stack.enable_termination_protection = bool(self._get_param("EnableTerminationProtection"))
    return ActionResult({"StackId": stack.stack_id})
