"""The table of job types against RELION's own source, and as the only place of its facts."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

import gotocloud
from gotocloud.cluster_configs.model import (
    JOB_TYPES,
    configuration_names,
    load_configuration,
    used_instance_types,
)
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.relion import job_types
from gotocloud.relion.commands import MPI_PROGRAMS
from gotocloud.relion.job import read_job
from gotocloud.relion.job_facts import (
    ALWAYS,
    GpuUse,
    Parallelism,
    Program,
    RelionJobType,
    SpreadRule,
    WorkUnit,
)
from gotocloud.relion.job_types import RELION_JOB_TYPES
from gotocloud.relion.routed_job import check_routed
from tests.relion.routed import route

SOURCE = Path(gotocloud.__file__).parent
FACTS = Path(__file__).with_name("pipeline_jobs.csv")


def rows() -> list[dict[str, str]]:
    lines = [one for one in FACTS.read_text().splitlines() if not one.startswith("#")]
    return list(csv.DictReader(lines))


def of_relion(row: Mapping[str, str]) -> RelionJobType:
    return RELION_JOB_TYPES[row["label"]]


def named(row: dict[str, str]) -> str:
    return f"{row['version']}-{row['label']}"


@pytest.mark.parametrize("row", rows(), ids=named)
def test_a_row_of_the_table_states_what_relions_source_states(row: dict[str, str]) -> None:
    ours = of_relion(row)
    if row["version"] != "4.0.1":
        # 4.0 had folders of its own for tomography.
        assert ours.folder == row["folder"]
    if row["version"] == "3.1.3":
        assert str(ours.number) == row["number"]
    # Only 3.1's LocalRes declares threads, which its command never passes on.
    if named(row) != "3.1.3-relion.localres":
        assert ours.parallelism.takes_threads == (row["threads"] == "yes")
    assert ours.parallelism.takes_mpi == (row["mpi"] == "yes")
    assert ours.can_use_gpu or not row["gpu_fields"]


@pytest.mark.parametrize("row", rows(), ids=named)
def test_every_program_that_has_mpi_in_relion_has_it_here(row: dict[str, str]) -> None:
    named_here = {one.name: one.mpi for one in of_relion(row).programs}
    for program in row["mpi_programs"].split():
        assert program in MPI_PROGRAMS
        assert any(one.name == program for one in of_relion(row).programs) or program not in {
            *named_here
        }
    alone = {*row["programs"].split()} - {*row["mpi_programs"].split()}
    assert (
        not {one.name for one in of_relion(row).programs if one.mpi and one.name in alone}
        - MPI_PROGRAMS
    )


@pytest.mark.parametrize("row", rows(), ids=named)
def test_every_input_node_of_relion_is_an_input_here(row: dict[str, str]) -> None:
    given = {
        one.partition(":")[0]
        for program in of_relion(row).programs
        for one in program.inputs.split()
    }
    # 4.0's import of tomograms fills its own tables; nothing of it is read before the job.
    lacking = {*row["inputs"].split()} - given - {"part_tomos"}
    assert not lacking


@pytest.mark.parametrize("row", rows(), ids=named)
def test_every_program_of_relions_python_needs_it_here(row: dict[str, str]) -> None:
    named_there = {one for one in row["programs"].split() if one.startswith("relion_python_")}
    ours = {one.name: one.python for one in of_relion(row).programs if one.name in named_there}
    # Picks starts a second one after the first, for the positions that were picked.
    assert bool(ours) == bool(named_there)
    assert {*ours.values()} <= {ALWAYS}


def test_the_table_has_every_job_type_of_relion_and_no_other() -> None:
    assert {row["label"] for row in rows()} == set(RELION_JOB_TYPES)


def test_every_class_of_work_has_a_queue_in_every_configuration() -> None:
    used = {
        program.queue_for(on_gpu=on_gpu)
        for one in RELION_JOB_TYPES.values()
        for program in one.programs
        for on_gpu in (False, True)
    }
    assert used == set(JOB_TYPES)


def names() -> set[str]:
    """Every name by which code could single out a job type."""
    found = {one.label for one in RELION_JOB_TYPES.values()}
    for one in RELION_JOB_TYPES.values():
        found |= {one.name, *(p.kind for p in one.programs), *(p.gpu_kind for p in one.programs)}
    return found - {""}


def comparisons(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        for part in parts:
            yield from (one for one in ast.walk(part) if isinstance(one, ast.Constant))


@pytest.mark.parametrize("room", sorted(p.name for p in SOURCE.iterdir() if p.is_dir()))
def test_no_code_compares_the_name_of_a_job_type(room: str) -> None:
    known = names()
    found = [
        f"{path.relative_to(SOURCE)}:{one.lineno}: {one.value!r}"
        for path in sorted((SOURCE / room).rglob("*.py"))
        for one in comparisons(ast.parse(path.read_text(encoding="utf-8")))
        if one.value in known
    ]
    assert found == []


def test_a_job_type_registered_in_the_table_alone_runs_with_right_ranks_and_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = RelionJobType(
        "relion.cooccurrence",
        "CoOccurrence",
        Parallelism.MPI_AND_THREADS,
        (
            Program(
                "relion_cooccurrence",
                "cooccurrence",
                shape=SpreadRule.REFINEMENT,
                gpu=GpuUse.FOLLOWERS,
                gpu_queue="class2d",
                unit=WorkUnit.PARTICLES,
                leader=True,
            ),
        ),
    )
    table = MappingProxyType({**RELION_JOB_TYPES, new.label: new})
    monkeypatch.setattr(job_types, "RELION_JOB_TYPES", table)
    folder = tmp_path / "CoOccurrence" / "job001"
    folder.mkdir(parents=True)
    (folder / "job.star").write_text(
        "\ndata_job\n\n_rlnJobTypeLabel relion.cooccurrence\n_rlnJobIsContinue 0\n\n"
        "data_joboptions_values\n\nloop_\n_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n"
        'do_queue Yes\nuse_gpu Yes\ngpu_ids ""\nnr_mpi 1\nnr_threads 1\n\n'
    )
    job = read_job(folder)
    for name in configuration_names():
        configuration = load_configuration(name)
        queues = configured_partitions(configuration, used_instance_types())
        found = route(job, queues, configuration=configuration)
        hardware = next(one for one in queues if one.name == found.queue)
        assert hardware.gpus == found.gpus_per_node > 0
        assert found.ranks == 1 + hardware.gpus * found.nodes
        assert not [one for one in check_routed(job, found, hardware) if one.severity == "error"]
