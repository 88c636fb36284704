"""A CloudFormation that goes through the states that it is told, one at each look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3

REGION = "us-east-1"
GOOD = ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
GONE = ("DELETE_IN_PROGRESS", "")


def failing(reason: str) -> tuple[str, ...]:
    """States of a creation that fails; the reason stands in the event."""
    return ("CREATE_IN_PROGRESS", f"ROLLBACK_IN_PROGRESS|{reason}", "ROLLBACK_COMPLETE")


class Killed(BaseException):
    """The process died here."""


def _client_error() -> Any:
    return boto3.client("cloudformation", REGION).exceptions


@dataclass
class Stack:
    """A stack and the states that lie before it; an empty one is its end."""

    name: str
    number: int
    path: list[str]
    given: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    status: str = ""

    @property
    def stack_id(self) -> str:
        return f"arn:aws:cloudformation:{REGION}:111111111111:stack/{self.name}/{self.number}"

    def move(self) -> None:
        if not self.path:
            return
        status, _, reason = self.path.pop(0).partition("|")
        self.status = status
        if reason:
            if status.startswith("DELETE"):
                self.note("Part", "AWS::EC2::NatGateway", "DELETE_FAILED", reason)
            else:
                self.note("Part", "AWS::EC2::Subnet", "CREATE_FAILED", reason)
        if status:
            self.note(self.name, "AWS::CloudFormation::Stack", status, "")

    def note(self, resource: str, kind: str, status: str, reason: str) -> None:
        self.events.insert(
            0,
            {
                "EventId": f"{self.number}-{len(self.events)}",
                "LogicalResourceId": resource,
                "ResourceType": kind,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            },
        )


@dataclass
class ScriptedCfn:
    """CloudFormation with one script a creation, and one a deletion; then all goes well.

    Args:
        creations: States of each creation.
        deletions: States of each deletion.
        at_call: Told before and after every call; may raise.
    """

    creations: list[tuple[str, ...]] = field(default_factory=list)
    deletions: list[tuple[str, ...]] = field(default_factory=list)
    at_call: Callable[[], None] = lambda: None
    stacks: list[Stack] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self.exceptions = _client_error()

    def standing(self, name: str) -> Stack | None:
        return next((one for one in self.stacks if one.name == name and one.status), None)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 (AWS's name)
        self.at_call()
        for one in self.stacks:
            if one.stack_id == StackName or (one.name == StackName and one.status):
                one.move()
        by_id = next((one for one in self.stacks if one.stack_id == StackName), None)
        found = by_id or self.standing(StackName)
        if found is None:
            self._refuse("ValidationError", f"Stack with id {StackName} does not exist")
        assert found is not None
        answer = {
            "StackName": found.name,
            "StackId": found.stack_id,
            "StackStatus": found.status or "DELETE_COMPLETE",
            "Outputs": [{"OutputKey": "Number", "OutputValue": str(found.number)}],
        }
        self.at_call()
        return {"Stacks": [answer]}

    def create_stack(self, **given: Any) -> None:
        self.at_call()
        if self.standing(given["StackName"]):
            self._refuse("AlreadyExistsException", "already exists")
        self.made += 1
        path = self.creations.pop(0) if self.creations else GOOD
        stack = Stack(given["StackName"], self.made, list(path), given)
        stack.move()
        self.stacks.append(stack)
        self.at_call()

    def delete_stack(self, StackName: str) -> None:  # noqa: N803 (AWS's name)
        self.at_call()
        for one in self.stacks:
            if one.stack_id == StackName and one.status != "DELETE_IN_PROGRESS":
                one.path = list(self.deletions.pop(0) if self.deletions else GONE)
                one.move()
        self.at_call()

    def get_paginator(self, _: str) -> ScriptedCfn:
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 (AWS's name)
        self.at_call()
        found = [one for one in self.stacks if one.stack_id == StackName]
        self.at_call()
        return [{"StackEvents": found[0].events}]

    def _refuse(self, code: str, message: str) -> None:
        self.at_call()
        raise self.exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "Call")


@dataclass
class ScriptedCloud:
    """A caller whose only service is a scripted CloudFormation."""

    cfn: ScriptedCfn
    region: str = REGION

    def client(self, service: str, region: str = "") -> Any:
        assert service == "cloudformation"
        return self.cfn


class Dies:
    """Raises at one of the calls, counted from 0; never without a number."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self.at is not None and self.count == self.at + 1:
            raise Killed
