"""From which optimiser file an interrupted job continues."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.relion.optimisers import STALE_S, choose_optimiser, newest_optimiser
from tests.relion.samples import write_iteration, write_map

NAMES = ("optimiser.star", "data.star", "model.star", "sampling.star", "class001.mrc")
"""What an iteration of a classification leaves, in the order in which RELION writes it."""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "Class3D" / "job005"
    folder.mkdir(parents=True)
    return folder


def cut_in_a_row(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def cut_between_rows(path: Path) -> None:
    path.write_bytes(path.read_bytes().rstrip(b" \n") + b"\n")


def test_the_newest_complete_one_is_chosen(job: Path) -> None:
    for iteration in (1, 2, 10):
        write_iteration(job, iteration)
    assert newest_optimiser(job) == job / "run_it010_optimiser.star"


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGE: tuple[Callable[[Path], None], ...] = (Path.unlink, empty, cut_in_a_row, cut_between_rows)


@pytest.mark.parametrize(
    ("name", "damage"),
    # A map has no rows to be cut between.
    [(n, d) for n in NAMES for d in DAMAGE if d is not cut_between_rows or n.endswith(".star")],
)
def test_a_damaged_file_of_the_newest_iteration_leads_to_the_one_before(
    job: Path, name: str, damage: Callable[[Path], None]
) -> None:
    for iteration in (4, 5):
        write_iteration(job, iteration)
    damage(job / f"run_it005_{name}")
    choice = choose_optimiser(job)
    assert choice.path == job / "run_it004_optimiser.star"
    skipped = [one.path.name for one in choice.skipped]
    assert skipped == (
        [] if name == "optimiser.star" and damage is Path.unlink else ["run_it005_optimiser.star"]
    )


def test_the_reason_names_the_broken_file(job: Path) -> None:
    write_iteration(job, 5)
    (job / "run_it005_data.star").write_bytes(b"")
    (skipped,) = choose_optimiser(job).skipped
    assert "run_it005_data.star holds no particles" in skipped.reason


def test_each_half_of_a_refinement_counts(tmp_path: Path) -> None:
    folder = tmp_path / "Refine3D" / "job007"
    for iteration in (2, 3):
        write_iteration(folder, iteration, halves=True)
    (folder / "run_it003_half2_class001.mrc").write_bytes(b"")
    assert newest_optimiser(folder) == folder / "run_it002_optimiser.star"


def test_the_last_file_of_a_converged_refinement_is_not_continued_from(tmp_path: Path) -> None:
    """It joins the halves, and RELION refuses to go on from it."""
    folder = tmp_path / "Refine3D" / "job007"
    write_iteration(folder, 9, halves=True)
    last = write_iteration(folder, 10)
    last.rename(folder / "run_optimiser.star")
    assert newest_optimiser(folder) == folder / "run_it009_optimiser.star"


def test_bodies_are_looked_for_as_classes_are(tmp_path: Path) -> None:
    folder = tmp_path / "MultiBody" / "job007"
    path = write_iteration(folder, 4, halves=True)
    for model in folder.glob("*_model.star"):
        model.write_text(model.read_text().replace("data_model_classes", "data_model_bodies"))
    assert newest_optimiser(folder) == path
    (folder / "run_it004_half1_class001.mrc").unlink()
    assert newest_optimiser(folder) is None


def test_gradients_that_vdam_reads_without_naming_them_count(tmp_path: Path) -> None:
    folder = tmp_path / "InitialModel" / "job004"
    path = write_iteration(folder, 20)
    model = folder / "run_it020_model.star"
    moment = "InitialModel/job004/run_it020_1moment001.mrc"
    model.write_text(
        model.read_text()
        .replace("_rlnReferenceImage #1 ", "_rlnReferenceImage #1 \n_rlnGradMoment1 #2 ")
        .replace("class001.mrc ", f"class001.mrc {moment} ")
    )
    text = path.read_text()
    path.write_text(text.replace("\n \n", "\n_rlnDoStochasticGradientDescent 1\n \n"))
    write_map(folder / "run_it020_1moment001.mrc")
    (skipped,) = choose_optimiser(folder).skipped
    assert "run_it020_1moment002.mrc does not exist" in skipped.reason
    write_map(folder / "run_it020_1moment002.mrc")
    assert newest_optimiser(folder) == path


def test_the_files_before_the_first_iteration_are_no_state(job: Path) -> None:
    write_iteration(job, 0)
    assert choose_optimiser(job).path is None


def test_a_folder_without_any_has_none(job: Path) -> None:
    assert newest_optimiser(job) is None
    assert newest_optimiser(job / "missing") is None


def test_a_continued_run_of_3_1_goes_on_under_another_name(job: Path) -> None:
    write_iteration(job, 3)
    write_iteration(job, 4, root="run_ct3")
    assert newest_optimiser(job) == job / "run_ct3_it004_optimiser.star"


def test_of_two_files_of_one_iteration_the_continued_one_counts(job: Path) -> None:
    write_iteration(job, 4, root="run_ct3")
    write_iteration(job, 4)
    assert newest_optimiser(job) == job / "run_ct3_it004_optimiser.star"


def test_what_a_run_left_that_a_person_went_back_from_is_passed_over(job: Path) -> None:
    for iteration, age_s in ((5, 1000.0), (9, 900.0), (6, 100.0)):
        path = write_iteration(job, iteration)
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age_s))
    assert newest_optimiser(job) == job / "run_it006_optimiser.star"


def test_files_restored_in_any_order_within_a_minute_go_by_iteration(job: Path) -> None:
    for iteration, age_s in ((5, 0.0), (9, STALE_S - 1), (6, 30.0)):
        path = write_iteration(job, iteration)
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age_s))
    assert newest_optimiser(job) == job / "run_it009_optimiser.star"


@given(st.data())
def test_no_cut_anywhere_is_taken_for_a_whole_iteration(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("project") / "Class2D" / "job003"
    write_iteration(folder, 4)
    path = folder / f"run_it004_{data.draw(st.sampled_from(NAMES))}"
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert newest_optimiser(folder) is None
