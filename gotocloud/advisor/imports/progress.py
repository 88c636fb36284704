"""A project's record of resolution, hours and US dollars, out of its own folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gotocloud.advisor.imports.job import NotUsableError, RecordedAttempt, StatedFacts
from gotocloud.advisor.imports.project import Imported, Noted, import_project
from gotocloud.advisor.imports.sacct import SlurmRun
from gotocloud.advisor.money import node_price
from gotocloud.advisor.progress import ProjectStep, ProjectSteps
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.costs.machine_time import SECONDS_PER_HOUR, table_price, total, uses_of
from gotocloud.errors import GoToCloudError
from gotocloud.relion.pipeline import Process, ProcessStatus, read_pipeline
from gotocloud.relion.run_log import read_run_log


@dataclass(frozen=True)
class ProjectProgress:
    """What the folders of a project contain.

    Args:
        progress: A step for every resolution.
        without_time: Jobs whose time is unknown, and so counts nothing.
        without_price: Jobs whose cost is unknown, or in part only: what is known counts.
    """

    progress: ProjectSteps
    without_time: tuple[str, ...]
    without_price: tuple[str, ...]


def project_progress(
    project: Path, typed: StatedFacts, *, noted: Noted, slurm: Iterable[SlurmRun] = ()
) -> ProjectProgress:
    """The record of a project in the order of its job numbers.

    Resolutions are those of PostProcess; of Refine3D where nothing was post-processed, since
    one is masked and the other is not. Every job counts with its time and cost, failed ones
    and those without a place in the final map as well: they were paid for.

    Args:
        project: The folder with `default_pipeline.star`.
        typed: What the folders do not contain.
        noted: Finds the attempts of a job.
        slurm: Slurm's accounting.

    Raises:
        GoToCloudError: if the folder is no project, or has no resolution yet.
    """
    imported = import_project(project, typed, noted=noted, slurm=slurm)
    records = {record.note: record for record in imported.records}
    processes = sorted(read_pipeline(project), key=lambda process: process.number or 0)
    resolutions = _resolutions(project, processes)
    steps: list[ProjectStep] = []
    hours = usd = 0.0
    unpriced = []
    for process in processes:
        name = process.name.rstrip("/")
        if attempts := _own(noted, project / process.name):
            # As `gotocloud jobs` counts it, whether or not it makes a record.
            spent = total(uses_of(attempts, table_price(typed.region or "")))
            hours += spent.seconds / SECONDS_PER_HOUR
            usd += spent.cost.usd or 0.0
            unpriced += [] if spent.cost.complete else [name]
        elif record := records.get(name):
            cost = _usd(record, typed)
            hours += record.hours
            usd += cost or 0.0
            unpriced += [name] if cost is None else []
        if resolution := resolutions.get(name):
            steps.append(ProjectStep(name, resolution, hours, usd))
    if not steps:
        raise GoToCloudError(
            f"The project {str(project)!r} has no PostProcess and no Refine3D with a resolution."
        )
    source = f"the project {project.resolve().name}"
    return ProjectProgress(
        ProjectSteps(tuple(steps), source), _untimed(imported, processes), tuple(unpriced)
    )


def _own(noted: Noted, folder: Path) -> Sequence[RecordedAttempt]:
    """The attempts at a job; none of a copy, which cost nothing."""
    try:
        return noted(folder)
    except NotUsableError:
        return ()


_ON_THE_HEAD_NODE = ("import", "manualpick", "select", "joinstar", "maskcreate", "postprocess")
"""Short jobs that usually run where RELION's window is, and cost no node."""


def _untimed(imported: Imported, processes: Sequence[Process]) -> tuple[str, ...]:
    types = {process.name.rstrip("/"): process.type for process in processes}
    return tuple(
        name
        for name, _ in imported.skipped
        if (kind := types.get(name)) is None or kind.name not in _ON_THE_HEAD_NODE
    )


def _resolutions(project: Path, processes: Sequence[Process]) -> dict[str, float]:
    for wanted in ("postprocess", "refine3d"):
        found = {
            process.name.rstrip("/"): resolution
            for process in processes
            if process.type and process.type.name == wanted
            if process.status is ProcessStatus.SUCCEEDED
            if (resolution := read_run_log(project / process.name).final_resolution_angstrom)
        }
        if found:
            return found
    return {}


def _usd(record: BenchmarkRecord, typed: StatedFacts) -> float | None:
    """The cost in the job, by its own price or by the table's."""
    if record.usd_in_job is not None or typed.region is None:
        return record.usd_in_job
    price = node_price(record.instance_type, typed.region, record.market)
    return None if price is None else price.usd_per_hour * record.nodes * record.hours
