"""The interactive page, in a real browser, with every control used."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gotocloud.advisor.figures.page import page
from tests.advisor.figures.drawn import STEPS, chart, far, points
from tests.browser import probed

PROBE = f"<script>{(Path(__file__).parent / 'probe.js').read_text()}</script>"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the page showed after each use of a control."""
    hostile = replace(
        chart(),
        job="class2d",
        title="</script><b>class2d<!--<script>",
        points=tuple(replace(one, usd=None, optimum=False) for one in points()),
    )
    made = page([chart(), hostile], STEPS, source="streptavidin")
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(made.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    shown: dict[str, Any] = probed(path, "--window-size=1300,1500")
    return shown


def test_the_page_names_the_optimum_of_the_paper_first(seen: dict[str, Any]) -> None:
    best = min(points(), key=far)
    assert best.label in seen["begin"]["verdict"]
    assert seen["begin"]["best"] == 1
    assert seen["begin"]["rows"] == len(points())


def test_every_setting_has_a_bar_and_every_price_a_marker(seen: dict[str, Any]) -> None:
    assert seen["begin"]["bars"] == len(chart().bars)
    assert seen["begin"]["markers"] >= len(points())


def test_the_best_of_each_type_has_a_ring_a_label_and_an_outline(seen: dict[str, Any]) -> None:
    best = min(points(), key=far)
    assert seen["begin"]["rings"] == len(chart().series)
    assert seen["begin"]["outlined"] == len(chart().series)
    assert f"*{best.label}" in seen["begin"]["labels"]
    assert len(seen["begin"]["labels"]) == len(chart().series)


def test_no_label_of_the_page_lies_on_another_one(seen: dict[str, Any]) -> None:
    assert [name for name in ("begin", "speed", "cost", "demand") if seen[name]["overlaps"]] == []


def test_a_phone_shows_the_whole_plots(tmp_path: Path) -> None:
    # Chromium makes no window narrower than 500 pixels, but a frame of 400.
    probe = (
        "<script>parent.postMessage([document.documentElement.scrollWidth, "
        "...document.querySelectorAll('.main-svg, table')].map((it) => it.getBoundingClientRect"
        " ? it.getBoundingClientRect().right : it), '*')</script>"
    )
    shown = page([chart()]).replace("</body>", probe + "</body>")
    (tmp_path / "phone.html").write_text(shown, encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(
        "<script>onmessage = ({ data }) => { const pre = document.createElement('pre'); "
        "pre.id = 'probe'; pre.textContent = JSON.stringify({ ends: data }); "
        "document.body.append(pre); }</script>"
        '<iframe src="phone.html" style="width: 400px; height: 900px; border: 0"></iframe>',
        encoding="utf-8",
    )
    ends = probed(frame, "--window-size=1300,1500")["ends"]
    assert len(ends) > 4
    assert max(ends) <= 400


def test_the_slider_goes_from_the_cheapest_to_the_fastest(seen: dict[str, Any]) -> None:
    fastest = min(points(), key=lambda one: one.hours)
    cheapest = min(points(), key=lambda one: one.usd or 0)
    assert fastest.label in seen["speed"]["verdict"]
    assert cheapest.label in seen["cost"]["verdict"]


def test_spot_and_on_demand_can_be_left_out(seen: dict[str, Any]) -> None:
    assert "on demand" in seen["demand"]["verdict"]
    assert seen["demand"]["rows"] == len(points()) / 2
    assert seen["neither"]["rows"] == 0


def test_limits_leave_out_what_exceeds_them(seen: dict[str, Any]) -> None:
    slower = [one for one in points() if one.hours > 0.4]
    assert seen["deadline"]["out"] == len(slower)
    assert seen["impossible"]["verdict"] == "No setting meets the deadline and the budget."


def test_an_hour_is_drawn_as_long_as_twenty_dollars(seen: dict[str, Any]) -> None:
    per_hour, per_dollar = seen["pixels"]
    assert per_hour / per_dollar == pytest.approx(20, rel=0.01)


def test_the_table_is_sorted_by_a_click_and_back_by_another(seen: dict[str, Any]) -> None:
    assert seen["sorted"]["first"] != seen["reversed"]["first"]


def test_reset_goes_back_to_the_paper(seen: dict[str, Any]) -> None:
    assert seen["reset"] == seen["begin"]


def test_another_job_type_is_shown_even_with_hostile_names_and_no_price(
    seen: dict[str, Any],
) -> None:
    assert seen["second"]["title"] == "</script><b>class2d<!--<script>"
    assert seen["second"]["verdict"] == "No cost is known."


def test_resolution_is_shown_against_time_or_cost(seen: dict[str, Any]) -> None:
    assert (seen["hours"], seen["usd"]) == (
        "cumulative time (hours)",
        "cumulative cost (US dollars)",
    )
    assert seen["steps"][0] == "cycle 1: 3.2 Å after 34.41 h and 957 USD"
    assert len(seen["steps"]) == len(STEPS)


def test_the_page_needs_no_network() -> None:
    made = page([chart()])
    without_library = re.sub(r"<script>.*?plotly\.js.*?</script>", "", made, count=1, flags=re.S)
    assert len(without_library) < len(made) / 10
    assert "http" not in without_library
