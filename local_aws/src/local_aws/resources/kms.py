"""KMS: keys and aliases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class Key(Resource):
    """AWS::KMS::Key."""

    type = "AWS::KMS::Key"
    changeable = frozenset({"Description", "EnableKeyRotation", "Enabled", "KeyPolicy", "Tags"})
    supported = changeable | {"KeySpec", "KeyUsage", "MultiRegion", "PendingWindowInDays"}

    def create(self) -> None:
        tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in self.tags()]
        policy = self.properties.get("KeyPolicy")
        made = self.call(
            "kms",
            "CreateKey",
            Policy=json.dumps(policy) if policy else None,
            Tags=tags,
            **self.given("Description", "KeySpec", "KeyUsage", "MultiRegion"),
        )["KeyMetadata"]
        self.physical_id = made["KeyId"]
        self.attributes = {"Arn": made["Arn"], "KeyId": made["KeyId"]}
        self._rotate()
        if str(self.properties.get("Enabled", True)).lower() == "false":
            self.call("kms", "DisableKey", KeyId=self.physical_id)

    def _rotate(self) -> None:
        wanted = str(self.properties.get("EnableKeyRotation", False)).lower() == "true"
        operation = "EnableKeyRotation" if wanted else "DisableKeyRotation"
        self.call("kms", operation, KeyId=self.physical_id)

    def update(self, before: Mapping[str, Any]) -> None:
        if policy := self.properties.get("KeyPolicy"):
            document = json.dumps(policy)
            self.call(
                "kms",
                "PutKeyPolicy",
                KeyId=self.physical_id,
                PolicyName="default",
                Policy=document,
            )
        if self.properties.get("Description") != before.get("Description"):
            text = self.properties.get("Description", "")
            self.call("kms", "UpdateKeyDescription", KeyId=self.physical_id, Description=text)
        enabled = str(self.properties.get("Enabled", True)).lower() == "true"
        operation = "EnableKey" if enabled else "DisableKey"
        self.call("kms", operation, KeyId=self.physical_id)
        self._rotate()

    def delete(self) -> None:
        days = self.properties.get("PendingWindowInDays", 30)
        self.call("kms", "ScheduleKeyDeletion", KeyId=self.physical_id, PendingWindowInDays=days)


class Alias(Resource):
    """AWS::KMS::Alias."""

    type = "AWS::KMS::Alias"
    supported = frozenset({"AliasName", "TargetKeyId"})

    def create(self) -> None:
        self.physical_id = self.properties["AliasName"]
        self.call("kms", "CreateAlias", **self.given("AliasName", "TargetKeyId"))

    def delete(self) -> None:
        self.call("kms", "DeleteAlias", AliasName=self.physical_id)
