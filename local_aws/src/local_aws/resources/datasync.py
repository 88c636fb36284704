"""DataSync: EFS locations and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource, ResourceError


class LocationEfs(Resource):
    """AWS::DataSync::LocationEFS; `Ref` gives its ARN."""

    type = "AWS::DataSync::LocationEFS"
    supported = frozenset(
        {
            "AccessPointArn",
            "Ec2Config",
            "EfsFilesystemArn",
            "FileSystemAccessRoleArn",
            "InTransitEncryption",
            "Subdirectory",
            "Tags",
        }
    )

    def create(self) -> None:
        encrypted = self.properties.get("InTransitEncryption") == "TLS1_2"
        if "FileSystemAccessRoleArn" in self.properties and not encrypted:
            raise ResourceError("FileSystemAccessRoleArn needs InTransitEncryption TLS1_2.")
        given = {key: value for key, value in self.properties.items() if key != "Tags"}
        made = self.call("datasync", "CreateLocationEfs", Tags=self.tags() or None, **given)
        self.physical_id = made["LocationArn"]
        arn = {"LocationArn": self.physical_id}
        described = self.call("datasync", "DescribeLocationEfs", **arn)
        self.attributes = {**arn, "LocationUri": described["LocationUri"]}

    def delete(self) -> None:
        self.call("datasync", "DeleteLocation", LocationArn=self.physical_id)


class Task(Resource):
    """AWS::DataSync::Task; `Ref` gives its ARN."""

    type = "AWS::DataSync::Task"
    changeable = frozenset(
        {"CloudWatchLogGroupArn", "Excludes", "Includes", "Name", "Options", "Schedule", "Tags"}
    )
    supported = changeable | {"DestinationLocationArn", "SourceLocationArn", "TaskMode"}

    def create(self) -> None:
        given = {key: value for key, value in self.properties.items() if key != "Tags"}
        made = self.call("datasync", "CreateTask", Tags=self.tags() or None, **given)
        self.physical_id = made["TaskArn"]
        self.attributes = {"TaskArn": self.physical_id, "Status": "AVAILABLE"}

    def update(self, before: Mapping[str, Any]) -> None:
        given = {key: self.properties[key] for key in self.changeable & set(self.properties)}
        given.pop("Tags", None)
        self.call("datasync", "UpdateTask", TaskArn=self.physical_id, **given)

    def delete(self) -> None:
        self.call("datasync", "DeleteTask", TaskArn=self.physical_id)
