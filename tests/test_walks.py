"""Changes that newcomers make: each made on a copy of the package, whole and with a file left out.

The files and the errors are those that CONTRIBUTING.md shows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gotocloud.jobs.workload import PlacedWorkload
from tests.denoiser_workload import Denoiser
from tests.relion.samples import JOBS
from tests.rooms import DOCUMENT, ROOT, part_of
from tests.unused import unlisted_commands, unused_types
from tests.walks import BEGIN, END, MOST_FILES, QUEUE, WALKS, Edit, Walk, after, table


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, without the rehearsal, and what the probes need of the tests."""
    left_out = shutil.ignore_patterns("__pycache__", "rehearsal")
    shutil.copytree(ROOT / "gotocloud", tmp_path / "gotocloud", ignore=left_out)
    (tmp_path / "tests").mkdir()
    for name in ("tests/__init__.py", "tests/unused.py", "platform.example.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "platform.example.record.yaml", tmp_path)
    return tmp_path


def change(copy: Path, edits: Sequence[Edit]) -> None:
    for edit in edits:
        path = copy / edit.file
        path.write_text(edit.make(path.read_text("utf-8") if path.exists() else ""), "utf-8")


def run(copy: Path, walk: Walk) -> tuple[int, str]:
    """Exit code and output of the probe on a copy."""
    source = sorted((JOBS / "5.0" / "Refine3D").glob("job*/job.star"))[0].read_text()
    job = source.replace("relion.refine3d", "relion.denoise")
    done = subprocess.run(
        [sys.executable, "-c", f"JOB = {job!r}\n{walk.probe}"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.change)
def test_a_change_touches_at_most_three_files(walk: Walk) -> None:
    assert len({edit.file for edit in walk.edits}) <= MOST_FILES


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.change)
def test_a_whole_change_works(copy: Path, walk: Walk) -> None:
    change(copy, walk.edits)
    code, said = run(copy, walk)
    assert (code, said.strip()) == (0, walk.shows)


ONE_OF_SEVERAL = {"tutorial": "*.yaml", "particles": "job_table"}
"""Files beside others of their kind -> what an error names instead: any of them would do."""

LEFT_OUT = [(walk, edit) for walk in WALKS if walk is not QUEUE for edit in walk.edits]


@pytest.mark.parametrize(
    ("walk", "missing"), LEFT_OUT, ids=[f"{walk.change}-{edit.file}" for walk, edit in LEFT_OUT]
)
def test_a_file_that_is_left_out_is_named(copy: Path, walk: Walk, missing: Edit) -> None:
    change(copy, [edit for edit in walk.edits if edit is not missing])
    code, said = run(copy, walk)
    assert code != 0
    assert missing.without in said
    stem = Path(missing.file).stem
    assert ONE_OF_SEVERAL.get(stem, stem) in said


def test_a_job_type_that_goes_to_no_queue_names_the_file(copy: Path) -> None:
    [edit] = QUEUE.edits
    path = copy / edit.file
    path.write_text(after("job_types:\n", "  ctffind: ctf\n")(path.read_text()))
    code, said = run(copy, QUEUE)
    assert code != 0
    assert edit.without in said
    assert edit.file in said


def test_the_lane_of_the_walk_has_everything_that_a_kind_of_program_needs() -> None:
    lane: PlacedWorkload = Denoiser()
    assert lane.can_continue(Path()) is False


def test_contributing_shows_the_walks_of_the_tests() -> None:
    text = part_of(DOCUMENT.read_text("utf-8"), BEGIN, END)
    assert text == table(), "To write it again: python -m tests.walks"


def test_every_instance_type_of_the_table_is_used() -> None:
    unused_types()


def test_help_lists_every_command() -> None:
    unlisted_commands()
