"""What the pictures show, before anything is drawn."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.advisor.evidence import Point
from gotocloud.advisor.figures.chart import arc, extent, spread
from gotocloud.advisor.figures.palette import LOOKS, looks
from tests.advisor.figures.drawn import chart, point, points

FIGURES = st.floats(0.001, 1e5)


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
    assert all(one.hours < hours and one.usd < usd for one in some if one.usd)


def test_seven_types_differ_in_colour_marker_and_hatch() -> None:
    for sign in ("colour", "marker", "symbol", "hatch", "pattern"):
        assert len({getattr(look, sign) for look in LOOKS}) == len(LOOKS)
    assert len(looks([str(number) for number in range(20)])) == 20


def test_the_front_is_drawn_from_the_fastest_on() -> None:
    front = [one.hours for one in chart().front(spot=True)]
    assert len(front) == 6
    assert front == sorted(front)
    assert chart().front(spot=False) == ()


def test_a_setting_has_one_bar_whatever_it_cost() -> None:
    assert len(chart().timed) == len(points()) / 2


def test_settings_with_one_label_have_bars_of_their_own() -> None:
    twice = (point(1.0, 1.0), point(2.0, 2.0), point(1.0, 0.5, spot=True))
    assert [name for name, _ in chart(points=twice).timed] == ["1@1x g5(1,4)", "1@1x g5(1,4) #2"]


@pytest.mark.parametrize(
    ("interval", "expected"), [(None, (0, 0)), ((1, 4), (1, 2)), ((2.5, 2.5), (0, 0.5))]
)
def test_an_interval_is_drawn_from_its_ends(
    interval: tuple[float, float] | None, expected: tuple[float, float]
) -> None:
    assert spread(2, interval) == expected
