"""CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class LogGroup(Resource):
    """AWS::Logs::LogGroup."""

    type = "AWS::Logs::LogGroup"
    changeable = frozenset({"KmsKeyId", "RetentionInDays", "Tags"})
    supported = changeable | {"LogGroupClass", "LogGroupName"}

    def create(self) -> None:
        self.physical_id = self.properties.get("LogGroupName") or self.made_up_name(longest=512)
        tags = {tag["Key"]: tag["Value"] for tag in self.tags()}
        key = self.properties.get("KmsKeyId")
        self.call(
            "logs",
            "CreateLogGroup",
            logGroupName=self.physical_id,
            logGroupClass=self.properties.get("LogGroupClass"),
            kmsKeyId=key,
            tags=tags or None,
        )
        self.attributes = {"Arn": self.site.arn("logs", f"log-group:{self.physical_id}:*")}
        self._retention()

    def _retention(self) -> None:
        if days := self.properties.get("RetentionInDays"):
            named = {"logGroupName": self.physical_id, "retentionInDays": days}
            self.call_as("logs", "PutRetentionPolicy", named)

    def update(self, before: Mapping[str, Any]) -> None:
        named = {"logGroupName": self.physical_id}
        key = self.properties.get("KmsKeyId")
        if key and key != before.get("KmsKeyId"):
            self.call("logs", "AssociateKmsKey", **named, kmsKeyId=key)
        if tags := {tag["Key"]: tag["Value"] for tag in self.tags()}:
            self.call("logs", "TagLogGroup", **named, tags=tags)
        if "RetentionInDays" in before and "RetentionInDays" not in self.properties:
            self.call("logs", "DeleteRetentionPolicy", **named)
        self._retention()

    def delete(self) -> None:
        self.call("logs", "DeleteLogGroup", logGroupName=self.physical_id)


class MetricFilter(Resource):
    """AWS::Logs::MetricFilter."""

    type = "AWS::Logs::MetricFilter"
    changeable = frozenset({"FilterPattern", "MetricTransformations"})
    supported = changeable | {"FilterName", "LogGroupName"}

    def create(self) -> None:
        self.physical_id = self.properties.get("FilterName") or self.made_up_name(longest=512)
        self._put()

    def _put(self) -> None:
        transformations = []
        for given in self.properties["MetricTransformations"]:
            made = {key[0].lower() + key[1:]: value for key, value in given.items()}
            if "dimensions" in made:
                made["dimensions"] = {one["Key"]: one["Value"] for one in made["dimensions"]}
            transformations.append(made)
        self.call(
            "logs",
            "PutMetricFilter",
            logGroupName=self.properties["LogGroupName"],
            filterName=self.physical_id,
            filterPattern=self.properties["FilterPattern"],
            metricTransformations=transformations,
        )

    def update(self, before: Mapping[str, Any]) -> None:
        self._put()

    def delete(self) -> None:
        self.call(
            "logs",
            "DeleteMetricFilter",
            logGroupName=self.properties["LogGroupName"],
            filterName=self.physical_id,
        )


class LogResourcePolicy(Resource):
    """AWS::Logs::ResourcePolicy."""

    type = "AWS::Logs::ResourcePolicy"
    changeable = frozenset({"PolicyDocument"})
    supported = changeable | {"PolicyName"}

    def create(self) -> None:
        self.physical_id = self.properties["PolicyName"]
        document = self.properties["PolicyDocument"]
        self.call("logs", "PutResourcePolicy", policyName=self.physical_id, policyDocument=document)

    def update(self, before: Mapping[str, Any]) -> None:
        self.create()

    def delete(self) -> None:
        self.call("logs", "DeleteResourcePolicy", policyName=self.physical_id)
