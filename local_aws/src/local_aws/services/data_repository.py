"""FSx data repositories: associations and tasks that really move files.

What of this is as AWS has it, and what is not, is listed in docs/services.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from moto.core.exceptions import JsonRESTError
from moto.fsx import models, responses

from local_aws.services.data_repository_bucket import LinkedBucket
from local_aws.services.data_repository_lustre import LUSTRE, Lustre, set_policies
from local_aws.services.data_repository_tasks import EXPORT, IMPORT, RepositoryTask

MOST_ASSOCIATIONS = 8
MOST_PATHS = 100


def apply(state_dir: Path) -> None:
    """Give every Lustre file system a directory, and moto's FSx the operations that it lacks.

    Args:
        state_dir: Of the local AWS; the directories are below `lustre`.
    """
    LUSTRE.open(state_dir)
    backend = models.FSxBackend
    backend.create_file_system = _created(backend.create_file_system)  # type: ignore[method-assign]
    backend.delete_file_system = _deleted(backend.delete_file_system)  # type: ignore[method-assign]
    for operation in (
        create_data_repository_association,
        update_data_repository_association,
        describe_data_repository_associations,
        delete_data_repository_association,
        create_data_repository_task,
        cancel_data_repository_task,
        describe_data_repository_tasks,
    ):
        setattr(responses.FSxResponse, operation.__name__, operation)


def _created(original: Any) -> Any:
    def create_file_system(self: Any, *args: Any, **given: Any) -> Any:
        """CreateFileSystem, with a directory."""
        made = original(self, *args, **given)
        if made.file_system_type == "LUSTRE":
            LUSTRE.make(made.file_system_id)
        return made

    return create_file_system


def _deleted(original: Any) -> Any:
    def delete_file_system(self: Any, file_system_id: str, *args: Any, **given: Any) -> Any:
        """DeleteFileSystem; not while a task runs."""
        if running := _running(_tasks(self), file_system_id):
            raise JsonRESTError(
                "BadRequest",
                f"The file system {file_system_id} cannot be deleted while the data repository "
                f"task {running.id} is {running.lifecycle}.",
            )
        answer = original(self, file_system_id, *args, **given)
        associations = _associations(self)
        for key in [
            key for key, made in associations.items() if made["FileSystemId"] == file_system_id
        ]:
            del associations[key]
        LUSTRE.delete(file_system_id)
        return answer

    return delete_file_system


def _associations(backend: Any) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = backend.__dict__.setdefault("associations", {})
    return kept


def _tasks(backend: Any) -> dict[str, RepositoryTask]:
    kept: dict[str, RepositoryTask] = backend.__dict__.setdefault("repository_tasks", {})
    return kept


def _running(tasks: Mapping[str, RepositoryTask], file_system: str) -> RepositoryTask | None:
    for task in tasks.values():
        if task.lustre.file_system == file_system and not task.over:
            return task
    return None


def _lustre(response: Any, file_system: str) -> Lustre:
    found = LUSTRE.get(file_system)
    if found is None or file_system not in response.fsx_backend.file_systems:
        raise JsonRESTError("FileSystemNotFound", f"File system '{file_system}' does not exist.")
    return found


# --- associations


def create_data_repository_association(self: Any) -> str:
    """CreateDataRepositoryAssociation; imports what is in the bucket if that is requested."""
    given = json.loads(self.body)
    lustre = _lustre(self, given["FileSystemId"])
    associations = _associations(self.fsx_backend)
    own = [made for made in associations.values() if made["FileSystemId"] == lustre.file_system]
    given["FileSystemPath"] = given.get("FileSystemPath") or "/"
    _check_association(self.current_account, given, own)
    association_id = f"dra-{uuid4().hex[:17]}"
    resource = f"association/{lustre.file_system}/{association_id}"
    made = {
        **{key: value for key, value in given.items() if key != "ClientRequestToken"},
        "AssociationId": association_id,
        "ResourceARN": f"arn:aws:fsx:{self.region}:{self.current_account}:{resource}",
        "Lifecycle": "AVAILABLE",
        "CreationTime": time.time(),
    }
    associations[association_id] = made
    lustre.link(made, self.current_account)
    if given.get("BatchImportMetaDataOnCreate"):
        task = RepositoryTask(
            IMPORT,
            lustre,
            self.current_account,
            self.region,
            [given["DataRepositoryPath"]],
            {"Enabled": False},
        )
        _tasks(self.fsx_backend)[task.id] = task
        task.start()
    return json.dumps({"Association": made})


def _check_association(account: str, given: Mapping[str, Any], own: list[dict[str, Any]]) -> None:
    path = given["DataRepositoryPath"]
    if not LinkedBucket.at(account, path).exists:
        raise JsonRESTError(
            "InvalidDataRepositoryPath", f"Amazon FSx cannot access the bucket of {path}."
        )
    if len(own) >= MOST_ASSOCIATIONS:
        raise JsonRESTError(
            "ServiceLimitExceeded",
            f"A file system has at most {MOST_ASSOCIATIONS} data repository associations.",
        )
    for other in own:
        if _overlap(other["FileSystemPath"], given["FileSystemPath"]):
            raise JsonRESTError(
                "BadRequest",
                f"The file system path {given['FileSystemPath']} overlaps with "
                f"{other['FileSystemPath']} of {other['AssociationId']}.",
            )


def _overlap(one: str, other: str) -> bool:
    first, second = sorted((f"/{one.strip('/')}/", f"/{other.strip('/')}/"), key=len)
    return second.startswith(first.replace("//", "/"))


def update_data_repository_association(self: Any) -> str:
    """UpdateDataRepositoryAssociation: the policies that are given replace the former ones."""
    given = json.loads(self.body)
    made = _association(self, given["AssociationId"])
    made["S3"] = {**(made.get("S3") or {}), **(given.get("S3") or {})}
    lustre = _lustre(self, made["FileSystemId"])
    with lustre.lock:
        set_policies(lustre.links[made["AssociationId"]], made)
    return json.dumps({"Association": made})


def _association(response: Any, association_id: str) -> dict[str, Any]:
    found = _associations(response.fsx_backend).get(association_id)
    if found is None:
        raise JsonRESTError(
            "DataRepositoryAssociationNotFound", f"Association {association_id} not found."
        )
    return found


def describe_data_repository_associations(self: Any) -> str:
    """DescribeDataRepositoryAssociations, with ids and the file-system-id filter."""
    given = json.loads(self.body)
    if ids := given.get("AssociationIds"):
        found = [_association(self, association_id) for association_id in ids]
    else:
        found = list(_associations(self.fsx_backend).values())
    if wanted := _listed_ids(given, "file-system-id"):
        found = [item for item in found if item["FileSystemId"] in wanted]
    return json.dumps({"Associations": found})


def _listed_ids(given: Mapping[str, Any], name: str) -> set[str]:
    requested = [item["Values"] for item in given.get("Filters", []) if item["Name"] == name]
    return {value for values in requested for value in values}


def delete_data_repository_association(self: Any) -> str:
    """DeleteDataRepositoryAssociation; the files stay, unless their deletion is requested."""
    given = json.loads(self.body)
    made = _association(self, given["AssociationId"])
    del _associations(self.fsx_backend)[made["AssociationId"]]
    lustre = LUSTRE.get(made["FileSystemId"])
    if lustre:
        with lustre.lock:
            link = lustre.links.pop(made["AssociationId"])
            if given.get("DeleteDataInFileSystem"):
                link.empty()
    return json.dumps(
        {
            "AssociationId": made["AssociationId"],
            "Lifecycle": "DELETING",
            "DeleteDataInFileSystem": bool(given.get("DeleteDataInFileSystem")),
        }
    )


# --- tasks


def create_data_repository_task(self: Any) -> str:
    """CreateDataRepositoryTask."""
    given = json.loads(self.body)
    lustre = _lustre(self, given["FileSystemId"])
    tasks = _tasks(self.fsx_backend)
    _check_task(self.current_account, given, lustre, tasks)
    task = RepositoryTask(
        given["Type"],
        lustre,
        self.current_account,
        self.region,
        list(given.get("Paths") or []),
        dict(given["Report"]),
        list(given.get("Tags") or []),
    )
    tasks[task.id] = task
    reported = task.described()
    task.start()
    return json.dumps({"DataRepositoryTask": reported})


def _check_task(
    account: str, given: Mapping[str, Any], lustre: Lustre, tasks: Mapping[str, RepositoryTask]
) -> None:
    if given["Type"] not in (EXPORT, IMPORT):
        raise JsonRESTError(
            "UnsupportedOperation", f"The local AWS does not run tasks of type {given['Type']}."
        )
    links = list(lustre.links.values())
    if not links:
        raise JsonRESTError(
            "BadRequest", f"{lustre.file_system} is not linked to a data repository."
        )
    if given["Type"] == EXPORT and any(link.auto_export for link in links):
        raise JsonRESTError(
            "BadRequest",
            "An export data repository task cannot run while automatic export is enabled. "
            "Disable automatic export with UpdateDataRepositoryAssociation first.",
        )
    if running := _running(tasks, lustre.file_system):
        raise JsonRESTError(
            "DataRepositoryTaskExecuting",
            f"The data repository task {running.id} is {running.lifecycle}.",
        )
    if len(given.get("Paths") or []) > MOST_PATHS:
        raise JsonRESTError("BadRequest", f"A task takes at most {MOST_PATHS} paths.")
    _check_report(account, given["Report"], (link.bucket for link in links))


def _check_report(account: str, report: Mapping[str, Any], linked: Iterable[LinkedBucket]) -> None:
    if not report.get("Enabled"):
        return
    missing = [name for name in ("Path", "Format", "Scope") if not report.get(name)]
    if missing:
        raise JsonRESTError("BadRequest", f"An enabled report needs {', '.join(missing)}.")
    place = LinkedBucket.at(account, report["Path"])
    if not any(
        place.name == bucket.name and place.prefix.startswith(bucket.prefix) for bucket in linked
    ):
        raise JsonRESTError(
            "BadRequest", f"The report path {report['Path']} is not in a linked data repository."
        )


def _task(response: Any, task_id: str) -> RepositoryTask:
    found = _tasks(response.fsx_backend).get(task_id)
    if found is None:
        raise JsonRESTError("DataRepositoryTaskNotFound", f"Task {task_id} not found.")
    return found


def cancel_data_repository_task(self: Any) -> str:
    """CancelDataRepositoryTask; what was exported stays exported."""
    task = _task(self, json.loads(self.body)["TaskId"])
    if task.over:
        raise JsonRESTError("DataRepositoryTaskEnded", f"Task {task.id} is {task.lifecycle}.")
    task.cancel()
    return json.dumps({"TaskId": task.id, "Lifecycle": "CANCELING"})


def describe_data_repository_tasks(self: Any) -> str:
    """DescribeDataRepositoryTasks, with ids and filters."""
    given = json.loads(self.body)
    if ids := given.get("TaskIds"):
        found = [_task(self, task_id) for task_id in ids]
    else:
        found = list(_tasks(self.fsx_backend).values())
    reported = [task.described() for task in found]
    for name, key in (("file-system-id", "FileSystemId"), ("task-lifecycle", "Lifecycle")):
        if wanted := _listed_ids(given, name):
            reported = [item for item in reported if item[key] in wanted]
    return json.dumps({"DataRepositoryTasks": reported})
