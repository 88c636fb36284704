"""FSx: moto has file systems without life cycle or mount name."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends
from moto.fsx import models

MOUNT_NAME_LENGTH = 8


def apply() -> None:
    """Add what is missing to moto's FSx."""
    models.FileSystem.to_dict = _described(models.FileSystem.to_dict)  # type: ignore[method-assign]
    backend = models.FSxBackend
    backend.create_file_system = _created(backend.create_file_system)  # type: ignore[method-assign]


def _created(original: Any) -> Any:
    def create_file_system(self: Any, **given: Any) -> Any:
        """CreateFileSystem, keeping what moto drops."""
        _check_subnets(self, given["subnet_ids"])
        made = original(self, **given)
        made.version = given.get("file_system_type_version") or "2.10"
        made.created = time.time()
        made.mount_name = uuid4().hex[:MOUNT_NAME_LENGTH]
        return made

    return create_file_system


def _check_subnets(backend: Any, subnet_ids: list[str]) -> None:
    networks = ec2_backends[backend.account_id][backend.region_name]
    for subnet_id in subnet_ids:
        try:
            networks.get_subnet(subnet_id)
        except Exception as error:
            raise JsonRESTError(
                "InvalidNetworkSettings", f"The subnet ID '{subnet_id}' does not exist"
            ) from error


def _described(original: Any) -> Any:
    def to_dict(self: Any) -> dict[str, Any]:
        """What DescribeFileSystems returns."""
        backend = self.backend
        subnet = ec2_backends[backend.account_id][backend.region_name].get_subnet(
            self.subnet_ids[0]
        )
        described: dict[str, Any] = {
            **original(self),
            "Lifecycle": "AVAILABLE",
            "OwnerId": backend.account_id,
            "VpcId": subnet.vpc_id,
            "CreationTime": self.created,
            "FileSystemTypeVersion": self.version,
        }
        if self.file_system_type == "LUSTRE":
            described["LustreConfiguration"] = {
                **(self.lustre_configuration or {}),
                "MountName": self.mount_name,
            }
        return described

    return to_dict
