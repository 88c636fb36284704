"""FSx in the network: ids of today's length, and the interfaces by which nodes reach it.

ParallelCluster's schema takes ids of 17 digits, and its validators ask the security
groups of a file system's interfaces whether nodes may mount it.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.ec2.models import ec2_backends
from moto.fsx import models


def apply() -> None:
    """Add ids and interfaces to moto's FSx."""
    backend = models.FSxBackend
    backend.create_file_system = _created(backend.create_file_system)  # type: ignore[method-assign]
    backend.delete_file_system = _deleted(backend.delete_file_system)  # type: ignore[method-assign]
    models.FileSystem.to_dict = _described(models.FileSystem.to_dict)  # type: ignore[method-assign]


def _created(original: Any) -> Any:
    def create_file_system(self: Any, *args: Any, **given: Any) -> Any:
        made = original(self, *args, **given)
        _rename(self, made, f"fs-{uuid4().hex[:17]}")
        ec2 = ec2_backends[self.account_id][self.region_name]
        made.network_interface_ids = [
            ec2.create_network_interface(
                ec2.get_subnet(subnet_id),
                "",
                group_ids=made.security_group_ids,
                description=f"Created by Amazon FSx for {made.file_system_id}",
            ).id
            for subnet_id in made.subnet_ids
        ]
        return made

    return create_file_system


def _rename(backend: Any, file_system: Any, new: str) -> None:
    old = file_system.file_system_id
    tags = backend.tagger.list_tags_for_resource(file_system.resource_arn)["Tags"]
    backend.tagger.delete_all_tags_for_resource(file_system.resource_arn)
    for attribute in ("file_system_id", "resource_arn", "dns_name"):
        setattr(file_system, attribute, getattr(file_system, attribute).replace(old, new))
    backend.tagger.tag_resource(file_system.resource_arn, tags)
    backend.file_systems[new] = backend.file_systems.pop(old)


def _deleted(original: Any) -> Any:
    def delete_file_system(self: Any, file_system_id: str, *args: Any, **given: Any) -> Any:
        file_system = self.file_systems.get(file_system_id)
        answer = original(self, file_system_id, *args, **given)
        ec2 = ec2_backends[self.account_id][self.region_name]
        for interface_id in file_system.network_interface_ids:
            # An interface left behind would keep subnet and security group from being deleted.
            ec2.delete_network_interface(interface_id)
        return answer

    return delete_file_system


def _described(original: Any) -> Any:
    def to_dict(self: Any) -> dict[str, Any]:
        described: dict[str, Any] = original(self)
        interfaces = getattr(self, "network_interface_ids", None)
        return {**described, "NetworkInterfaceIds": interfaces} if interfaces else described

    return to_dict
