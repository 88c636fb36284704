"""Small templates in a local AWS, for tests of what deploys them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.authentication.keys import ADMINISTRATOR_KEY
from local_aws.process import LocalAws

MANAGEMENT, MEMBER = "111111111111", "222222222222"
"""Accounts."""

IRELAND, TOKYO, VIRGINIA = "eu-west-1", "ap-northeast-1", "us-east-1"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
"""Error codes of requests without permission."""


def template(resources: Mapping[str, Any], **sections: Any) -> str:
    """A template with these resources."""
    return json.dumps({"Resources": resources, **sections})


class Stacks:
    """Deploys small templates in one account and region."""

    def __init__(self, local: LocalAws, account: str = MEMBER, region: str = VIRGINIA) -> None:
        self.local, self.account, self.region = local, account, region
        self.cfn = self.client("cloudformation")

    def client(self, service: str) -> Any:
        """A client for the account and region."""
        return self.local.client(service, self.account, self.region)

    def create(self, name: str, resources: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Create a stack, wait until nothing happens any more, and describe it."""
        sections = {key: more.pop(key) for key in list(more) if key in _SECTIONS}
        self.cfn.create_stack(StackName=name, TemplateBody=template(resources, **sections), **more)
        return self.settled(name)

    def update(self, name: str, resources: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
        """Update a stack, wait until nothing happens any more, and describe it."""
        self.cfn.update_stack(StackName=name, TemplateBody=template(resources, **sections))
        return self.settled(name)

    def delete(self, name: str) -> None:
        """Delete a stack, also a protected one, and wait until it is gone."""
        (found,) = self.cfn.describe_stacks(StackName=name)["Stacks"]
        if found.get("EnableTerminationProtection"):
            self.cfn.update_termination_protection(
                StackName=name, EnableTerminationProtection=False
            )
        self.cfn.delete_stack(StackName=name)
        self.cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    def settled(self, name: str) -> dict[str, Any]:
        """Describe a stack once nothing happens to it any more."""
        while True:
            found: dict[str, Any] = self.cfn.describe_stacks(StackName=name)["Stacks"][0]
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                return found
            time.sleep(0.1)

    def events(self, name: str) -> list[tuple[str, str]]:
        """Every event, the oldest first, as (logical id, status)."""
        found = self.cfn.describe_stack_events(StackName=name)["StackEvents"]
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in found[::-1]]

    def reasons(self, name: str) -> str:
        """The reasons of every failure."""
        found = self.cfn.describe_stack_events(StackName=name)["StackEvents"]
        return "\n".join(
            event["ResourceStatusReason"]
            for event in found
            if event["ResourceStatus"].endswith("_FAILED")
        )


_SECTIONS = {"Conditions", "Mappings", "Outputs", "Parameters", "Rules"}


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a described stack."""
    return {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until a condition holds, and return what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("The condition did not hold in time.")


@dataclass(frozen=True)
class Person:
    """A person with credentials in the local AWS."""

    aws: LocalAws
    keys: Mapping[str, Any]

    @classmethod
    def owner(cls, aws: LocalAws) -> Person:
        """Who started the local AWS, and may do everything."""
        return cls(aws, {"AccessKeyId": ADMINISTRATOR_KEY, "SecretAccessKey": aws.secret})

    def client(self, service: str, region: str = IRELAND) -> Any:
        """A client that acts as this person."""
        return boto3.Session().client(
            service,  # type: ignore[call-overload]  # the stubs know literal names only
            region_name=region,
            endpoint_url=self.aws.endpoint_url,
            aws_access_key_id=self.keys["AccessKeyId"],
            aws_secret_access_key=self.keys["SecretAccessKey"],
            aws_session_token=self.keys.get("SessionToken"),
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def refusal(self, service: str, operation: str, **given: Any) -> str:
        """AWS's message when it denies an operation; empty if it is allowed.

        Allowed is what was done and what failed for another reason than permissions.
        """
        try:
            getattr(self.client(service), operation)(**given)
        except ClientError as error:
            if error.response["Error"]["Code"] in DENIED:
                return str(error.response["Error"]["Message"])
        return ""

    def allowed(self, service: str, operation: str, **given: Any) -> bool:
        """Whether an operation is allowed."""
        return not self.refusal(service, operation, **given)
