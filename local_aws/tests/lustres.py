"""A Lustre with a bucket, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from local_aws.process import LocalAws
from local_aws.testing import MEMBER, VIRGINIA, until

EVENTS = ("NEW", "CHANGED", "DELETED")


class Linked:
    """A file system linked to a bucket of its own, or to the one given."""

    def __init__(
        self,
        local: LocalAws,
        *,
        bucket: str = "",
        auto_export: tuple[str, ...] = (),
        auto_import: tuple[str, ...] = (),
        place: str = "/",
        prefix: str = "",
    ) -> None:
        self.fsx: Any = local.client("fsx", MEMBER, VIRGINIA)
        self.s3: Any = local.client("s3", MEMBER, VIRGINIA)
        self.bucket = bucket or f"b-{uuid4().hex[:12]}"
        if not bucket:
            self.s3.create_bucket(Bucket=self.bucket)
        subnet = local.client("ec2", MEMBER, VIRGINIA).describe_subnets()["Subnets"][0]["SubnetId"]
        made = self.fsx.create_file_system(
            FileSystemType="LUSTRE",
            StorageCapacity=1200,
            SubnetIds=[subnet],
            LustreConfiguration={"DeploymentType": "SCRATCH_2"},
        )["FileSystem"]
        self.id = made["FileSystemId"]
        self.root = local.state_dir / "lustre" / self.id
        self.association = self.fsx.create_data_repository_association(
            FileSystemId=self.id,
            FileSystemPath=place,
            DataRepositoryPath=f"s3://{self.bucket}/{prefix}",
            BatchImportMetaDataOnCreate=True,
            S3={
                "AutoExportPolicy": {"Events": list(auto_export)},
                "AutoImportPolicy": {"Events": list(auto_import)},
            },
        )["Association"]["AssociationId"]
        until(lambda: all(task["Lifecycle"] == "SUCCEEDED" for task in self.tasks()))

    def tasks(self) -> list[dict[str, Any]]:
        wanted = [{"Name": "file-system-id", "Values": [self.id]}]
        found: list[dict[str, Any]] = self.fsx.describe_data_repository_tasks(Filters=wanted)[
            "DataRepositoryTasks"
        ]
        return found

    def start_export(self, *paths: str, report: str = "") -> str:
        asked: dict[str, Any] = {"Enabled": False}
        if report:
            asked = {"Enabled": True, "Path": report, "Format": "REPORT_CSV_20191124"}
            asked["Scope"] = "FAILED_FILES_ONLY"
        made = self.fsx.create_data_repository_task(
            FileSystemId=self.id, Type="EXPORT_TO_REPOSITORY", Paths=list(paths), Report=asked
        )
        return str(made["DataRepositoryTask"]["TaskId"])

    def ended(self, task_id: str) -> dict[str, Any]:
        """A task once it is over."""

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = self.fsx.describe_data_repository_tasks(TaskIds=[task_id])[
                "DataRepositoryTasks"
            ][0]
            return found if found["Lifecycle"] in ("SUCCEEDED", "FAILED", "CANCELED") else None

        found: dict[str, Any] = until(over)
        return found

    def export(self, *paths: str, report: str = "") -> dict[str, Any]:
        return self.ended(self.start_export(*paths, report=report))

    def counts(self, task: dict[str, Any]) -> tuple[int, int, int]:
        status = task["Status"]
        return status["TotalCount"], status["SucceededCount"], status["FailedCount"]

    def keys(self) -> set[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {found["Key"] for page in pages for found in page.get("Contents", [])}

    def content(self, key: str) -> bytes:
        found: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return found

    def head(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.s3.head_object(
            Bucket=self.bucket, Key=key, ChecksumMode="ENABLED"
        )
        return found


def state(root: Path) -> dict[str, tuple[Any, ...]]:
    """Everything in a directory: kind and permissions, owner, time of change, content."""
    found = {}
    for path in sorted(root.rglob("*")):
        seen = path.lstat()
        content: Any = None
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        name = str(path.relative_to(root))
        found[name] = (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_mtime_ns, content)
    return found
