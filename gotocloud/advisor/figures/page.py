"""One self-contained page with both plots of every job type, to explore in a browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from gotocloud.advisor.evidence import Point, ResolutionPoint
from gotocloud.advisor.extras import library
from gotocloud.advisor.figures.bars import group_centres, group_text, placed
from gotocloud.advisor.figures.chart import Chart, spread
from gotocloud.advisor.figures.palette import ESTIMATED_ALPHA, looks
from gotocloud.advisor.figures.plane import WINDOW
from gotocloud.advisor.preference import SCALE_HOURS, SCALE_USD

WIDEST = 0.05
"""A bar is not wider than this share of the axis, however few there are."""


def page(
    charts: Sequence[Chart], steps: Sequence[ResolutionPoint] = (), *, source: str = ""
) -> str:
    """The page as HTML; it needs no network and nothing beside it.

    Args:
        charts: The job types to choose from.
        steps: What a project's cycles reached; drawn below. Default: nothing is drawn.
        source: Where the record of the project comes from.

    Raises:
        GoToCloudError: if plotly is not installed.
    """
    here = files(__package__)
    data = {
        "charts": [_chart(chart) for chart in charts],
        "project": {"source": source, "steps": [_step(s) for s in steps]} if steps else None,
        "scaleHours": SCALE_HOURS,
        "scaleUsd": SCALE_USD,
    }
    # No tag and no comment in a label may end the script that holds it, or hide its end.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    plotly = library("plotly.offline").get_plotlyjs()
    html = here.joinpath("page.html").read_text(encoding="utf-8")
    for mark, content in (
        ("/*SCRIPT*/", here.joinpath("page.js").read_text(encoding="utf-8")),
        ("/*DATA*/", text),
        ("/*PLOTLY*/", plotly),
    ):
        html = html.replace(mark, content, 1)
    return html


def _chart(chart: Chart) -> dict[str, Any]:
    numbers = {_setting(point): number for number, point in enumerate(chart.points)}
    bars = placed(chart.bars, 1, WIDEST)
    return {
        "job": chart.job,
        "title": chart.title,
        "groupName": chart.group_name,
        "onGpu": chart.on_gpu,
        "source": chart.source,
        "leftOut": chart.left_out,
        "series": [
            {"name": name, "colour": look.colour, "symbol": look.symbol, "pattern": look.pattern}
            for name, look in looks(tuple(chart.series)).items()
        ],
        "bars": [
            {
                "series": one.bar.series,
                "centre": one.centre,
                "width": one.width,
                "settings": [numbers[_setting(p)] for p in (one.bar.point, *one.bar.slower)],
                "idealHours": one.bar.ideal_hours,
            }
            for one in bars
        ],
        "groups": [
            {"name": group_text(group), "centre": centre}
            for group, centre in group_centres(bars).items()
        ],
        "points": [
            {
                "series": name,
                "group": chart.group(point),
                "setting": numbers[_setting(point)],
                **_point(point),
            }
            for name, points in chart.series.items()
            for point in points
        ],
        "pale": ESTIMATED_ALPHA,
        "window": WINDOW,
    }


def _setting(point: Point) -> tuple[object, ...]:
    """What two points of the two markets share."""
    return point.instance_type, point.label, point.ranks, point.threads, point.hours


def _point(point: Point) -> dict[str, Any]:
    return {
        "label": point.label,
        "shortLabel": point.short_label,
        "spot": point.spot,
        "measured": point.measured,
        "hours": point.hours,
        "hoursSpread": spread(point.hours, point.hours_interval),
        "usd": point.usd,
        "usdSpread": spread(point.usd or 0, point.usd_interval),
        "basis": point.basis,
    }


def _step(step: ResolutionPoint) -> dict[str, Any]:
    return {
        "name": step.name,
        "angstrom": step.resolution_angstrom,
        "hours": step.hours,
        "usd": step.usd,
    }
