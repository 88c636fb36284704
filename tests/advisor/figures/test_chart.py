"""What the pictures show, before anything is drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.advisor.advice import Question, advise
from gotocloud.advisor.evidence import Point, evidence
from gotocloud.advisor.figures.bars import group_centres, placed
from gotocloud.advisor.figures.chart import Chart, arc, reach, spread
from gotocloud.advisor.figures.chart import chart as chart_of
from gotocloud.advisor.figures.palette import LOOKS, looks
from gotocloud.advisor.preference import Preference
from gotocloud.advisor.records import BenchmarkRecord
from tests.advisor.figures.drawn import DESIGNS, GPUS, chart, point, points
from tests.advisor.measured import record

PRICES = {"g5.48xlarge": 16.288, "g5.12xlarge": 5.672, "g4dn.metal": 7.824, "g4dn.12xlarge": 3.912}
"""US dollars an hour on demand in us-east-1 (Moriya et al. 2024, CS-Schemes)."""

FIGURES = st.floats(0.001, 1e5)


@given(FIGURES, FIGURES)
def test_every_place_on_the_arc_is_as_far_as_the_optimum_in_the_papers_axes(
    hours: float, usd: float
) -> None:
    along = zip(*arc(point(hours, usd)), strict=True)
    far = math.hypot(hours / 0.5, usd / 10)
    assert all(math.isclose(math.hypot(h / 0.5, c / 10), far, rel_tol=1e-9) for h, c in along)


@given(st.lists(st.builds(point, FIGURES, st.none() | FIGURES), max_size=5))
def test_every_point_is_within_reach(some: list[Point]) -> None:
    hours, usd = reach(some)
    priced = [one for one in some if one.usd]
    assert all(one.hours / 0.5 <= hours and (one.usd or 0) / 10 <= usd for one in priced)


def test_seven_types_differ_in_colour_marker_and_hatch() -> None:
    for sign in ("colour", "marker", "symbol", "hatch", "pattern"):
        assert len({getattr(look, sign) for look in LOOKS}) == len(LOOKS)
    assert len(looks([str(number) for number in range(20)])) == 20


def of(design: str) -> Chart:
    return drawing_of(DESIGNS[design])


def drawing_of(records: list[BenchmarkRecord]) -> Chart:
    return chart_of(evidence(records[0].job_type, records, region="us-east-1"))


def test_bars_are_grouped_by_the_number_of_gpus() -> None:
    drawn = of("the paper's")
    groups = [bar.group for bar in drawn.bars]
    assert groups == sorted(groups)
    assert {bar.group for bar in drawn.bars if bar.point.measured} == {4, 8, 16, 32, 64, 128}
    assert len([bar for bar in drawn.bars if bar.group == 16]) == 4


def test_without_gpus_there_is_a_line_for_each_number_of_ranks_on_a_machine() -> None:
    drawn = of("Polish")
    assert list(drawn.series) == [f"c6i.32xlarge, {n} MPI per node" for n in (1, 2, 4, 8)]
    assert {bar.group for bar in drawn.bars if bar.point.measured} == {1, 2, 4, 8}
    for name in drawn.series:
        assert [one.nodes for one in drawn.line(name, spot=False)] == [1, 2, 4, 8]


def test_a_leader_is_no_rank_at_work_where_relion_has_one() -> None:
    made = point(1.0, 1.0, on_gpu=False, nodes=2, ranks=9, threads=4, units=36)
    assert list(chart(points=(made,)).series) == ["g5.xlarge, 4 MPI per node"]
    assert list(chart(job="polish", points=(made,)).series) == ["g5.xlarge, 4.5 MPI per node"]


def test_more_series_than_looks_are_drawn_by_type() -> None:
    many = tuple(point(1.0, 1.0, on_gpu=False, ranks=n, label=str(n)) for n in range(2, 30))
    assert list(chart(points=many).series) == ["g5.xlarge"]


def test_ideal_scaling_starts_at_the_fewest_gpus_of_a_type() -> None:
    for bar in of("the paper's").bars:
        gpus, speed = GPUS[bar.series]
        first = 0.35 + 0.02 + 9 / (gpus * speed)
        if bar.group == gpus:
            assert bar.ideal_hours is None
        else:
            assert bar.ideal_hours == pytest.approx(first * gpus / bar.group)


def test_the_best_of_each_type_is_found_among_all_its_runs() -> None:
    records = DESIGNS["with gaps and failures"]
    drawn = drawing_of(records)
    for name, found in drawn.optima(spot=False).items():
        price = PRICES[name]
        own = [one for one in records if one.instance_type == name and one.is_benchmark]
        best = min(own, key=lambda r: math.hypot(r.hours / 0.5, r.hours * r.nodes * price / 10))
        assert (found.nodes, found.hours) == (best.nodes, best.hours)


@pytest.mark.parametrize("spot", [False, True])
def test_the_asterisk_is_what_advise_recommends_by_the_papers_criterion(*, spot: bool) -> None:
    for records in DESIGNS.values():
        preference = Preference(in_job=True)
        question = Question(records[0].job_type, preference=preference, spot=spot)
        said = advise(question, records).best
        best = drawing_of(records).best(spot=spot)
        assert (best and (best.label, best.hours)) == (said and (said.label, said.hours))
        if best:
            assert best in drawing_of(records).optima(spot=spot).values()


def test_runs_that_are_not_drawn_are_counted() -> None:
    assert of("with gaps and failures").left_out == "1 run that failed or began again"
    other = record(dataset="another one", nodes=4, gpus=32, ranks=33)
    assert drawing_of([*DESIGNS["the paper's"], other]).left_out == "1 run of other work"
    assert of("the paper's").left_out == ""


def test_a_setting_has_one_bar_whatever_it_cost() -> None:
    assert len(chart().bars) == len({p.label for p in points() if p.measured or p.optimum})


def test_other_ranks_and_threads_stand_above_the_bar_of_the_fastest() -> None:
    bars = [bar for bar in of("repeated, with other ranks and threads, of days").bars if bar.slower]
    assert [(bar.group, len(bar.slower)) for bar in bars] == [(8, 1), (16, 1)]
    assert all(bar.point.hours < bar.slower[0].hours for bar in bars)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.floats(0.01, 10))
def test_bars_lie_in_their_order_beside_each_other_and_within_the_axis(
    groups: list[int], length: float
) -> None:
    shape = chart().bars[0]
    bars = placed([replace(shape, group=g) for g in sorted(groups)], length, length / 20)
    edges = [(one.centre - one.width / 2, one.centre + one.width / 2) for one in bars]
    assert edges[0][0] >= 0
    assert edges[-1][1] <= length * (1 + 1e-9)
    for (_, right), (left, _) in pairwise(edges):
        assert left >= right - 1e-9 * length
    assert all(
        abs(centre - sum(own) / len(own)) < 1e-9 * length
        for group, centre in group_centres(bars).items()
        if (own := [one.centre for one in bars if one.bar.group == group])
    )


@pytest.mark.parametrize(
    ("interval", "expected"), [(None, (0, 0)), ((1, 4), (1, 2)), ((2.5, 2.5), (0, 0.5))]
)
def test_an_interval_is_drawn_from_its_ends(
    interval: tuple[float, float] | None, expected: tuple[float, float]
) -> None:
    assert spread(2, interval) == expected
