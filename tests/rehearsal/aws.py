"""What the tests of the local AWS have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gotocloud.rehearsal.local_aws import LocalAws

MANAGEMENT = "111111111111"
GROUP = "222222222222"
TOKYO = "ap-northeast-1"
VIRGINIA = "us-east-1"


def template(resources: Mapping[str, Any], **sections: Any) -> str:
    """A template with these resources."""
    return json.dumps({"Resources": resources, **sections})


class Stacks:
    """Deploys small templates in one account and region."""

    def __init__(self, local: LocalAws, account: str = GROUP, region: str = VIRGINIA) -> None:
        self.local, self.account, self.region = local, account, region
        self.cfn = self.client("cloudformation")

    def client(self, service: str) -> Any:
        return self.local.client(service, self.account, self.region)

    def create(self, name: str, resources: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Create a stack, wait until nothing happens any more, and describe it."""
        sections = {key: more.pop(key) for key in list(more) if key in _SECTIONS}
        self.cfn.create_stack(StackName=name, TemplateBody=template(resources, **sections), **more)
        return self.settled(name)

    def update(self, name: str, resources: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
        self.cfn.update_stack(StackName=name, TemplateBody=template(resources, **sections))
        return self.settled(name)

    def delete(self, name: str) -> None:
        self.cfn.delete_stack(StackName=name)
        self.cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    def settled(self, name: str) -> dict[str, Any]:
        import time

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
        """What the events tell about failures."""
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
