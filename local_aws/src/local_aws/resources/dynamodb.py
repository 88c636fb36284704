"""DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class Table(Resource):
    """AWS::DynamoDB::Table."""

    type = "AWS::DynamoDB::Table"
    changeable = frozenset({"Tags"})
    supported = changeable | {
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "SSESpecification",
        "TableName",
    }

    def create(self) -> None:
        given = {key: value for key, value in self.properties.items() if key != "Tags"}
        given |= {"TableName": given.get("TableName") or self.made_up_name(longest=255)}
        made = self.call_as("dynamodb", "CreateTable", {**given, "Tags": self.tags() or None})
        self.physical_id = given["TableName"]
        self.attributes = {"Arn": made["TableDescription"]["TableArn"]}

    def update(self, before: Mapping[str, Any]) -> None:
        arn = self.attributes["Arn"]
        if tags := self.tags():
            self.call("dynamodb", "TagResource", ResourceArn=arn, Tags=tags)

    def delete(self) -> None:
        self.call("dynamodb", "DeleteTable", TableName=self.physical_id)
