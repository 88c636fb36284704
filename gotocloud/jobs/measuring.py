"""Benchmark records from job folders and tables, and tables of such records."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from gotocloud.advisor.imports.foreign import parse_foreign
from gotocloud.advisor.imports.job import NotUsableError, StatedFacts
from gotocloud.advisor.imports.progress import ProjectProgress, project_progress
from gotocloud.advisor.imports.project import Imported, import_project
from gotocloud.advisor.imports.sacct import SlurmRun, parse_sacct
from gotocloud.advisor.records import BenchmarkRecord, records_text
from gotocloud.advisor.tables import parse_records, read_text, remarks
from gotocloud.errors import InputError, shell_line
from gotocloud.files import unwritable, write_whole
from gotocloud.slurm.submissions import Attempt, load


def gather(
    sources: Sequence[Path],
    typed: StatedFacts,
    *,
    sacct: Path | None,
    columns: Mapping[str, str],
    constants: Mapping[str, str],
) -> Imported:
    """The records of every source.

    Raises:
        InputError: if a source is neither a folder nor a table, or cannot be read.
    """
    runs: Sequence[SlurmRun] = parse_sacct(read_text(sacct), str(sacct)) if sacct else ()
    records: list[BenchmarkRecord] = []
    skipped: list[tuple[str, str]] = []
    for source in sources:
        if source.is_dir():
            found = import_project(source, typed, noted=_attempts, slurm=runs)
            records += found.records
            skipped += found.skipped
            continue
        rows, idle = parse_foreign(
            read_text(source),
            str(source),
            columns=columns,
            constants=_constants(constants, typed),
        )
        records += rows
        if idle:
            skipped.append((str(source), f"{idle} rows of jobs that ran on no node of their own"))
    return Imported(tuple(one_of_each_run(records)), tuple(skipped))


def _constants(given: Mapping[str, str], typed: StatedFacts) -> dict[str, str]:
    given_once = {
        "instance_type": typed.instance_type,
        "nodes": None if typed.nodes is None else str(typed.nodes),
        "region": typed.region,
        "dataset": typed.dataset,
        "source": typed.source,
    }
    return {name: value for name, value in given_once.items() if value} | dict(given)


def progress_of(project: Path, region: str | None) -> ProjectProgress:
    """A project's record of resolution, time and cost, out of its folders."""
    return project_progress(project, StatedFacts(region=region, source="own"), noted=_attempts)


def _attempts(job: Path) -> tuple[Attempt, ...]:
    """All attempts at a job: each belongs to its result, as in `watching.machine_time`.

    Raises:
        NotUsableError: if the folder is a copy of another job's, whose attempts they are.
    """
    submission = load(job)
    if submission and (original := submission.copied_from(job)):
        raise NotUsableError(f"it is a copy of {original}, and counts there")
    return submission.attempts if submission else ()


def one_of_each_run(records: Sequence[BenchmarkRecord]) -> list[BenchmarkRecord]:
    """The records without copies: of one run the record with the most attempts, then the last."""
    runs: dict[object, BenchmarkRecord] = {}
    for record in records:
        key = record.run or record
        if (before := runs.get(key)) is None or (record.attempts or 1) >= (before.attempts or 1):
            runs[key] = record
    return list(runs.values())


def add_to(table: Path, records: Sequence[BenchmarkRecord]) -> str:
    """Add records to a table that may exist; those that it contains already are not added again.

    Two commands may add at once: one waits for the other, and no record is lost.

    Returns:
        What was done, in a sentence.

    Raises:
        InputError: if the file is no such table, or cannot be written; it is then as it was.
    """
    try:
        with _held(table):
            return _add(table, records)
    except OSError as error:
        raise unwritable(table, error) from error


def _add(table: Path, records: Sequence[BenchmarkRecord]) -> str:
    if table.exists() and not table.is_file():
        raise InputError(
            f"{str(table)!r} is not a file.", next_command=shell_line("ls", "-ld", table)
        )
    before = read_text(table) if table.exists() else ""
    present = parse_records(before, str(table)) if before else ()
    had = set(present)
    new = [record for record in one_of_each_run(records) if record not in had]
    runs = {record.run for record in new if record.run}
    # A run that has continued since it was imported is still one run.
    kept = [record for record in present if record.run not in runs]
    text = records_text([*kept, *new], remarks=remarks(before))
    # What is written must be readable: nothing is replaced by a table that is not.
    parse_records(text, str(table))
    if new:
        write_whole(table.resolve(), text)
    count = f"{len(new)} record{'' if len(new) == 1 else 's'} added to {table}"
    old = len(records) - len(new)
    return f"{count}; it had {old} already." if old else f"{count}."


@contextmanager
def _held(table: Path) -> Iterator[None]:
    """Hold a table, so that no other command adds to it at the same time."""
    with table.with_name(f".{table.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
