"""Finds change sets as AWS does: by name within their stack, not by name alone.

moto 5.2.5 looks through the change sets of all stacks for a name, and fails with an
internal error when it deletes one that is not there. The CDK command line gives the change
sets of all stacks one name, and deletes the former one before it makes the next, whether
or not there is any.
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation import responses
from moto.core.responses import ActionResult, EmptyResult


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
    meant = _meant(self)
    if meant in backend.change_sets:
        backend.delete_change_set(meant)
    return EmptyResult()


def _meant(self: Any) -> str:
    """The id of the change set that a request means; its name, when there is none."""
    name: str = self._get_param("ChangeSetName")
    stack = self._get_param("StackName")
    found = [
        change_set.change_set_id
        for change_set in self.cloudformation_backend.change_sets.values()
        if change_set.change_set_name == name
        and stack in (change_set.stack_name, change_set.stack_id)
    ]
    return found[-1] if found else name
