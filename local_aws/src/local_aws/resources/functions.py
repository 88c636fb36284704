"""Lambda functions: kept as facts, never run.

The functions of our stacks are the CDK's own, behind custom resources whose effect is
modelled (Custom::AWS). What is checked here is what a
deployment depends on: that the role exists and trusts Lambda, and that the code's
object lies in its bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local_aws.resources.base import Resource, ResourceError
from local_aws.resources.trust import service_may_assume


class Function(Resource):
    """AWS::Lambda::Function."""

    type = "AWS::Lambda::Function"
    changeable = frozenset(
        {
            "Code",
            "DeadLetterConfig",
            "Description",
            "Environment",
            "Handler",
            "Layers",
            "LoggingConfig",
            "MemorySize",
            "ReservedConcurrentExecutions",
            "Role",
            "Runtime",
            "Tags",
            "Timeout",
            "TracingConfig",
        }
    )
    known = changeable | {"Architectures", "FunctionName", "PackageType", "VpcConfig"}

    def create(self) -> None:
        self.physical_id = self.properties.get("FunctionName") or self.made_up_name()
        self._check()
        self.attributes = {"Arn": self.site.arn("lambda", f"function:{self.physical_id}")}

    def _check(self) -> None:
        role = self.properties["Role"]
        if not service_may_assume(self.site, role, "lambda.amazonaws.com"):
            raise ResourceError(f"The role {role} cannot be assumed by Lambda.")
        code = self.properties["Code"]
        if "S3Bucket" in code:
            try:
                self.call("s3", "HeadObject", Bucket=code["S3Bucket"], Key=code["S3Key"])
            except ClientError as error:
                place = f"s3://{code['S3Bucket']}/{code['S3Key']}"
                raise ResourceError(f"No function code at {place}: {error}") from error

    def update(self, before: Mapping[str, Any]) -> None:
        self._check()


class Permission(Resource):
    """AWS::Lambda::Permission."""

    type = "AWS::Lambda::Permission"
    known = frozenset({"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"})

    def create(self) -> None:
        self.physical_id = self.made_up_name()
