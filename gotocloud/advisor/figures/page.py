"""One self-contained page with both plots of every job type, to explore in a browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from gotocloud.advisor.extras import library
from gotocloud.advisor.figures.chart import Chart, Point, ResolutionStep
from gotocloud.advisor.figures.palette import looks
from gotocloud.advisor.preference import SCALE_HOURS, SCALE_USD


def page(
    charts: Sequence[Chart], steps: Sequence[ResolutionStep] = (), *, project: str = ""
) -> str:
    """The page as HTML; it needs no network and nothing beside it.

    Args:
        charts: The job types to choose from.
        steps: What a project's cycles reached; drawn below. Default: nothing is drawn.
        project: Title of that drawing.

    Raises:
        GoToCloudError: if plotly is not installed.
    """
    here = files(__package__)
    data = {
        "charts": [_chart(chart) for chart in charts],
        "project": {"title": project, "steps": [_step(s) for s in steps]} if steps else None,
        "scaleHours": SCALE_HOURS,
        "scaleUsd": SCALE_USD,
    }
    # A closing tag in a label must not end the script that holds it.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("</", "<\\/")
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
    return {
        "jobType": chart.job_type,
        "title": chart.title,
        "unitName": chart.unit_name,
        "source": chart.source,
        "families": [
            {"name": family, "colour": look.colour, "symbol": look.symbol, "pattern": look.pattern}
            for family, look in looks(chart.families).items()
        ],
        "points": [_point(point) for point in chart.points],
    }


def _step(step: ResolutionStep) -> dict[str, Any]:
    return {
        "label": step.label,
        "angstrom": step.resolution_angstrom,
        "hours": step.cumulative_hours,
        "usd": step.cumulative_usd,
    }


def _point(point: Point) -> dict[str, Any]:
    return {**asdict(point), "family": point.family}
