"""Custom::AWS, the CDK's AwsCustomResource: does its call against the local AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from local_aws.engine.values import as_text, fitted
from local_aws.resources.base import Resource, ResourceError
from local_aws.resources.trust import account_and_name, account_may_assume

_SERVICES = {
    "cloudwatchlogs": "logs",
    "cost-explorer": "ce",
    "costexplorer": "ce",
    "eventbridge": "events",
    "secrets-manager": "secretsmanager",
}


class AwsCall(Resource):
    """Custom::AWS.

    Its function is not run: what it would do is done here, with the role it would
    assume, if any. A role of another account must exist and trust this account.
    """

    type = "Custom::AWS"
    supported = frozenset({"Create", "Delete", "InstallLatestAwsSdk", "ServiceToken", "Update"})
    changeable = supported

    def create(self) -> None:
        self._run(self.properties.get("Create"))
        if not self.physical_id:
            raise ResourceError("Custom::AWS gives no physicalResourceId.")

    def update(self, before: Mapping[str, Any]) -> None:
        self._run(self.properties.get("Update"))

    def delete(self) -> None:
        self._run(self.properties.get("Delete"))

    def attribute(self, name: str) -> Any:
        return self.attributes.get(name, "") if "." in name else super().attribute(name)

    def _run(self, text: str | None) -> None:
        if not text:
            return
        call = json.loads(text)
        answer = self._answer(call)
        flat = dict(_flattened(answer))
        wanted = call.get("outputPaths")
        self.attributes = {
            key: value
            for key, value in flat.items()
            if not wanted or any(key == path or key.startswith(f"{path}.") for path in wanted)
        }
        given = call.get("physicalResourceId", {})
        if "id" in given:
            self.physical_id = str(given["id"])
        elif "responsePath" in given:
            self.physical_id = str(flat[given["responsePath"]])

    def _answer(self, call: Mapping[str, Any]) -> dict[str, Any]:
        account = self._account(call)
        service = service_name(call["service"])
        client = self.site.client(service, account=account, region=call.get("region", ""))
        operation = operation_name(client, call["action"])
        shape = client.meta.service_model.operation_model(operation).input_shape
        parameters = fitted(shape, call.get("parameters") or {})
        try:
            answer: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
        except ClientError as error:
            ignored = call.get("ignoreErrorCodesMatching")
            if ignored and re.search(ignored, error.response["Error"]["Code"]):
                return {}
            raise
        answer.pop("ResponseMetadata", None)
        return answer

    def _account(self, call: Mapping[str, Any]) -> str:
        role = call.get("assumedRoleArn")
        if not role:
            return self.site.account
        if not account_may_assume(self.site, role, self.site.account):
            raise ResourceError(f"Not authorized to perform: sts:AssumeRole on resource: {role}")
        return account_and_name(role)[0]


def service_name(given: str) -> str:
    """boto3's name of a service that the SDK for JavaScript names its own way."""
    name = given.removeprefix("@aws-sdk/client-").lower()
    return _SERVICES.get(name, name)


def operation_name(client: Any, given: str) -> str:
    """The API's name of an operation such as "createRoute" or "CreateRouteCommand".

    Raises:
        ResourceError: if the service has no such operation.
    """
    wanted = given.removesuffix("Command").lower()
    for name in client.meta.service_model.operation_names:
        if name.lower() == wanted:
            return str(name)
    raise ResourceError(f"{client.meta.service_model.service_name} has no operation {given}.")


def _flattened(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, list):
        items = [(str(index), item) for index, item in enumerate(value)]
    else:
        return [(path, as_text(value))]
    found: list[tuple[str, str]] = []
    for key, item in items:
        found += _flattened(item, f"{path}.{key}" if path else str(key))
    return found
