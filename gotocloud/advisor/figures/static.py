"""The pictures for a publication: SVG, PDF or PNG, drawn by matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gotocloud.advisor.evidence import Point, ResolutionPoint
from gotocloud.advisor.extras import library
from gotocloud.advisor.figures.chart import Chart, arc, extent, spread
from gotocloud.advisor.figures.palette import ESTIMATED_ALPHA, FAINT, INK, MachineLook, looks
from gotocloud.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
PANEL_INCHES = 3.5
"""Width of one panel; two beside each other fill a journal's page of 180 mm."""

KEY = (
    "filled: on demand, open: spot, pale: estimated between measurements; "
    "dashed: through the optimum of each market; steps: Pareto fronts"
)
"""What the signs of the second plot mean."""

CAPTION_LINE = 0.027
"""Height of a line of the caption, as a share of the figure's."""

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.6,
    # Text stays text, so that a journal's editor can change it.
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "svg.hashsalt": "gotocloud",
}


def save_chart(chart: Chart, path: Path) -> None:
    """Draw the paper's two plots of a job type: time against GPUs, and time against cost.

    Args:
        path: Its ending is the format: svg, pdf or png (300 dots per inch).

    Raises:
        InputError: if the format is another one or matplotlib is missing.
    """
    with drawn_on(path, panels=2) as figure:
        left, right = figure.subplots(1, 2)
        _bars(left, chart)
        _scatter(right, chart)
        figure.suptitle(chart.title, fontsize=9)
        signed(figure, KEY, chart.source)
        write(figure, path)


def save_resolution(
    steps: Sequence[ResolutionPoint], title: str, path: Path, *, source: str = ""
) -> None:
    """Draw resolution against cumulative time and against cumulative cost.

    Raises:
        InputError: as `save_chart`.
    """
    with drawn_on(path, panels=2) as figure:
        hours, usd = figure.subplots(1, 2, sharey=True)
        _steps(hours, steps, [step.hours for step in steps], "cumulative time (hours)")
        _steps(usd, steps, [step.usd for step in steps], "cumulative cost (US dollars)")
        # Better is up: fewer angstroms.
        hours.invert_yaxis()
        hours.set_ylabel("resolution (Å)")
        figure.suptitle(title, fontsize=9)
        names = [f"{number} {step.name}" for number, step in enumerate(steps, 1)]
        signed(figure, *_wrapped("; ".join(names)), source)
        write(figure, path)


def _bars(axes: Axes, chart: Chart) -> None:
    """Time against the number of GPUs, one bar for each setting."""
    chosen = looks(chart.instance_types)
    names = [name for name, _ in chart.timed]
    points = [point for _, point in chart.timed]
    spreads = [spread(point.hours, point.hours_interval) for point in points]
    bars = axes.bar(
        range(len(points)),
        [point.hours for point in points],
        yerr=list(zip(*spreads, strict=True)) if any(map(any, spreads)) else None,
        color=[chosen[point.instance_type].colour for point in points],
        edgecolor="white",
        linewidth=0.5,
        error_kw={"elinewidth": 0.8, "capsize": 2, "ecolor": INK},
    )
    for bar, point in zip(bars, points, strict=True):
        bar.set_hatch(chosen[point.instance_type].hatch)
        bar.set_alpha(1 if point.measured else ESTIMATED_ALPHA)
    places = range(len(points))
    axes.set_xticks(places, names, rotation=60, ha="right", rotation_mode="anchor", fontsize=6)
    axes.set_xlabel(f"{chart.unit_name} @ nodes x family (GPUs, vCPUs of a node)")
    axes.set_ylabel("time in the job (hours)")
    handles = [_patch(name, look) for name, look in chosen.items()]
    axes.legend(handles=handles, frameon=False, fontsize=7)


def _scatter(axes: Axes, chart: Chart) -> None:
    """Time against cost with the paper's scale, and the arcs through the optima."""
    chosen = looks(chart.instance_types)
    axes.set_xlabel("time in the job (hours)")
    axes.set_ylabel("cost (US dollars)")
    if not chart.priced:
        axes.text(0.5, 0.5, "no cost is known", ha="center", transform=axes.transAxes)
        return
    thin: dict[str, Any] = {"color": FAINT, "linewidth": 0.9, "zorder": 1}
    for optimum in chart.optima:
        axes.plot(*arc(optimum), linestyle="--", **thin)
    for spot in (False, True):
        if front := [(p.hours, p.usd) for p in chart.front(spot=spot) if p.usd is not None]:
            axes.step(*zip(*front, strict=True), where="post", **thin)
    for point in chart.priced:
        _mark(axes, point, chosen[point.instance_type])
    _label(axes, [point for point in chart.priced if point.optimum or point.on_front])
    hours, usd = extent(chart.points)
    axes.set_xlim(0, hours)
    axes.set_ylim(0, usd)
    axes.set_box_aspect(1)


def _mark(axes: Axes, point: Point, look: MachineLook) -> None:
    assert point.usd is not None
    axes.errorbar(
        point.hours,
        point.usd,
        xerr=[[side] for side in spread(point.hours, point.hours_interval)],
        yerr=[[side] for side in spread(point.usd, point.usd_interval)],
        marker=look.marker,
        markersize=9 if point.optimum else 5,
        markerfacecolor="white" if point.spot else look.colour,
        markeredgecolor=look.colour,
        ecolor=look.colour,
        elinewidth=0.7,
        linestyle="none",
        alpha=1 if point.measured else ESTIMATED_ALPHA,
    )


def _label(axes: Axes, points: Sequence[Point]) -> None:
    """Names beside the plot, each with a line to its marker: inside they would overlap."""
    highest_first = sorted(points, key=lambda p: -(p.usd or 0))
    spacing = min(0.07, 1 / max(1, len(highest_first)))
    top = 0.5 + spacing * (len(highest_first) - 1) / 2
    for place, point in enumerate(highest_first):
        assert point.usd is not None
        axes.annotate(
            point.label + (" spot" if point.spot else ""),
            (point.hours, point.usd),
            xytext=(1.03, top - place * spacing),
            textcoords="axes fraction",
            fontsize=6,
            va="center",
            fontweight="bold" if point.optimum else "normal",
            color=INK,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.4,
                "color": FAINT,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
            annotation_clip=False,
        )


def _steps(
    axes: Axes, steps: Sequence[ResolutionPoint], places: Sequence[float], label: str
) -> None:
    axes.plot(
        places, [step.resolution_angstrom for step in steps], color="#0072B2", marker="o", lw=1.2
    )
    # Names are longer than the plot is wide: numbers here, names below.
    for number, (place, step) in enumerate(zip(places, steps, strict=True), 1):
        axes.annotate(
            str(number),
            (place, step.resolution_angstrom),
            textcoords="offset points",
            xytext=(4, 5),
            fontsize=6,
            color=INK,
        )
    axes.set_xlabel(label)
    axes.set_xlim(left=0)
    axes.margins(x=0.12, y=0.12)


def _patch(name: str, look: MachineLook) -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=look.colour, hatch=look.hatch, edgecolor="white", label=name)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, width=150)


def signed(figure: Figure, *lines: str) -> None:
    """Put lines of small print below a figure."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    shown = [line for line in lines if line]
    text = "\n".join(shown)
    # The captions below need room of their own.
    below = 0.01 + CAPTION_LINE * len(shown)
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0, below, 1, 1 - below)))
    figure.text(0.01, 0.005, text, fontsize=5.5, color=FAINT, va="bottom")


class drawn_on:  # noqa: N801 - used as a statement, like a function
    """A figure in the house's style, closed when it is done."""

    def __init__(self, path: Path, *, panels: int) -> None:
        ending = path.suffix.removeprefix(".").lower()
        if ending not in FORMATS:
            raise InputError(
                f"{path.name!r}: {ending or 'no ending'!r} is not a format of pictures; "
                f"{', '.join(FORMATS)} are.",
            )
        library("matplotlib")
        self._width = panels * PANEL_INCHES

    def __enter__(self) -> Figure:
        import matplotlib as mpl
        from matplotlib.figure import Figure

        self._style = mpl.rc_context(_STYLE)
        self._style.__enter__()
        return Figure(figsize=(self._width, 3.9))

    def __exit__(self, *failure: Any) -> None:
        self._style.__exit__(*failure)


def write(figure: Figure, path: Path) -> None:
    """Save a figure in the format of the file's ending."""
    # Without a date the same data give the same bytes.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    figure.savefig(path, dpi=300, metadata=metadata.get(path.suffix[1:].lower()))
