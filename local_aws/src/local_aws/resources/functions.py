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
            "VpcConfig",
        }
    )
    supported = changeable | {"Architectures", "FunctionName", "PackageType"}

    def create(self) -> None:
        name = self.properties.get("FunctionName") or self.made_up_name()
        self._check()
        made = self.call(
            "lambda",
            "CreateFunction",
            FunctionName=name,
            Code=self._code(),
            Tags={tag["Key"]: tag["Value"] for tag in self.tags()} or None,
            **self.given("Architectures", "PackageType"),
            **self._settings(),
        )
        self.physical_id = name
        self.attributes = {"Arn": made["FunctionArn"]}
        self._reserve()
        self._remember()

    def _settings(self) -> dict[str, Any]:
        return self.given(
            "DeadLetterConfig",
            "Description",
            "Environment",
            "Handler",
            "Layers",
            "LoggingConfig",
            "MemorySize",
            "Role",
            "Runtime",
            "Timeout",
            "TracingConfig",
            "VpcConfig",
        )

    def _code(self) -> dict[str, Any]:
        code = self.properties["Code"]
        if "ZipFile" in code:
            return {"ZipFile": _zipped(code["ZipFile"], self.properties.get("Runtime", ""))}
        return dict(code)

    def _reserve(self) -> None:
        if (count := self.properties.get("ReservedConcurrentExecutions")) is not None:
            self.call(
                "lambda",
                "PutFunctionConcurrency",
                FunctionName=self.physical_id,
                ReservedConcurrentExecutions=count,
            )

    def _remember(self) -> None:
        code = self._code()
        FUNCTIONS[self.attributes["Arn"]] = FunctionCode(
            arn=self.attributes["Arn"],
            handler=self.properties["Handler"],
            role_arn=self.properties["Role"],
            bucket=code.get("S3Bucket", ""),
            key=code.get("S3Key", ""),
            zipped=code.get("ZipFile", b""),
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
        named = {"FunctionName": self.physical_id}
        if self.properties["Code"] != before["Code"]:
            self.call("lambda", "UpdateFunctionCode", **named, **self._code())
        self.call("lambda", "UpdateFunctionConfiguration", **named, **self._settings())
        if tags := {tag["Key"]: tag["Value"] for tag in self.tags()}:
            self.call("lambda", "TagResource", Resource=self.attributes["Arn"], Tags=tags)
        self._reserve()
        self._remember()

    def delete(self) -> None:
        FUNCTIONS.pop(self.attributes["Arn"], None)
        self.call("lambda", "DeleteFunction", FunctionName=self.physical_id)


def _zipped(text: str, runtime: str) -> bytes:
    """Code that stands in the template, as CloudFormation packs it: a file named `index`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.js" if runtime.startswith("nodejs") else "index.py", text)
    return packed.getvalue()


class Permission(Resource):
    """AWS::Lambda::Permission."""

    type = "AWS::Lambda::Permission"
    supported = frozenset({"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"})

    def create(self) -> None:
        self.physical_id = self.made_up_name()
        given = self.given(*self.supported)
        self.call("lambda", "AddPermission", StatementId=self.physical_id, **given)

    def delete(self) -> None:
        named = {"FunctionName": self.properties["FunctionName"]}
        self.drop("lambda", "RemovePermission", StatementId=self.physical_id, **named)
