"""AWS::CloudFormation::CustomResource: runs the function behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from local_aws.engine.values import stringified
from local_aws.functions import FUNCTIONS, FunctionFailedError, run
from local_aws.resources.base import Resource, ResourceError

RESPONSE_URL = "https://cloudformation-custom-resource-response.invalid/"


class CustomResource(Resource):
    """AWS::CloudFormation::CustomResource.

    Its function really runs, with its role's permissions; what it answers decides.
    """

    type = "AWS::CloudFormation::CustomResource"
    made_by_cloudformation = False

    def check(self) -> None:
        """Every property is the function's own."""
        if "ServiceToken" not in self.properties:
            raise ResourceError("Value of property ServiceToken must be of type String")

    def create(self) -> None:
        response = self._send("Create")
        # CloudFormation deletes what a failed function names.
        self.begun = "PhysicalResourceId" in response
        self.physical_id = str(response.get("PhysicalResourceId") or self.made_up_name())
        self._take(response)

    def update(self, before: Mapping[str, Any]) -> None:
        response = self._send("Update", OldResourceProperties=stringified(before))
        self._take(response)
        former = self.physical_id
        self.physical_id = str(response.get("PhysicalResourceId") or former)
        if self.physical_id != former:
            # Another id is another resource: the former one is deleted.
            old = {"ResourceProperties": stringified(before), "PhysicalResourceId": former}
            self._succeeded(self._send("Delete", **old))

    @property
    def changeable(self) -> frozenset[str]:  # type: ignore[override]
        """The function decides what a change does."""
        return frozenset(self.properties) - {"ServiceToken"}

    def delete(self) -> None:
        self._succeeded(self._send("Delete"))

    def _take(self, response: Mapping[str, Any]) -> None:
        self._succeeded(response)
        self.attributes = dict(response.get("Data") or {})

    def _succeeded(self, response: Mapping[str, Any]) -> None:
        if response.get("Status") != "SUCCESS":
            raise ResourceError(
                f"Received response status [{response.get('Status', 'none')}] from custom "
                f"resource. Message returned: {response.get('Reason', '')}"
            )

    def _send(self, kind: str, **more: Any) -> dict[str, Any]:
        token = str(self.properties["ServiceToken"])
        function = FUNCTIONS.get(token)
        if function is None:
            raise ResourceError(f"Invalid service token: no function {token}")
        event = {
            "RequestType": kind,
            "ResponseURL": RESPONSE_URL,
            "StackId": self.site.stack_id,
            "RequestId": str(uuid4()),
            "ResourceType": self.properties_type,
            "LogicalResourceId": self.logical_id,
            "ResourceProperties": stringified(self.properties),
            **({"PhysicalResourceId": self.physical_id} if self.physical_id else {}),
            **more,
        }
        try:
            response: dict[str, Any] = run(self.site, function, event)["response"] or {}
        except FunctionFailedError as error:
            raise ResourceError(
                f"CloudFormation did not receive a response from your Custom Resource: {error}"
            ) from error
        return response
