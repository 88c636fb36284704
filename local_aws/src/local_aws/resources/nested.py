"""AWS::CloudFormation::Stack: nested stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource, ResourceError


class NestedStack(Resource):
    """AWS::CloudFormation::Stack; `Ref` gives the ARN of the stack."""

    type = "AWS::CloudFormation::Stack"
    known = frozenset({"NotificationARNs", "Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"})
    changeable = frozenset({"Parameters", "Tags"})

    def create(self) -> None:
        name = self.made_up_name(longest=128)
        parameters = [
            {"ParameterKey": key, "ParameterValue": str(value)}
            for key, value in self.properties.get("Parameters", {}).items()
        ]
        made = self.call(
            "cloudformation",
            "CreateStack",
            StackName=name,
            TemplateURL=self.properties["TemplateURL"],
            Parameters=parameters,
            Tags=self.tags(),
        )
        self.physical_id = made["StackId"]
        self._wait("stack_create_complete")
        described = self.call("cloudformation", "DescribeStacks", StackName=self.physical_id)
        self.attributes = {
            f"Outputs.{output['OutputKey']}": output["OutputValue"]
            for output in described["Stacks"][0].get("Outputs", [])
        }

    def _wait(self, what: str) -> None:
        waiter = self.site.client("cloudformation").get_waiter(what)
        waiter.wait(StackName=self.physical_id, WaiterConfig={"Delay": 1, "MaxAttempts": 600})

    def update(self, before: Mapping[str, Any]) -> None:
        raise ResourceError("The local AWS cannot update a nested stack.")

    def delete(self) -> None:
        self.call("cloudformation", "DeleteStack", StackName=self.physical_id)
        self._wait("stack_delete_complete")
