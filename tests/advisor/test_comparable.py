"""Only runs of the same work are compared: the cases of an independent reviewer, and more."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gotocloud.advisor.advice import FROM_PAPER, MEASURED, NOTHING, Question, advise
from gotocloud.advisor.comparable import SAME, series
from gotocloud.advisor.estimates import estimate_times
from gotocloud.advisor.job_work import work_columns
from gotocloud.advisor.measured_settings import measured_settings, question_of
from gotocloud.advisor.places import public_records
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.sizes import Size
from gotocloud.relion.job import Job, read_job
from tests.advisor.measured import on_nodes, record
from tests.relion.samples import write_job, write_particles

BLUSH = {"options": "do_blush=Yes"}
PLAIN = {"options": "do_blush=No"}


def movies(count: int, seconds: float, **changes: object) -> BenchmarkRecord:
    usual: dict[str, object] = {
        "job_type": "motioncorr",
        "instance_type": "c7i.48xlarge",
        "nodes": 1,
        "ranks": 24,
        "threads": 8,
        "gpus": 0,
        "particles": None,
        "box_px": None,
        "movies": count,
        "in_job_s": seconds,
    }
    return record(**usual | changes)


def test_24_movies_and_5000_are_never_averaged() -> None:
    tutorial = movies(24, 44, dataset="tutorial")
    own = movies(5_000, 9_000, dataset="ours")
    for size, seconds in ((Size(movies=24), 44), (Size(movies=5_000), 9_000)):
        (one,) = estimate_times([tutorial, own], size).found
        assert (one.seconds, one.runs) == (seconds, 1)


def test_runs_with_and_without_blush_are_never_averaged() -> None:
    runs = [record(in_job_s=3600, **PLAIN), record(in_job_s=7200, **BLUSH)]
    (plain,) = advise(Question("refine3d", options=PLAIN["options"]), runs).choices
    (blush,) = advise(Question("refine3d", options=BLUSH["options"]), runs).choices
    assert (plain.estimate.seconds, blush.estimate.seconds) == (3600, 7200)
    either = advise(Question("refine3d"), runs)
    assert either.choices[0].estimate.seconds in (3600, 7200)
    assert any("1 run of other work was not compared" in note for note in either.notes)


@pytest.mark.parametrize(
    "unknown", [{"dataset": None}, {"particles": None}, {"dataset": None, "particles": None}]
)
def test_runs_of_unknown_work_are_no_repeats(unknown: dict[str, None]) -> None:
    runs = [record(in_job_s=seconds, **unknown) for seconds in (1800, 3600, 5400)]
    (one,) = estimate_times(runs, Size()).found
    assert (one.runs, one.low, one.high) == (1, None, None)
    assert one.seconds in (1800, 3600, 5400)


@pytest.mark.parametrize("column", [name for name in SAME if name != "dataset"])
def test_what_one_run_records_and_another_does_not_sets_them_apart(column: str) -> None:
    value = "x" if column in ("symmetry", "options") else 7
    assert len(series([record(**{column: None}), record(**{column: value})])) == 2
    assert len(series([record(**{column: value}), record(**{column: value})])) == 1


FIGURES = st.fixed_dictionaries(
    {
        "dataset": st.sampled_from((None, "a", "b")),
        "particles": st.sampled_from((None, 1_000, 50_000, 100_000)),
        "box_px": st.sampled_from((None, 64, 256)),
        "pixel_angstrom": st.sampled_from((None, 0.8, 1.6)),
        "classes": st.sampled_from((None, 1, 50)),
        "symmetry": st.sampled_from((None, "C1", "D2")),
        "options": st.sampled_from((None, "do_blush=Yes")),
        "nodes": st.sampled_from((1, 2)),
        "in_job_s": st.integers(100, 10_000).map(float),
    }
)


@settings(deadline=None)
@given(st.lists(FIGURES, min_size=1, max_size=12), st.sampled_from((None, 1_000, 100_000)))
def test_no_estimate_is_ever_made_of_two_works(
    runs: list[dict[str, object]], particles: int | None
) -> None:
    for one in estimate_times([record(**run) for run in runs], Size(particles=particles)).found:
        assert len({tuple(getattr(r, name) for name in SAME) for r in one.records}) == 1
        if len(one.records) > 1:
            assert all(r.dataset and r.particles for r in one.records)


def job(project: Path, particles: int, **changes: str) -> Job:
    write_particles(project / "Select/job007/particles.star", particles, 256)
    return read_job(write_job(project, "Refine3D", changes))


def test_a_tutorial_run_changes_no_route_of_a_production_job(tmp_path: Path) -> None:
    question = question_of(job(tmp_path, 100_000), "us-east-1", spot=False)
    assert question is not None
    tutorial = [
        record(dataset="tutorial", particles=4_501, instance_type="g6.4xlarge", nodes=n, gpus=n)
        for n in (1, 2)
    ]
    assert measured_settings([*tutorial, *public_records()], question) == ()


def test_ones_own_runs_of_the_same_work_route_a_job_and_state_by_how_much(tmp_path: Path) -> None:
    refinement = job(tmp_path, 100_000)
    work = work_columns(refinement)
    question = question_of(refinement, "us-east-1", spot=False)
    assert question is not None
    runs = [on_nodes(n, seconds, **work) for n, seconds in ((1, 7200), (2, 3900), (2, 3950))]
    (setting,) = measured_settings(runs, question)
    assert (setting.nodes, setting.ranks) == (2, 17)
    assert "the best of 2 settings that you measured on a data set" in setting.because
    assert "times as long and costs" in setting.because
    alone = measured_settings(runs[:1], question)
    assert alone == (), "it was compared with nothing"


@pytest.mark.parametrize(
    "other",
    [{"do_blush": "Yes"}, {"sym_name": "C7"}, {"other_args": "--maxsig 500"}],
)
def test_a_job_with_other_settings_is_not_routed_by_them(
    tmp_path: Path, other: dict[str, str]
) -> None:
    work = work_columns(job(tmp_path / "a", 100_000))
    runs = [on_nodes(n, 9000 / n, **work) for n in (1, 2)]
    question = question_of(job(tmp_path / "b", 100_000, **other), "us-east-1", spot=False)
    assert question is not None
    assert measured_settings(runs, question) == ()


def test_a_job_of_unknown_size_is_not_routed_by_measurements(tmp_path: Path) -> None:
    assert question_of(read_job(write_job(tmp_path, "Refine3D")), "us-east-1", spot=False) is None


def test_another_box_is_transferred_only_with_pixel_sizes() -> None:
    runs = [record(pixel_angstrom=1.0)]
    law = advise(Question("refine3d", Size(box_px=320, pixel_angstrom=1.0)), runs)
    assert law.basis == MEASURED
    assert law.choices[0].estimate.seconds == pytest.approx(3600 * 1.25**2)
    same = advise(Question("refine3d", Size(box_px=128, pixel_angstrom=2.0)), runs)
    assert same.choices[0].estimate.seconds == pytest.approx(3600)
    for size in (Size(box_px=320), Size(box_px=512, pixel_angstrom=1.0)):
        assert advise(Question("refine3d", size), runs).basis == FROM_PAPER
    assert advise(
        Question("class3d", Size(classes=9)), [record(job_type="initialmodel", classes=4)]
    ).basis in (FROM_PAPER, NOTHING)
