"""What the pictures show, before anything is drawn."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.advisor.figures.chart import Point, Span, arc, extent, problems, shape_label
from gotocloud.advisor.figures.palette import LOOKS, looks
from tests.advisor.figures.drawn import chart

FIGURES = st.floats(0.001, 1e5)


def point(hours: float, usd: float | None) -> Point:
    return Point("x", "g5.xlarge", 1, Span(hours), None if usd is None else Span(usd))


def test_a_label_has_the_papers_form() -> None:
    assert shape_label(16, 2, "g4dn.metal", 8, 96) == "16@2x g4dn(8,96)"
    assert shape_label(64, 4, "c6i.32xlarge", 0, None) == "64@4x c6i(0,?)"


@given(FIGURES, FIGURES)
def test_every_place_on_the_arc_is_as_far_as_the_optimum_in_the_papers_axes(
    hours: float, usd: float
) -> None:
    along = zip(*arc(point(hours, usd)), strict=True)
    far = math.hypot(hours / 0.5, usd / 10)
    assert all(math.isclose(math.hypot(h / 0.5, c / 10), far, rel_tol=1e-9) for h, c in along)


@given(st.lists(st.builds(point, FIGURES, st.none() | FIGURES), max_size=5))
def test_an_hour_is_always_as_long_as_twenty_dollars(some: list[Point]) -> None:
    hours, usd = extent(some)
    assert math.isclose(usd / hours, 20)
    assert all(one.hours.value < hours and one.usd.value < usd for one in some if one.usd)


def test_seven_families_differ_in_colour_marker_and_hatch() -> None:
    for sign in ("colour", "marker", "symbol", "hatch", "pattern"):
        assert len({getattr(look, sign) for look in LOOKS}) == len(LOOKS)
    assert len(looks([str(number) for number in range(20)])) == 20


def test_the_front_is_drawn_from_the_fastest_on() -> None:
    front = [one.hours.value for one in chart().front]
    assert front == sorted(front)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -1.0])
def test_what_is_no_time_or_cost_is_refused(wrong: float) -> None:
    assert len(problems([point(wrong, 1.0), point(1.0, wrong), point(1.0, None)])) == 2
    assert problems([]) == ["there is no measurement to draw"]
