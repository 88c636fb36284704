"""Which shapes a sweep tries, and what it says that it will cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gotocloud.advisor.sizes import Size
from gotocloud.advisor.sweep.guess import first_of, from_one_run, from_records
from gotocloud.advisor.sweep.plan import Axes, Guess, SweepPlan, SweepSetting, plan_sweep, typed
from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.errors import InputError
from gotocloud.findings import Finding, errors
from gotocloud.relion.job import Job, read_job
from gotocloud.relion.overrides import Overrides, overrides_of
from gotocloud.relion.routed_job import check_routed
from gotocloud.relion.routing import Route
from gotocloud.relion.rules import check
from tests.advisor.measured import record
from tests.relion.routed import route
from tests.relion.samples import VERSIONS, write_job

PARTITIONS = configured_partitions(load_configuration("cryoem-spa"), used_instance_types())


@pytest.fixture(params=VERSIONS)
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Job:
    with_em = {"use_gpu": "Yes", "do_em": "Yes", "do_grad": "No"}
    return read_job(write_job(tmp_path, "Class2D", with_em, version=request.param))


def placed(job: Job, chosen: Overrides) -> tuple[Route, tuple[Finding, ...]]:
    found = route(job, PARTITIONS, chosen)
    queue = next(one for one in PARTITIONS if one.name == found.queue)
    return found, check_routed(job, found, queue)


def planned(
    job: Job, axes: Axes, hours: float | None = 2.0, price: float | None = 4.0
) -> SweepPlan:
    return plan_sweep(
        job,
        axes,
        place=placed,
        guess=lambda _: None if hours is None else Guess(hours, "said"),
        usd_per_node_hour=lambda _: price,
    )


def test_every_shape_runs_once_before_any_runs_again(job: Job) -> None:
    made = planned(job, Axes(nodes=(1, 2, 4), repeats=2))
    assert [(run.setting.nodes, run.repeat) for run in made.runs] == [
        (1, 1),
        (2, 1),
        (4, 1),
        (1, 2),
        (2, 2),
        (4, 2),
    ]


def test_the_cost_is_that_of_all_machines(job: Job) -> None:
    made = planned(job, Axes(nodes=(1, 2)))
    assert [run.usd for run in made.runs] == [8.0, 16.0]
    assert made.headline == "about 24.00 USD"


@pytest.mark.parametrize(("hours", "price"), [(None, 4.0), (2.0, None), (None, None)])
def test_what_is_unknown_costs_an_unknown_sum_and_not_nothing(
    job: Job, hours: float | None, price: float | None
) -> None:
    made = planned(job, Axes(nodes=(1,)), hours, price)
    assert made.runs[0].usd is None
    assert made.headline == "an unknown amount"


def test_shapes_that_break_a_rule_or_do_not_fit_are_left_out_with_the_reason(job: Job) -> None:
    made = planned(job, Axes(nodes=(1, 99), ranks=(5, 1)))
    assert [run.setting.ranks for run in made.runs]
    assert any("99" in name and "8" in why for name, why in made.left_out)


def test_two_ways_to_one_shape_are_one_run(job: Job) -> None:
    usual = planned(job, Axes()).runs[0].setting
    made = planned(job, Axes(nodes=(usual.nodes,), ranks=(usual.ranks,), threads=(usual.threads,)))
    assert [run.setting for run in made.runs] == [usual]


def test_nothing_left_to_run_is_an_error_with_every_reason(job: Job) -> None:
    with pytest.raises(InputError, match="No shape") as told:
        planned(job, Axes(nodes=(98, 99)))
    assert len(told.value.problems) == 2


@pytest.mark.parametrize(
    "axes", [Axes(repeats=0), Axes(nodes=(0,)), Axes(nodes=tuple(range(1, 200)), repeats=9)]
)
def test_impossible_axes_are_refused(job: Job, axes: Axes) -> None:
    with pytest.raises(InputError, match="cannot be planned"):
        planned(job, axes)


@settings(max_examples=40, deadline=None)
@given(
    nodes=st.integers(1, 8),
    ranks=st.integers(1, 40),
    threads=st.integers(1, 24),
    kind=st.sampled_from(["Class2D", "Class3D", "Refine3D"]),
)
def test_a_planned_shape_is_routed_as_planned_and_breaks_no_rule(
    tmp_path_factory: pytest.TempPathFactory, nodes: int, ranks: int, threads: int, kind: str
) -> None:
    folder = write_job(tmp_path_factory.mktemp("p"), kind, {"use_gpu": "Yes"})
    axes = Axes(nodes=(nodes,), ranks=(ranks,), threads=(threads,))
    try:
        made = planned(read_job(folder), axes)
    except InputError:
        return
    for run in made.runs:
        form = typed(read_job(folder), run.setting)
        found = route(form, PARTITIONS, overrides_of(form))
        assert (found.nodes, found.ranks, found.threads) == (
            run.setting.nodes,
            run.setting.ranks,
            run.setting.threads,
        )
        hardware = next(one for one in PARTITIONS if one.name == found.queue)
        assert not errors(check(form, hardware, nodes=found.nodes, layout=found.layout))


SHAPE = SweepSetting("class2d", "g4dn.12xlarge", False, 2, 9, 6, 4, "0:1")


def test_gpus_without_a_follower_are_not_in_use() -> None:
    assert SHAPE.units == 8
    assert SweepSetting("q", "g4dn.12xlarge", False, 2, 5, 6, 4).units == 4
    assert SweepSetting("q", "g5.12xlarge", False, 1, 1, 4, 4).units == 4
    assert SweepSetting("q", "c6i.32xlarge", False, 4, 16, 16).units == 256


@pytest.mark.parametrize(("units", "hours"), [(4, 1.0), (8, 1.0), (16, 2.0), (32, 4.0)])
def test_one_run_guesses_rather_too_long_than_too_short(units: int, hours: float) -> None:
    found = from_one_run(1.0, units)(SHAPE)
    assert found is not None
    assert found.hours == pytest.approx(hours)


def test_a_measured_shape_is_guessed_from_its_own_runs() -> None:
    own = record(
        job_type="class2d",
        instance_type="g4dn.12xlarge",
        nodes=2,
        gpus=8,
        ranks=9,
        threads=6,
        in_job_s=7200.0,
    )
    guess = first_of(from_records([own], "class2d", Size()), from_one_run(99, 1))
    found = guess(SHAPE)
    assert found is not None
    assert found.hours == pytest.approx(2.0)
    other = guess(SweepSetting("class2d", "g4dn.12xlarge", False, 1, 5, 6, 4))
    assert other is not None
    assert other.hours == 99
