"""A RELION project's pipeline: its processes and how they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gotocloud.errors import InputError, shell_line
from gotocloud.formats import whole_number
from gotocloud.relion.job_facts import RelionJobType
from gotocloud.relion.job_types import job_type_of_number, relion_job_type
from gotocloud.relion.star import StarError, StarTable, read_star

PIPELINE_FILE = "default_pipeline.star"
"""What RELION keeps in the project folder."""


class ProcessStatus(StrEnum):
    """How a process stands, in RELION's words."""

    RUNNING = "Running"
    SCHEDULED = "Scheduled"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ABORTED = "Aborted"
    UNKNOWN = "unknown"


_BY_NUMBER = (
    ProcessStatus.RUNNING,
    ProcessStatus.SCHEDULED,
    ProcessStatus.SUCCEEDED,
    ProcessStatus.FAILED,
    ProcessStatus.ABORTED,
)
"""What RELION 3.1 writes as numbers; source: `src/pipeline_jobs.h` of its tag 3.1.3."""


@dataclass(frozen=True)
class Process:
    """One process of the pipeline.

    Args:
        name: As RELION names it, for example "Class2D/job012/".
        alias: The scientist's own name for it, for example "Class2D/first_try/"; None
            without one.
        type: Its job type; None for one that RELION's versions 3.1 to 5 do not have.
        status: How it stands.
    """

    name: str
    alias: str | None
    type: RelionJobType | None
    status: ProcessStatus

    @property
    def number(self) -> int | None:
        """The job's number in the project."""
        found = re.search(r"job(\d{1,9})/?$", self.name)
        return int(found[1]) if found else None


def read_pipeline(project: Path) -> tuple[Process, ...]:
    """The processes of a project in the order of RELION.

    Raises:
        StarError: if the folder has no pipeline or it cannot be read.
    """
    path = project / PIPELINE_FILE
    if not path.is_file():
        raise StarError(
            f"{str(project)!r} is no RELION project: it has no {PIPELINE_FILE}.",
            next_command=shell_line("ls", "-l", project),
        )
    star = read_star(path)
    # A project without jobs has no such table.
    table = star.tables.get("pipeline_processes")
    if table is None:
        star.table("pipeline_general")
        return ()
    return tuple(_processes(table))


def with_status(text: str, name: str, status: ProcessStatus) -> str:
    """The text of a pipeline in which a process has another status.

    Args:
        text: Of `default_pipeline.star`, of RELION 3.1 to 5.
        name: The process, "Class2D/job012/".
        status: The new one; not `UNKNOWN`.
    """
    begin = text.find("data_pipeline_processes")
    column = re.compile(r"_rlnPipeLineProcessStatus(Label)?\s+#(\d{1,9})").search(
        text, max(0, begin)
    )
    if begin < 0 or column is None:
        return text
    value = status.value if column[1] else str(_BY_NUMBER.index(status))
    row = re.compile(
        rf"^(\s*{re.escape(name)}(?:\s+\S+){{{int(column[2]) - 2}}}\s+)\S+", re.MULTILINE
    )
    return text[: column.end()] + row.sub(rf"\g<1>{value}", text[column.end() :], count=1)


def _processes(table: StarTable) -> Iterator[Process]:
    names = table.columns.get("_rlnPipeLineProcessName")
    if names is None:
        raise StarError(f"The table data_{table.name} names no processes.")
    for row, name in enumerate(names):

        def cell(label: str, row: int = row) -> str | None:
            column = table.columns.get(label)
            return column[row] if column else None

        alias = cell("_rlnPipeLineProcessAlias")
        yield Process(
            name=name,
            alias=None if alias in (None, "", "None") else alias,
            type=_type(cell("_rlnPipeLineProcessTypeLabel"), cell("_rlnPipeLineProcessType"), name),
            status=_status(
                cell("_rlnPipeLineProcessStatusLabel"), cell("_rlnPipeLineProcessStatus")
            ),
        )


def _type(label: str | None, number: str | None, name: str) -> RelionJobType | None:
    try:
        if label:
            return relion_job_type(label)
        if (typed := whole_number(number or "")) is not None:
            return job_type_of_number(typed)
        return relion_job_type(name.partition("/")[0])
    except InputError:
        return None


def _status(label: str | None, number: str | None) -> ProcessStatus:
    if label in [one.value for one in ProcessStatus]:
        return ProcessStatus(label)
    if (position := whole_number(number or "", most=len(_BY_NUMBER) - 1)) is not None:
        return _BY_NUMBER[position]
    return ProcessStatus.UNKNOWN
