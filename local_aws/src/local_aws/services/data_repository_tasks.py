"""Data repository tasks: their life, their counts, their completion report.

Sources: FSx API reference, `DataRepositoryTask` and `CompletionReport`; FSx for Lustre
guide, "Working with task completion reports" (read 2026-11).
"""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from local_aws.paths import beneath
from local_aws.services.data_repository_bucket import LinkedBucket, RepositoryError
from local_aws.services.data_repository_link import SETTLED_AFTER, Link
from local_aws.services.data_repository_lustre import Lustre
from local_aws.services.data_repository_posix import Entry, look
from local_aws.services.faults import FAULTS

EXPORT = "EXPORT_TO_REPOSITORY"
IMPORT = "IMPORT_METADATA_FROM_REPOSITORY"
OVER = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})


class TaskFailedError(Exception):
    """A task cannot be done at all; the text goes into its failure details."""


@dataclass
class RepositoryTask:
    """One task.

    Args:
        kind: `EXPORT` or `IMPORT`.
        lustre: Where.
        account: Whose.
        region: Region of its ARN.
        paths: What of it; empty for everything.
        report: As it was requested.
    """

    kind: str
    lustre: Lustre
    account: str
    region: str
    paths: list[str]
    report: dict[str, Any]
    tags: list[dict[str, str]] = field(default_factory=list)
    lifecycle: str = "PENDING"
    failure: str = ""
    total: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    succeeded: int = 0
    created: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    updated: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.id = f"task-{uuid4().hex[:17]}"

    def start(self) -> None:
        """Let it run in a thread of its own."""
        threading.Thread(target=self._run, name=self.id, daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.lifecycle in OVER

    def cancel(self) -> None:
        """Stop after the file at hand."""
        self.lifecycle = "CANCELING"

    def described(self) -> dict[str, Any]:
        """What DescribeDataRepositoryTasks returns."""
        reported: dict[str, Any] = {
            "TaskId": self.id,
            "Lifecycle": self.lifecycle,
            "Type": self.kind,
            "CreationTime": self.created,
            "StartTime": self.started,
            "EndTime": self.ended,
            "ResourceARN": f"arn:aws:fsx:{self.region}:{self.account}:task/{self.id}",
            "Tags": self.tags or None,
            "FileSystemId": self.lustre.file_system,
            "Paths": self.paths,
            "FailureDetails": {"Message": self.failure} if self.lifecycle == "FAILED" else None,
            "Status": {
                "TotalCount": self.total,
                "SucceededCount": self.succeeded,
                "FailedCount": len(self.failed),
                "LastUpdatedTime": self.updated,
            },
            "Report": self.report,
        }
        return {name: value for name, value in reported.items() if value is not None}

    def _run(self) -> None:
        if self.lifecycle == "PENDING":
            self.lifecycle = "EXECUTING"
        self.started = time.time()
        self.lustre.exporting = self.kind == EXPORT
        try:
            self._export() if self.kind == EXPORT else self._import()
            self._end()
        except (TaskFailedError, RepositoryError) as error:
            self.failure, self.lifecycle = str(error), "FAILED"
        except Exception as error:
            self.failure, self.lifecycle = f"InternalError: {error}", "FAILED"
            raise
        finally:
            self.lustre.exporting = False
            self.ended = self.updated = time.time()

    def _end(self) -> None:
        if self.report.get("Enabled") and self.failed:
            self._deliver_report()
        if self.lifecycle == "CANCELING":
            self.lifecycle = "CANCELED"
        elif self.failed and not self._lies():
            self.failure = (
                f"{len(self.failed)} of {self.total} files failed. See the completion report."
            )
            self.lifecycle = "FAILED"
        else:
            self.lifecycle = "SUCCEEDED"

    def _lies(self) -> bool:
        return FAULTS.take("export-task-lies", file_system=self.lustre.file_system) is not None

    # --- export

    def _export(self) -> None:
        name = self.lustre.file_system
        if fault := FAULTS.take("export-task-fails", file_system=name):
            reported = "Amazon FSx was not able to complete the data repository task."
            raise TaskFailedError(str(fault.settings.get("message", reported)))
        with self.lustre.lock:
            todo = [
                (link, entry) for link, start in self._starts() for entry in link.changed(start)
            ]
        self._count(total=len(todo))
        if fault := FAULTS.take("export-slow", file_system=name):
            self._linger(float(fault.settings.get("seconds", 1)))
        for link, entry in todo:
            if self.lifecycle == "CANCELING":
                return
            self._one(link, entry)

    def _starts(self) -> list[tuple[Link, str]]:
        """The associations that the task is about, and where in each of them it begins."""
        links = list(self.lustre.links.values())
        requested = [path.strip("/") for path in self.paths] or [""]
        starts = []
        for path in requested:
            if path and not self._is_there(path):
                raise TaskFailedError(f"The path {path} does not exist on the file system.")
            found = [(link, start) for link in links if (start := _start(link, path)) is not None]
            if not found:
                raise TaskFailedError(f"The path {path} is not linked to a data repository.")
            starts += found
        return starts

    def _is_there(self, path: str) -> bool:
        try:
            beneath(self.lustre.root, path, link=True)
        except ValueError as error:
            raise TaskFailedError(str(error)) from error
        return look(self.lustre.root, path) is not None

    def _one(self, link: Link, entry: Entry) -> None:
        with self.lustre.lock:
            try:
                link.export(entry)
            except RepositoryError as error:
                self.failed.append((link.within(entry.path), str(error)))
            else:
                self.succeeded += 1
        self._count()

    def _count(self, total: int | None = None) -> None:
        self.total = self.total if total is None else total
        self.updated = time.time()

    def _linger(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.lifecycle != "CANCELING":
            time.sleep(0.02)

    # --- import

    def _import(self) -> None:
        time.sleep(SETTLED_AFTER.total_seconds())
        for link in list(self.lustre.links.values()):
            with self.lustre.lock:
                self.succeeded += link.import_objects(selected=self._selected(link))
        self._count(total=self.succeeded)

    def _selected(self, link: Link) -> Callable[[str], bool]:
        if not self.paths:
            return lambda key: True
        wanted = [LinkedBucket.at(self.account, path) for path in self.paths]
        prefixes = tuple(place.prefix for place in wanted if place.name == link.bucket.name)
        return lambda key: (link.bucket.prefix + key).startswith(prefixes) if prefixes else False

    def _deliver_report(self) -> None:
        place = LinkedBucket.at(self.account, self.report["Path"])
        name = "failures.csv" if self.kind == EXPORT else "report.csv"
        place.write(f"{self.id}/{name}", report(self.failed), {})


def _start(link: Link, path: str) -> str | None:
    """Where in a link a path of the file system begins; None if it is outside."""
    if not path or path == link.place or link.place.startswith(f"{path}/"):
        return ""
    if not link.place:
        return path
    return path.removeprefix(f"{link.place}/") if path.startswith(f"{link.place}/") else None


def report(failed: list[tuple[str, str]]) -> bytes:
    """A completion report, `REPORT_CSV_20191124`: path, status and error code of each file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for path, code in failed:
        shown = f'"{path}"' if path[:1] in "@+-=" else path
        writer.writerow([shown, "failed", code])
    return text.getvalue().encode(errors="surrogateescape")
