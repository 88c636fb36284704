"""From RELION's labels, numbers and folder names to its job types."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gotocloud.errors import InputError, unknown_name
from gotocloud.relion.job_facts import Parallelism, Program, RelionJobType, SpreadRule
from gotocloud.relion.job_table import TYPES

RELION_JOB_TYPES: Mapping[str, RelionJobType] = MappingProxyType({one.label: one for one in TYPES})
"""Label without suffixes -> job type."""


def relion_job_type(label: str) -> RelionJobType:
    """The job type of a label, as RELION itself finds it.

    RELION appends what a job does ("relion.motioncorr.own"), so parts are taken off the end
    until a label is known. A folder name ("Class2D") and a name without its family
    ("class2d") are understood as well.

    Raises:
        InputError: if no job type has that label.
    """
    tried = label
    while tried:
        for tried_label in (tried, f"relion.{tried}", tried.removeprefix("relion.")):
            if tried_label in RELION_JOB_TYPES:
                return RELION_JOB_TYPES[tried_label]
        tried = tried.rpartition(".")[0]
    # Versions before 4.0 called a type by its folder; the first of several has that name.
    for one in RELION_JOB_TYPES.values():
        if one.folder.lower() == label.lower():
            return one
    raise unknown_name("RELION job type", label, tuple(RELION_JOB_TYPES))


def job_type_or_unknown(label: str, folder: str) -> RelionJobType:
    """The job type of a label; for a label that is in no table, a type that runs as typed.

    Args:
        label: RELION's label.
        folder: The project folder of the job.
    """
    try:
        return relion_job_type(label)
    except InputError:
        return unknown_type(label, folder)


def unknown_type(label: str, folder: str) -> RelionJobType:
    """A type that is in no table: its jobs run as typed.

    Args:
        label: RELION's label.
        folder: The project folder of its jobs.
    """
    kind = label.removeprefix("relion.") or "unknown"
    program = Program("", kind, shape=SpreadRule.TYPED)
    return RelionJobType(label, folder, Parallelism.MPI_AND_THREADS, (program,), registered=False)


def job_type_of_number(number: int) -> RelionJobType:
    """The job type that RELION 3.1 writes as a number.

    Raises:
        InputError: if no job type has that number.
    """
    numbered = {one.number: one for one in RELION_JOB_TYPES.values() if one.number is not None}
    if number not in numbered:
        numbers = tuple(f"{one.number} ({one.name})" for one in numbered.values())
        raise unknown_name("RELION job type", str(number), numbers)
    return numbered[number]


def program_of(kind: str) -> Program | None:
    """The program that does a kind of work, for example "class3d-noalign"; None if unknown."""
    for job_type in RELION_JOB_TYPES.values():
        for program in job_type.programs:
            if kind in (program.kind, program.gpu_kind):
                return program
    return None
