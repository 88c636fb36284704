"""Finds change sets as AWS does: by name within their stack, not by name alone.

moto 5.2.5 looks through the change sets of all stacks for a name, and fails with an
internal error when it deletes one that is not there. The CDK command line gives the change
sets of all stacks one name, and deletes the former one before it makes the next, whether
or not there is any.
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation import responses
from moto.cloudformation.exceptions import CloudFormationError
from moto.core.responses import ActionResult, EmptyResult


class ChangeSetNotFoundError(CloudFormationError):
    """What the CDK command line waits for after it has deleted a change set."""

    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


def install() -> None:
    """Let requests that name a stack mean the change set of that stack."""
    response = responses.CloudFormationResponse
    for method in (describe_change_set, execute_change_set, delete_change_set):
        setattr(response, method.__name__, method)


def describe_change_set(self: Any) -> ActionResult:
    """DescribeChangeSet."""
    return ActionResult(self.cloudformation_backend.describe_change_set(_meant(self)))


def execute_change_set(self: Any) -> ActionResult:
    """ExecuteChangeSet."""
    self.cloudformation_backend.execute_change_set(_meant(self))
    return EmptyResult()


def delete_change_set(self: Any) -> ActionResult:
    """DeleteChangeSet; for a stack that exists, one that does not exist is no error."""
    backend = self.cloudformation_backend
    if stack := self._get_param("StackName"):
        backend.get_stack(stack)
    if meant := _found(self):
        backend.delete_change_set(meant)
    return EmptyResult()


def _meant(self: Any) -> str:
    """The id of the change set that a request means."""
    found = _found(self)
    if found is None:
        raise ChangeSetNotFoundError(self._get_param("ChangeSetName"))
    return found


def _found(self: Any) -> str | None:
    name: str = self._get_param("ChangeSetName")
    stack = self._get_param("StackName")
    change_sets = self.cloudformation_backend.change_sets
    if name in change_sets:
        return name
    named = [
        change_set.change_set_id
        for change_set in change_sets.values()
        if change_set.change_set_name == name
        and stack in (change_set.stack_name, change_set.stack_id)
    ]
    return named[-1] if named else None
