"""Lambda functions.

They run where a custom resource stands for them (`custom_resource.py`); the effect of the CDK's
own Custom::AWS is modelled instead.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local_aws.functions import FUNCTIONS, FunctionCode
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
        given = self.given(
            "Description", "Environment", "Handler", "MemorySize", "Role", "Runtime", "Timeout"
        )
        code = self.properties["Code"]
        if "ZipFile" in code:
            code = {"ZipFile": _zipped(code["ZipFile"], self.properties.get("Runtime", ""))}
        made = self.call(
            "lambda", "CreateFunction", FunctionName=self.physical_id, Code=code, **given
        )
        self.attributes = {"Arn": made["FunctionArn"]}
        if "S3Bucket" in code:
            FUNCTIONS[made["FunctionArn"]] = FunctionCode(
                arn=made["FunctionArn"],
                handler=self.properties["Handler"],
                role_arn=self.properties["Role"],
                bucket=code["S3Bucket"],
                key=code["S3Key"],
                timeout_s=int(self.properties.get("Timeout", 3)),
                environment=self.properties.get("Environment", {}).get("Variables", {}),
            )

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

    def delete(self) -> None:
        self.call("lambda", "DeleteFunction", FunctionName=self.physical_id)
        FUNCTIONS.pop(self.attributes["Arn"], None)


def _zipped(text: str, runtime: str) -> bytes:
    """Code that stands in the template, as CloudFormation packs it: a file named `index`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.js" if runtime.startswith("nodejs") else "index.py", text)
    return packed.getvalue()


class Permission(Resource):
    """AWS::Lambda::Permission."""

    type = "AWS::Lambda::Permission"
    known = frozenset({"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"})

    def create(self) -> None:
        self.physical_id = self.made_up_name()
