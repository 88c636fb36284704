"""DataSync: moto has no EFS locations and no schedules, and uses one account for all ARNs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from moto.core.exceptions import JsonRESTError
from moto.datasync import models, responses
from moto.datasync.models import datasync_backends
from moto.efs.models import efs_backends

_TASK_EXTRAS = ("Schedule", "Options", "Excludes", "Includes", "Tags", "CloudWatchLogGroupArn")


def apply() -> None:
    """Add what is missing to moto's DataSync."""
    backend = models.DataSyncBackend
    backend.create_location = _own_arn(backend.create_location)  # type: ignore[method-assign]
    for operation in (create_location_efs, describe_location_efs, create_task, describe_task):
        setattr(responses.DataSyncResponse, operation.__name__, operation)


def _own_arn(original: Callable[..., str]) -> Any:
    def create_location(self: Any, *args: Any, **kwargs: Any) -> str:
        """Create a location, and give its ARN the account of the caller."""
        made = self.locations.pop(original(self, *args, **kwargs))
        made.arn = _new_arn(self, "location/loc")
        self.locations[made.arn] = made
        return str(made.arn)

    return create_location


def _new_arn(backend: Any, kind: str) -> str:
    place = f"{backend.region_name}:{backend.account_id}"
    return f"arn:aws:datasync:{place}:{kind}-{uuid4().hex[:17]}"


def create_location_efs(self: Any) -> str:
    """CreateLocationEfs; the file system must exist and have a mount target."""
    arn = self._get_param("EfsFilesystemArn")
    _, _, _, region, account, resource = arn.split(":", 5)
    file_system_id = resource.partition("/")[2]
    found = efs_backends[account][region].file_systems_by_id.get(file_system_id)
    if found is None:
        raise JsonRESTError("InvalidRequestException", f"{arn} does not exist.")
    if not found.number_of_mount_targets:
        raise JsonRESTError("InvalidRequestException", f"{file_system_id} has no mount target.")
    folder = (self._get_param("Subdirectory") or "/").strip("/")
    metadata = {
        "Ec2Config": self._get_param("Ec2Config"),
        "AccessPointArn": self._get_param("AccessPointArn"),
        "FileSystemAccessRoleArn": self._get_param("FileSystemAccessRoleArn"),
        "InTransitEncryption": self._get_param("InTransitEncryption") or "NONE",
        "Tags": self._get_param("Tags"),
    }
    uri = f"efs://{region}.{file_system_id}/{folder}"
    made = self.datasync_backend.create_location(uri, typ="EFS", metadata=metadata)
    return json.dumps({"LocationArn": made})


def describe_location_efs(self: Any) -> str:
    """DescribeLocationEfs."""
    location = self._get_location(self._get_param("LocationArn"), typ="EFS")
    described = {key: value for key, value in location.metadata.items() if value and key != "Tags"}
    return json.dumps({"LocationArn": location.arn, "LocationUri": location.uri, **described})


def create_task(self: Any) -> str:
    """CreateTask, with its schedule; a location may be in another region of the account."""
    backend = self.datasync_backend
    ends = self._get_param("SourceLocationArn"), self._get_param("DestinationLocationArn")
    for arn in ends:
        _, _, _, region, account, _ = arn.split(":", 5)
        if account != backend.account_id or arn not in datasync_backends[account][region].locations:
            raise JsonRESTError("InvalidRequestException", f"Location {arn} not found.")
    metadata = {name: self._get_param(name) for name in _TASK_EXTRAS}
    name = self._get_param("Name")
    made = models.Task(ends[0], ends[1], name, backend.region_name, metadata)
    made.arn = _new_arn(backend, "task/task")
    backend.tasks[made.arn] = made
    return json.dumps({"TaskArn": made.arn})


def describe_task(self: Any) -> str:
    """DescribeTask."""
    task = self.datasync_backend._get_task(self._get_param("TaskArn"))
    extras = {name: task.metadata.get(name) for name in _TASK_EXTRAS if name != "Tags"}
    described = {
        "TaskArn": task.arn,
        "Status": task.status,
        "Name": task.name,
        "CurrentTaskExecutionArn": task.current_task_execution_arn,
        "SourceLocationArn": task.source_location_arn,
        "DestinationLocationArn": task.destination_location_arn,
        **extras,
    }
    return json.dumps({key: value for key, value in described.items() if value is not None})
