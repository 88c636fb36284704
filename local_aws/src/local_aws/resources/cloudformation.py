"""CloudFormation's own resources, and the CDK's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class WaitConditionHandle(Resource):
    """AWS::CloudFormation::WaitConditionHandle: does nothing but exist."""

    type = "AWS::CloudFormation::WaitConditionHandle"

    def create(self) -> None:
        self.physical_id = f"https://cloudformation-waitcondition.invalid/{self.logical_id}"


class CdkMetadata(Resource):
    """AWS::CDK::Metadata: does nothing, on AWS as well."""

    type = "AWS::CDK::Metadata"
    known = frozenset({"Analytics", "Modules"})
    changeable = known

    def create(self) -> None:
        self.physical_id = self.made_up_name()

    def update(self, before: Mapping[str, Any]) -> None:
        pass
