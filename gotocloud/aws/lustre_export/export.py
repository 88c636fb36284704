"""Exports Lustre to its bucket by FSx's own tasks, and waits for them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import error_code, explained
from gotocloud.contract.project_bucket import REPORTS
from gotocloud.errors import GoToCloudError
from gotocloud.projects.pausing import ExportRun
from gotocloud.waiting import Sleep, looks

POLL_S = 5.0
TIMEOUT_S = 24 * 3600.0
MAX_PATHS = 32
"""Paths in a task. Source: FSx API, CreateDataRepositoryTask."""

_EXECUTING = "DataRepositoryTaskExecuting"
_BUSY = {"WAITING", "PENDING", "EXECUTING", "CANCELING"}
# What FSx takes in a path; with any other name everything is exported instead.
_PATH = re.compile(r"[^\u0000\u0085\u2028\u2029\r\n]{1,4096}")


def export(
    cloud: Cloud,
    file_system: str,
    bucket: str,
    paths: Sequence[str] = (),
    *,
    report: Callable[[ExportRun, float], None] = lambda run, waited_s: None,
    sleep: Sleep = time.sleep,
) -> ExportRun:
    """Export what is new or changed, and wait until FSx is done with it.

    Another export that is at work, for example of an interrupted command, is waited for
    first: it may have begun before the last change.

    Args:
        paths: What to export, below the root. Default: everything.
        report: Called with how far it is, and for how many seconds.

    Raises:
        GoToCloudError: if it cannot be started or read, or takes more than a day.
    """
    fsx = cloud.client("fsx")
    given = [] if len(paths) > MAX_PATHS else list(paths)
    if not all(_PATH.fullmatch(path) for path in given):
        given = []
    token = str(uuid4())
    task = None
    for waited_s in looks(_pause_s, within_s=TIMEOUT_S, sleep=sleep):
        task = task or _create(fsx, file_system, bucket, given, token)
        run = _run(fsx, task) if task else ExportRun("", "WAITING")
        report(run, waited_s)
        if run.lifecycle not in _BUSY:
            return run
    raise GoToCloudError(
        "The export to the bucket is not done after a day. The cluster is kept, and billed.",
        next_command="gotocloud doctor",
    )


def _pause_s(waited_s: float) -> float:
    return POLL_S if waited_s > POLL_S else POLL_S / 5


def _create(fsx: Any, file_system: str, bucket: str, paths: list[str], token: str) -> str | None:
    given: dict[str, Any] = {"Paths": paths} if paths else {}
    with explained(f"export {file_system} to {bucket}"):
        try:
            made = fsx.create_data_repository_task(
                FileSystemId=file_system,
                Type="EXPORT_TO_REPOSITORY",
                ClientRequestToken=token,
                Report={
                    "Enabled": True,
                    "Path": f"s3://{bucket}/{REPORTS}",
                    "Format": "REPORT_CSV_20191124",
                    "Scope": "FAILED_FILES_ONLY",
                },
                **given,
            )
        except fsx.exceptions.ClientError as error:
            if error_code(error) == _EXECUTING:
                return None
            raise
    return str(made["DataRepositoryTask"]["TaskId"])


def _run(fsx: Any, task: str) -> ExportRun:
    with explained(f"ask about the export {task}"):
        found = fsx.describe_data_repository_tasks(TaskIds=[task])["DataRepositoryTasks"][0]
    status = found.get("Status") or {}
    return ExportRun(
        task=task,
        lifecycle=found["Lifecycle"],
        total=int(status.get("TotalCount", 0)),
        succeeded=int(status.get("SucceededCount", 0)),
        failed=int(status.get("FailedCount", 0)),
        message=str((found.get("FailureDetails") or {}).get("Message", "")),
    )
