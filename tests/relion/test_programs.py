"""Lists of GPUs and windows of RELION's programs, against the lines of RELION's source."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from gotocloud.relion.gpu_map import gpu_map
from gotocloud.relion.job_facts import GpuUse, Program
from gotocloud.relion.job_types import RELION_JOB_TYPES

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
    assert {one.name for one in programs() if one.window} == {
        row["program"] for row in rows("window")
    }


def test_no_program_of_a_window_is_without_one_under_other_settings() -> None:
    names = {row["program"] for row in rows("window")}
    assert all(one.window for one in programs() if one.name in names)
