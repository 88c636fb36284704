"""AWS::CloudFormation::Stack: nested stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from local_aws.resources.base import Resource, ResourceError


def failures(client: Any, stack: str) -> str:
    """What failed in a stack, and why, the oldest first; "" if it is gone."""
    try:
        events = client.describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError:
        return ""
    return "; ".join(
        f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', '')}"
        for one in reversed(events)
        if one["ResourceStatus"].endswith("_FAILED")
    )


class NestedStack(Resource):
    """AWS::CloudFormation::Stack; `Ref` gives the ARN of the stack."""

    type = "AWS::CloudFormation::Stack"
    supported = frozenset(
        {"NotificationARNs", "Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"}
    )
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
            **self.given("NotificationARNs", "TimeoutInMinutes"),
        )
        self.physical_id = made["StackId"]
        self._wait("stack_create_complete")
        described = self.call("cloudformation", "DescribeStacks", StackName=self.physical_id)
        self.attributes = {
            f"Outputs.{output['OutputKey']}": output["OutputValue"]
            for output in described["Stacks"][0].get("Outputs", [])
        }

    def _wait(self, what: str) -> None:
        client = self.site.client("cloudformation")
        try:
            client.get_waiter(what).wait(
                StackName=self.physical_id, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
            )
        except WaiterError as error:
            reasons = failures(client, self.physical_id)
            raise ResourceError(
                f"Embedded stack {self.physical_id} was not successfully created: {reasons}"
            ) from error

    def update(self, before: Mapping[str, Any]) -> None:
        raise ResourceError("The local AWS cannot update a nested stack.")

    def delete(self) -> None:
        self.call("cloudformation", "DeleteStack", StackName=self.physical_id)
        self._wait("stack_delete_complete")
