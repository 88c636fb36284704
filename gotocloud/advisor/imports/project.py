"""A whole RELION project as benchmark records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gotocloud.advisor.imports.clocks import Traces, copied_from
from gotocloud.advisor.imports.job import (
    NotUsableError,
    RecordedAttempt,
    StatedFacts,
    job_record,
    outcome_of,
)
from gotocloud.advisor.imports.sacct import SlurmRun
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.errors import GoToCloudError
from gotocloud.relion.job import JOB_FILE, read_job
from gotocloud.relion.pipeline import read_pipeline
from gotocloud.relion.run_log import ExitStatus, exit_status, parse_run_log, text_of

Noted = Callable[[Path], Sequence[RecordedAttempt]]
"""The attempts that `gotocloud submit` noted in a job's folder, oldest first."""


@dataclass(frozen=True)
class Imported:
    """What became of a project.

    Args:
        records: One for every job that has the figures.
        skipped: Name of every other job, and why it makes no record.
    """

    records: tuple[BenchmarkRecord, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def _nothing(_job: Path) -> Sequence[RecordedAttempt]:
    return ()


def import_project(
    project: Path,
    typed: StatedFacts,
    *,
    noted: Noted = _nothing,
    slurm: Iterable[SlurmRun] = (),
) -> Imported:
    """The records of every job of a project that has ended.

    Failed and aborted jobs are recorded as what they are: they cost money too.

    Args:
        project: The folder with `default_pipeline.star`, or one job's folder.
        typed: What the folders do not contain.
        noted: Finds the attempts of a job.
        slurm: Slurm's accounting.

    Raises:
        GoToCloudError: if the folder is no project and no job.
    """
    runs = list(slurm)
    records, skipped = [], []
    for name, folder, status in _jobs(project):
        try:
            records.append(_import_job(folder, status, typed, noted, runs))
        except NotUsableError as reason:
            skipped.append((name, str(reason)))
        except GoToCloudError as error:
            skipped.append((name, error.message))
    return Imported(tuple(records), tuple(skipped))


def _jobs(project: Path) -> Iterable[tuple[str, Path, str]]:
    # RELION keeps a copy of the pipeline in the folders of jobs, too.
    if (project / JOB_FILE).exists():
        yield project.name, project, ""
        return
    for process in read_pipeline(project):
        yield process.name.rstrip("/"), project / process.name, process.status.value


def _import_job(
    folder: Path, status: str, typed: StatedFacts, noted: Noted, runs: Sequence[SlurmRun]
) -> BenchmarkRecord:
    job = read_job(folder)
    exited = exit_status(folder)
    outcome = outcome_of(exited) or outcome_of(status)
    if outcome is None:
        raise NotUsableError("it has not ended")
    attempts = noted(folder)
    note_text = text_of(folder / "note.txt")
    if original := copied_from(note_text, job.name):
        raise NotUsableError(f"it is a copy of {original}, and counts there")
    log_text = text_of(folder / "run.out")
    mine = [run for run in runs if run.relion_job == job.name.rstrip("/")]
    traces = Traces(
        log_text=log_text,
        log=parse_run_log(log_text),
        note_text=note_text,
        described_at=_changed(folder / JOB_FILE),
        exited_at=_changed(folder / f"RELION_JOB_EXIT_{exited.upper()}")
        if exited is not ExitStatus.NONE
        else None,
        attempts=attempts,
        slurm=mine,
    )
    return job_record(job, traces, outcome, typed, attempts)


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime)
