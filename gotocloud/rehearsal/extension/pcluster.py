"""Custom::PclusterCluster: ParallelCluster's own library makes the cluster, as on AWS.

The library runs in its own virtual environment (`pcluster_operator.py`) with the permissions of
the provider's role: it validates, uploads its artefacts, builds its own template, and the local
CloudFormation deploys that stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from gotocloud.contract.stacks import CLUSTER_RESOURCE
from gotocloud.rehearsal.extension.pcluster_head import CONFIGURATIONS
from gotocloud.rehearsal.extension.pcluster_provider import PROVIDERS, Provider
from gotocloud.rehearsal.pcluster_process import operator_of
from gotocloud.waiting import looks
from local_aws.engine.access import no_real_account
from local_aws.engine.site import service_credentials
from local_aws.engine.values import stringified
from local_aws.resources.base import Resource, ResourceError
from local_aws.resources.nested import failures

_FUNCTION = re.compile(r"arn:aws:lambda:(?P<region>[^:]+):(?P<account>\d+):function:(?P<name>.+)")
POLL_S = 0.2
NOT_RETURNED = {"clusterConfiguration", "scheduler", "tags"}
"""What the provider leaves out of its answer, which CloudFormation limits in size."""


class PclusterCluster(Resource):
    """Custom::PclusterCluster.

    The provider passes on every property but `ServiceToken` and `DeletionPolicy` to
    pcluster, so one that pcluster does not know breaks it. What it receives is text:
    CloudFormation turns every number and boolean into a string.
    """

    type = CLUSTER_RESOURCE
    made_by_cloudformation = False
    changeable = frozenset({"ClusterConfiguration", "DeletionPolicy", "SuppressValidators"})
    supported = changeable | {"ClusterName", "Region", "ServiceToken", "ValidationFailureLevel"}

    def create(self) -> None:
        provider = self._provider()
        name = self.properties["ClusterName"]
        if name == self.site.stack_name:
            raise ResourceError(f"The cluster and its stack have the same name, {name}.")
        properties = stringified(self.properties)
        CONFIGURATIONS[self.site.account, self.site.region, name] = properties[
            "ClusterConfiguration"
        ]
        answer = self._work(provider, "create", properties=properties)
        # From here on there is something to delete, as after the provider's own answer.
        self.physical_id, self.begun = name, True
        self._settle("CREATE_COMPLETE")
        described = self._work(provider, "describe")
        kept = {key: value for key, value in described.items() if key not in NOT_RETURNED}
        self.attributes = dict(_flattened(kept))
        self.attributes["validationMessages"] = json.dumps(answer.get("validationMessages") or [])

    def update(self, before: Mapping[str, Any]) -> None:
        raise ResourceError(
            "The local AWS does not update clusters: delete this one and create another."
        )

    def delete(self) -> None:
        if self.properties.get("DeletionPolicy") == "Retain" or not self.physical_id:
            return
        self._work(self._provider(), "delete")
        self._settle("DELETE_COMPLETE")
        CONFIGURATIONS.pop((self.site.account, self.site.region, self.physical_id), None)

    def _provider(self) -> Provider:
        token = str(self.properties["ServiceToken"])
        found = _FUNCTION.fullmatch(token)
        here = (self.site.account, self.site.region)
        if not found or (found["account"], found["region"]) != here:
            raise ResourceError(f"Invalid service token: {token}")
        if token not in PROVIDERS:
            raise ResourceError(f"No ParallelCluster provider answers at {token}")
        return PROVIDERS[token]

    def _work(self, provider: Provider, operation: str, **more: Any) -> dict[str, Any]:
        """Have ParallelCluster do something, with the provider's permissions.

        Raises:
            ResourceError: with the words of the provider's answer.
        """
        keys = service_credentials(self.site, provider.role_arn, "lambda.amazonaws.com")
        answer = operator_of(provider.version).work(
            {
                "operation": operation,
                "name": self.properties["ClusterName"],
                "region": self.site.region,
                "bucket": provider.bucket,
                "stack_id": self.site.stack_id,
                "environment": {
                    **{k: v for k, v in no_real_account().items() if k.startswith("AWS_")},
                    **keys,
                    "AWS_ENDPOINT_URL": self.site.endpoint.url,
                },
                **more,
            }
        )
        if "error" in answer:
            text = answer["error"] if isinstance(answer["error"], str) else _json(answer["error"])
            raise ResourceError(
                f"Received response status [FAILED] from custom resource. Message returned: {text}"
            )
        data: dict[str, Any] = answer["data"] or {}
        return data

    def _settle(self, wanted: str) -> None:
        """Wait for the cluster's own stack, as the provider's polling does."""
        client = self.site.client("cloudformation")
        for _ in looks(POLL_S):
            try:
                stack = client.describe_stacks(StackName=self.physical_id)["Stacks"][0]
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise
                status = "DELETE_COMPLETE"
            else:
                status = stack["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                break
        if status != wanted:
            raise ResourceError(
                "Received response status [FAILED] from custom resource. Message returned: "
                f"{self.physical_id}: {status}. {failures(client, self.physical_id)}"
            )


def _json(value: Any) -> str:
    return json.dumps(value, separators=(", ", ": "))


def _flattened(value: Mapping[str, Any] | list[Any], path: str = "") -> list[tuple[str, Any]]:
    """The provider's own form: nested keys joined by dots."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    found: list[tuple[str, Any]] = []
    for key, item in items:
        if isinstance(item, (Mapping, list)):
            found += _flattened(item, f"{path}{key}.")
        else:
            found.append((f"{path}{key}", item))
    return found
