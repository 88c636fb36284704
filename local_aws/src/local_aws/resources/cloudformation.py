"""CloudFormation's own resources, and the CDK's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource, ResourceError
from local_aws.signals import SIGNALS


class WaitConditionHandle(Resource):
    """AWS::CloudFormation::WaitConditionHandle: does nothing but exist."""

    type = "AWS::CloudFormation::WaitConditionHandle"

    def create(self) -> None:
        self.physical_id = f"https://cloudformation-waitcondition.invalid/{self.logical_id}"


class WaitCondition(Resource):
    """AWS::CloudFormation::WaitCondition: waits for what machines of the stack signal."""

    type = "AWS::CloudFormation::WaitCondition"
    supported = frozenset({"Count", "Handle", "Timeout"})

    def create(self) -> None:
        count = int(self.properties.get("Count", 1))
        timeout_s = float(self.properties["Timeout"])
        signals = SIGNALS.wait(self.site.stack_id, count, timeout_s)
        failed = next((one for one in signals if not one.success), None)
        if failed:
            raise ResourceError(
                f"WaitCondition received failed message: '{failed.reason}' for uniqueId: 1"
            )
        if len(signals) < count:
            raise ResourceError(
                f"WaitCondition timed out. Received {len(signals)} conditions when expecting "
                f"{count}"
            )
        self.physical_id = str(self.properties["Handle"])
        self.attributes = {"Data": json.dumps({"1": signals[-1].reason})}


class CdkMetadata(Resource):
    """AWS::CDK::Metadata: does nothing, on AWS as well."""

    type = "AWS::CDK::Metadata"
    supported = frozenset({"Analytics", "Modules"})
    changeable = supported

    def create(self) -> None:
        self.physical_id = self.made_up_name()

    def update(self, before: Mapping[str, Any]) -> None:
        pass
