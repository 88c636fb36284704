"""FSx: moto knows file systems without life cycle or mount name, and no associations."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends
from moto.fsx import models, responses

MOUNT_NAME_LENGTH = 8


def apply() -> None:
    """Add what is missing to moto's FSx."""
    models.FileSystem.to_dict = _described(models.FileSystem.to_dict)  # type: ignore[method-assign]
    backend = models.FSxBackend
    backend.create_file_system = _created(backend.create_file_system)  # type: ignore[method-assign]
    for operation in (
        create_data_repository_association,
        describe_data_repository_associations,
        delete_data_repository_association,
        create_data_repository_task,
        describe_data_repository_tasks,
    ):
        setattr(responses.FSxResponse, operation.__name__, operation)


def _created(original: Any) -> Any:
    def create_file_system(self: Any, **given: Any) -> Any:
        """CreateFileSystem, remembering what moto forgets."""
        _check_subnets(self, given["subnet_ids"])
        made = original(self, **given)
        made.version = given.get("file_system_type_version") or "2.10"
        made.created = time.time()
        made.mount_name = uuid4().hex[:MOUNT_NAME_LENGTH]
        return made

    return create_file_system


def _check_subnets(backend: Any, subnet_ids: list[str]) -> None:
    known = ec2_backends[backend.account_id][backend.region_name]
    for subnet_id in subnet_ids:
        try:
            known.get_subnet(subnet_id)
        except Exception as error:
            raise JsonRESTError(
                "InvalidNetworkSettings", f"The subnet ID '{subnet_id}' does not exist"
            ) from error


def _described(original: Any) -> Any:
    def to_dict(self: Any) -> dict[str, Any]:
        """What DescribeFileSystems tells."""
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


def _kept(response: Any, what: str) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = response.fsx_backend.__dict__.setdefault(what, {})
    return kept


def create_data_repository_association(self: Any) -> str:
    """CreateDataRepositoryAssociation."""
    given = json.loads(self.body)
    backend = self.fsx_backend
    if given["FileSystemId"] not in backend.file_systems:
        raise JsonRESTError("FileSystemNotFound", f"File system {given['FileSystemId']} not found.")
    _check_bucket(self, given["DataRepositoryPath"])
    association_id = f"dra-{uuid4().hex[:17]}"
    resource = f"association/{given['FileSystemId']}/{association_id}"
    made = {
        **{key: value for key, value in given.items() if key != "ClientRequestToken"},
        "AssociationId": association_id,
        "ResourceARN": f"arn:aws:fsx:{self.region}:{self.current_account}:{resource}",
        "Lifecycle": "AVAILABLE",
        "CreationTime": time.time(),
    }
    _kept(self, "associations")[association_id] = made
    return json.dumps({"Association": made})


def _check_bucket(response: Any, path: str) -> None:
    from moto.s3.models import s3_backends

    name = path.removeprefix("s3://").partition("/")[0]
    buckets = s3_backends[response.current_account]["aws"].buckets
    if name not in buckets:
        raise JsonRESTError(
            "InvalidDataRepositoryPath", f"Amazon FSx cannot access the bucket of {path}."
        )


def describe_data_repository_associations(self: Any) -> str:
    """DescribeDataRepositoryAssociations, with ids and the file-system-id filter."""
    given = json.loads(self.body)
    found = list(_kept(self, "associations").values())
    if ids := given.get("AssociationIds"):
        found = [item for item in found if item["AssociationId"] in ids]
    for wanted in given.get("Filters", []):
        if wanted["Name"] == "file-system-id":
            found = [item for item in found if item["FileSystemId"] in wanted["Values"]]
    return json.dumps({"Associations": found})


def delete_data_repository_association(self: Any) -> str:
    """DeleteDataRepositoryAssociation."""
    given = json.loads(self.body)
    association_id = given["AssociationId"]
    if _kept(self, "associations").pop(association_id, None) is None:
        raise JsonRESTError(
            "DataRepositoryAssociationNotFound", f"Association {association_id} not found."
        )
    return json.dumps({"AssociationId": association_id, "Lifecycle": "DELETING"})


def create_data_repository_task(self: Any) -> str:
    """CreateDataRepositoryTask: succeeds at once."""
    given = json.loads(self.body)
    if given["FileSystemId"] not in self.fsx_backend.file_systems:
        raise JsonRESTError("FileSystemNotFound", f"File system {given['FileSystemId']} not found.")
    task_id = f"task-{uuid4().hex[:17]}"
    made = {
        **{key: given[key] for key in ("FileSystemId", "Type", "Paths", "Report") if key in given},
        "TaskId": task_id,
        "Lifecycle": "SUCCEEDED",
        "CreationTime": time.time(),
        "ResourceARN": f"arn:aws:fsx:{self.region}:{self.current_account}:task/{task_id}",
        "Status": {"TotalCount": 0, "SucceededCount": 0, "FailedCount": 0},
    }
    _kept(self, "repository_tasks")[task_id] = made
    return json.dumps({"DataRepositoryTask": made})


def describe_data_repository_tasks(self: Any) -> str:
    """DescribeDataRepositoryTasks, with ids and the file-system-id filter."""
    given = json.loads(self.body)
    found = list(_kept(self, "repository_tasks").values())
    if ids := given.get("TaskIds"):
        found = [item for item in found if item["TaskId"] in ids]
    for wanted in given.get("Filters", []):
        if wanted["Name"] == "file-system-id":
            found = [item for item in found if item["FileSystemId"] in wanted["Values"]]
    return json.dumps({"DataRepositoryTasks": found})
