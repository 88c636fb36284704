"""EFS: file systems with policy and backup, access points, mount targets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class ElasticFileSystem(Resource):
    """AWS::EFS::FileSystem."""

    type = "AWS::EFS::FileSystem"
    changeable = frozenset(
        {
            "BackupPolicy",
            "FileSystemPolicy",
            "FileSystemTags",
            "LifecyclePolicies",
        }
    )
    supported = changeable | {
        "AvailabilityZoneName",
        "Encrypted",
        "KmsKeyId",
        "PerformanceMode",
        "ProvisionedThroughputInMibps",
        "ThroughputMode",
    }

    def create(self) -> None:
        made = self.call(
            "efs",
            "CreateFileSystem",
            CreationToken=f"{self.site.stack_id}/{self.logical_id}"[-64:],
            Tags=self.tags("FileSystemTags"),
            **self.given(
                "AvailabilityZoneName",
                "Encrypted",
                "KmsKeyId",
                "PerformanceMode",
                "ProvisionedThroughputInMibps",
                "ThroughputMode",
            ),
        )
        self.physical_id = made["FileSystemId"]
        self.attributes = {
            "FileSystemId": self.physical_id,
            "Arn": made["FileSystemArn"],
        }
        self._configure()

    def _configure(self) -> None:
        named = {"FileSystemId": self.physical_id}
        if policy := self.properties.get("FileSystemPolicy"):
            self.call("efs", "PutFileSystemPolicy", **named, Policy=json.dumps(policy))
        if backup := self.properties.get("BackupPolicy"):
            self.call("efs", "PutBackupPolicy", **named, BackupPolicy=backup)
        if policies := self.properties.get("LifecyclePolicies"):
            self.call("efs", "PutLifecycleConfiguration", **named, LifecyclePolicies=policies)

    def update(self, before: Mapping[str, Any]) -> None:
        self._configure()
        tags = self.tags("FileSystemTags")
        self.call("efs", "TagResource", ResourceId=self.physical_id, Tags=tags)

    def delete(self) -> None:
        self.call("efs", "DeleteFileSystem", FileSystemId=self.physical_id)


class AccessPoint(Resource):
    """AWS::EFS::AccessPoint."""

    type = "AWS::EFS::AccessPoint"
    supported = frozenset(
        {"AccessPointTags", "ClientToken", "FileSystemId", "PosixUser", "RootDirectory"}
    )

    def create(self) -> None:
        made = self.call(
            "efs",
            "CreateAccessPoint",
            ClientToken=self.properties.get("ClientToken") or self.made_up_name(),
            Tags=self.tags("AccessPointTags"),
            **self.given("FileSystemId", "PosixUser", "RootDirectory"),
        )
        self.physical_id = made["AccessPointId"]
        self.attributes = {"AccessPointId": self.physical_id, "Arn": made["AccessPointArn"]}

    def delete(self) -> None:
        self.call("efs", "DeleteAccessPoint", AccessPointId=self.physical_id)


class MountTarget(Resource):
    """AWS::EFS::MountTarget."""

    type = "AWS::EFS::MountTarget"
    changeable = frozenset({"SecurityGroups"})
    supported = changeable | {"FileSystemId", "IpAddress", "SubnetId"}

    def create(self) -> None:
        made = self.call("efs", "CreateMountTarget", **self.properties)
        self.physical_id = made["MountTargetId"]
        self.attributes = {"Id": self.physical_id, "IpAddress": made["IpAddress"]}

    def update(self, before: Mapping[str, Any]) -> None:
        groups = self.properties["SecurityGroups"]
        self.call(
            "efs",
            "ModifyMountTargetSecurityGroups",
            MountTargetId=self.physical_id,
            SecurityGroups=groups,
        )

    def delete(self) -> None:
        self.call("efs", "DeleteMountTarget", MountTargetId=self.physical_id)
