"""FSx for Lustre: file systems and data repository associations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource, ResourceError

SMALLEST_GIB = 1200
STEP_GIB = 2400
"""SCRATCH_2 and PERSISTENT_2 hold 1200 GiB or a multiple of 2400.
Source: FSx API reference, CreateFileSystem, StorageCapacity (2026-07)."""


class LustreFileSystem(Resource):
    """AWS::FSx::FileSystem of type LUSTRE."""

    type = "AWS::FSx::FileSystem"
    changeable = frozenset({"StorageCapacity", "Tags"})
    supported = changeable | {
        "FileSystemType",
        "FileSystemTypeVersion",
        "KmsKeyId",
        "LustreConfiguration",
        "SecurityGroupIds",
        "StorageType",
        "SubnetIds",
    }

    def create(self) -> None:
        if self.properties["FileSystemType"] != "LUSTRE":
            raise ResourceError("The local AWS models FSx for Lustre only.")
        size = int(self.properties["StorageCapacity"])
        if size != SMALLEST_GIB and size % STEP_GIB:
            raise ResourceError(
                f"Storage capacity must be {SMALLEST_GIB} GiB or a multiple of {STEP_GIB} GiB, "
                f"not {size}."
            )
        made = self.call(
            "fsx",
            "CreateFileSystem",
            Tags=self.tags() or None,
            **{key: value for key, value in self.properties.items() if key != "Tags"},
        )["FileSystem"]
        self.physical_id = made["FileSystemId"]
        self.attributes = {
            "DNSName": made["DNSName"],
            "LustreMountName": made["LustreConfiguration"]["MountName"],
            "ResourceARN": made["ResourceARN"],
        }

    def update(self, before: Mapping[str, Any]) -> None:
        if self.properties["StorageCapacity"] != before["StorageCapacity"]:
            raise ResourceError("The local AWS cannot grow a file system.")
        arn = self.attributes["ResourceARN"]
        self.call("fsx", "TagResource", ResourceARN=arn, Tags=self.tags())

    def delete(self) -> None:
        self.call("fsx", "DeleteFileSystem", FileSystemId=self.physical_id)


class DataRepositoryAssociation(Resource):
    """AWS::FSx::DataRepositoryAssociation."""

    type = "AWS::FSx::DataRepositoryAssociation"
    supported = frozenset(
        {
            "BatchImportMetaDataOnCreate",
            "DataRepositoryPath",
            "FileSystemId",
            "FileSystemPath",
            "ImportedFileChunkSize",
            "S3",
            "Tags",
        }
    )

    def create(self) -> None:
        made = self.call(
            "fsx",
            "CreateDataRepositoryAssociation",
            Tags=self.tags() or None,
            **{key: value for key, value in self.properties.items() if key != "Tags"},
        )["Association"]
        self.physical_id = made["AssociationId"]
        self.attributes = {"AssociationId": self.physical_id, "ResourceARN": made["ResourceARN"]}

    def delete(self) -> None:
        named = {"AssociationId": self.physical_id, "DeleteDataInFileSystem": False}
        self.call_as("fsx", "DeleteDataRepositoryAssociation", named)
