"""A run that lies in several folders counts once."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from gotocloud.advisor.imports.job import StatedFacts
from gotocloud.advisor.imports.project import Imported
from gotocloud.advisor.tables import read_records
from gotocloud.jobs.measuring import add_to, gather, progress_of
from gotocloud.slurm.submissions import RECORD_FILE
from tests.advisor.imports.relion_project import EXITED, NAME, log, refinement
from tests.advisor.imports.test_project_progress import project
from tests.advisor.imports.test_timing_traps import ELAPSED, KNOWN, _submitted

MINE = StatedFacts("g4dn.12xlarge", 2, "us-east-1", source="a test")


def imported(*folders: Path) -> Imported:
    return gather(list(folders), MINE, sacct=None, columns={}, constants={})


@pytest.mark.parametrize("ours", [True, False])
def test_a_project_and_its_copy_are_one_record_each_job(tmp_path: Path, ours: bool) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    folder = refinement(first, log(body=ELAPSED.format(1200)))
    if ours:
        _submitted(folder, (1, 1_000_500, 1_001_500))
    shutil.copytree(first, second)
    table = tmp_path / "records.csv"
    (record,) = imported(first, second).records
    assert record.run
    for copy in (first, second, first):
        add_to(table, imported(copy).records)
    assert len(read_records(table)) == 1


def test_a_run_that_continued_replaces_its_earlier_record(tmp_path: Path) -> None:
    folder = refinement(tmp_path / "p", log(body=ELAPSED.format(1200)))
    _submitted(folder, (1, 1_000_500, 1_001_500))
    table = tmp_path / "records.csv"
    add_to(table, imported(tmp_path / "p").records)
    shutil.rmtree(folder / ".gotocloud")
    _submitted(folder, (1, 1_000_500, 1_001_500), (2, 1_002_000, 1_002_700))
    add_to(table, imported(tmp_path / "p").records)
    (record,) = read_records(table)
    assert (record.attempts, record.in_job_s) == (2, 1700)


def test_a_copied_folder_of_a_job_is_left_out_with_its_reason(tmp_path: Path) -> None:
    folder = refinement(tmp_path, log(body=ELAPSED.format(1200)))
    _submitted(folder, (1, 1_000_500, 1_001_500))
    copy = tmp_path / "Refine3D" / "job030"
    shutil.copytree(folder, copy)
    assert imported(copy).skipped == (("job030", f"it is a copy of {NAME}/, and counts there"),)


def test_relions_own_commands_show_a_copy_of_a_job_that_was_not_ours(tmp_path: Path) -> None:
    folder = refinement(tmp_path, log(body=ELAPSED.format(1200)))
    note = folder / "note.txt"
    note.write_text(note.read_text() + f"`which relion_refine` --pipeline_control {NAME}/\n")
    assert len(imported(folder).records) == 1
    copy = tmp_path / "Refine3D" / "job030"
    shutil.copytree(folder, copy)
    assert imported(copy).records == ()


def test_a_folder_that_was_copied_within_the_month_has_no_time_until_its_exit(
    tmp_path: Path,
) -> None:
    folder = refinement(tmp_path, log(body=ELAPSED.format(1200)))
    copied_at = (EXITED + timedelta(days=9)).timestamp()
    for path in folder.iterdir():
        os.utime(path, (copied_at, copied_at))
    (record,) = gather([tmp_path], KNOWN, sacct=None, columns={}, constants={}).records
    assert (record.in_job_s, record.submit_to_exit_s) == (1200, None)


def test_a_projects_sum_counts_a_copied_job_once(tmp_path: Path) -> None:
    alone = project(tmp_path / "a", ("Refine3D", 2.0, 3.5), ("Class3D", 1.0, 0.0))
    before = progress_of(alone, "us-east-1").progress.steps[-1]
    steps = (("Class3D", 1.0, 0.0), ("Class3D", 0.0, 0.0), ("Refine3D", 2.0, 3.5))
    copied = project(tmp_path / "b", *steps)
    original, copy = (copied / "Class3D" / f"job00{number}" for number in (1, 2))
    shutil.copy(original / RECORD_FILE, copy / RECORD_FILE)
    after = progress_of(copied, "us-east-1").progress.steps[-1]
    assert after.hours == pytest.approx(3.0)
    assert after.usd == pytest.approx(before.usd * 3.0 / 2.0)
