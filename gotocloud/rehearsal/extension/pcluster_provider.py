"""AWS::CloudFormation::Stack with ParallelCluster's provider, a nested stack of AWS's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gotocloud.contract.tags import VERSION_TAG
from local_aws.resources.base import ResourceError
from local_aws.resources.nested import NestedStack
from local_aws.resources.trust import service_may_assume

PROVIDER_URL = re.compile(
    r"https://(?P<region>[a-z0-9-]+)-aws-parallelcluster\.s3\.(?P=region)\.amazonaws\.com"
    r"/parallelcluster/(?P<version>[0-9.]+)/templates/custom_resource/cluster\.yaml"
)
"""AWS's own template of the provider; it cannot be fetched here, so it is modelled.
Source: cloudformation/custom_resource/cluster.yaml of ParallelCluster."""


@dataclass(frozen=True)
class Provider:
    """One provider, as a nested stack made it.

    Args:
        version: ParallelCluster's version.
        role_arn: Role of its function.
        bucket: Where it keeps the events that it works on.
    """

    version: str
    role_arn: str
    bucket: str


PROVIDERS: dict[str, Provider] = {}
"""Service token -> the provider behind it."""

PROVIDER_PARAMETERS = {"AdditionalIamPolicies", "CustomBucket", "CustomLambdaRole"}


class ProviderStack(NestedStack):
    """AWS::CloudFormation::Stack; ParallelCluster's provider, or any other nested stack."""

    type = NestedStack.type

    def create(self) -> None:
        provider = PROVIDER_URL.fullmatch(self.properties["TemplateURL"])
        if provider:
            self._create_provider(provider["region"], provider["version"])
        else:
            super().create()

    def _create_provider(self, region: str, version: str) -> None:
        if region != self.site.region:
            raise ResourceError(
                f"The provider's template is of {region}, but the stack is in {self.site.region}: "
                "Lambda takes its layer from a bucket of its own region."
            )
        self._check_provider_parameters()
        name = self.made_up_name(longest=128)
        stack_id = self.site.arn("cloudformation", f"stack/{name}/{name[-12:].lower()}")
        function = self.site.arn("lambda", f"function:pcluster-cfn-{name[-12:].lower()}")
        group = f"/aws/lambda/pcluster-cfn-{name[-12:].lower()}"
        bucket = f"{name[:36].lower().rstrip('-')}-{name[-12:].lower()}"
        self.physical_id = stack_id
        self.notes.update(log_group=group, version=version, bucket=bucket, token=function)
        self.call("logs", "CreateLogGroup", logGroupName=group, tags={VERSION_TAG: version})
        self.call("s3", "CreateBucket", Bucket=bucket, **_in_region(region))
        role = self.properties["Parameters"]["CustomLambdaRole"]
        PROVIDERS[function] = Provider(version, role, bucket)
        layer = f"layer:PclusterLayer-{version.replace('.', '-')}:1"
        self.attributes = {
            "Outputs.ServiceToken": function,
            "Outputs.LogGroupArn": self.site.arn("logs", f"log-group:{group}:*"),
            "Outputs.LambdaLayerArn": self.site.arn("lambda", layer),
        }

    def _check_provider_parameters(self) -> None:
        given: Mapping[str, Any] = self.properties.get("Parameters", {})
        unknown = sorted(set(given) - PROVIDER_PARAMETERS)
        if unknown:
            raise ResourceError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        role = given.get("CustomLambdaRole")
        if role and not service_may_assume(self.site, role, "lambda.amazonaws.com"):
            raise ResourceError(f"The role {role} cannot be assumed by Lambda.")
        if not role:
            raise ResourceError(
                "Without CustomLambdaRole the provider makes a role with IAM administration and "
                "without a permissions boundary; the local AWS does not model that."
            )

    def update(self, before: Mapping[str, Any]) -> None:
        if "version" not in self.notes:
            super().update(before)
            return
        self._check_provider_parameters()
        token = self.notes["token"]
        role = self.properties["Parameters"]["CustomLambdaRole"]
        PROVIDERS[token] = replace(PROVIDERS[token], role_arn=role)

    def delete(self) -> None:
        if group := self.notes.get("log_group"):
            PROVIDERS.pop(self.notes["token"], None)
            self.drop("logs", "DeleteLogGroup", logGroupName=group)
            self._delete_bucket(self.notes["bucket"])
        else:
            super().delete()

    def _delete_bucket(self, bucket: str) -> None:
        """The provider's own stack empties its bucket before it deletes it."""
        for found in self.look("s3", "ListObjectsV2", Bucket=bucket).get("Contents", ()):
            self.look("s3", "DeleteObject", Bucket=bucket, Key=found["Key"])
        self.call("s3", "DeleteBucket", Bucket=bucket)


def _in_region(region: str) -> dict[str, Any]:
    """us-east-1 is the one region that CreateBucket takes no name for."""
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}
