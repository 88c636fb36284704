"""Lists of GPUs, windows and Python of RELION's programs, against the lines of its source."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gotocloud.relion.gpu_map import gpu_map
from gotocloud.relion.job_facts import GpuUse, Program, RelionJobType
from gotocloud.relion.job_types import RELION_JOB_TYPES

PYTHON_ON = {
    "relion_refine": "do_blush",
    "relion_autopick": "do_topaz",
    "relion_manualpick": "do_topaz_denoise",
}
"""Programs that start the Python program under one setting alone."""

ENTRY = {"rank": GpuUse.RANKS, "rank - 1": GpuUse.FOLLOWERS}
"""Which processes take an entry of the list, where its index is this."""


def rows(fact: str) -> list[dict[str, str]]:
    text = Path(__file__).with_name("programs.csv").read_text()
    lines = [one for one in text.splitlines() if not one.startswith("#")]
    return [row for row in csv.DictReader(lines) if row["fact"] == fact]


def programs() -> Iterator[Program]:
    for one in RELION_JOB_TYPES.values():
        yield from one.programs


@pytest.mark.parametrize(
    "row", rows("gpu list"), ids=lambda row: f"{row['version']}-{row['program']}"
)
def test_a_program_takes_the_list_of_gpus_as_relions_source_does(row: dict[str, str]) -> None:
    found = {one.gpu for one in programs() if one.name == row["program"] and one.mpi}
    # Some programs use GPUs under some of their settings only.
    assert found - {GpuUse.NONE} == {ENTRY[row["value"]]}


def test_no_other_program_shares_a_list_among_its_ranks() -> None:
    sharing = {one.name for one in programs() if one.gpu in ENTRY.values()}
    assert sharing == {row["program"] for row in rows("gpu list")}


@pytest.mark.parametrize("ranks", [2, 3, 5, 9])
@pytest.mark.parametrize("index", ENTRY)
def test_each_rank_takes_the_entry_of_its_index(index: str, ranks: int) -> None:
    leader = ENTRY[index] is GpuUse.FOLLOWERS
    typed = ":".join(str(device) for device in range(ranks))
    users = gpu_map(typed, 1, [ranks], ranks, leader=leader).users
    for rank in range(1 if leader else 0, ranks):
        entry = rank - 1 if index == "rank - 1" else rank
        assert users[0, entry] == {rank}


def test_a_window_opens_where_relions_source_waits_for_a_person() -> None:
    assert {one.name or one.kind for one in programs() if one.window} == {
        row["program"] for row in rows("window")
    }


def test_no_program_of_a_window_is_without_one_under_other_settings() -> None:
    names = {row["program"] for row in rows("window")}
    assert all(one.window for one in programs() if (one.name or one.kind) in names)


def test_a_program_needs_python_where_relions_source_starts_a_python_program() -> None:
    # DynaMight and ModelAngelo are named in a field of the form.
    assert {one.name or one.kind for one in programs() if one.python} == {
        row["program"] for row in rows("python")
    }


@pytest.mark.parametrize("name", sorted({row["program"] for row in rows("python")}))
def test_python_is_needed_under_the_settings_that_start_it(name: str) -> None:
    def needed(**options: str) -> list[bool]:
        job = SimpleNamespace(options=options, arguments=(), is_continue=False)
        types = [one for one in RELION_JOB_TYPES.values() if name in names_of(one)]
        return [bool(p.python and p.python.holds(job)) for one in types for p in chosen(one, job)]

    def names_of(kind: RelionJobType) -> set[str]:
        return {one.name or one.kind for one in kind.programs}

    def chosen(kind: RelionJobType, job: SimpleNamespace) -> list[Program]:
        fitting = [one for one in kind.programs if name in (one.name, one.kind)]
        return [one for one in fitting if one.when.holds(job)][:1]

    setting = PYTHON_ON.get(name)
    assert all(needed(**({setting: "Yes"} if setting else {"do_class_ranker": "Yes"})))
    assert setting is None or not any(needed(**{setting: "No"}))
