"""The pictures for a publication: the paper's plots of a job, and resolution against cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gotocloud.advisor.evidence import ResolutionPoint
from gotocloud.advisor.figures.bars import draw_bars
from gotocloud.advisor.figures.chart import Chart, reach
from gotocloud.advisor.figures.palette import INK, MachineLook, looks
from gotocloud.advisor.figures.plane import WINDOW, distance, draw_plane, limits
from gotocloud.advisor.figures.sheet import (
    LINE_INCHES,
    SMALL_PT,
    TITLE_PT,
    WIDTH_INCHES,
    caption,
    drawn_on,
    panel,
    signed,
    wrapped,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KEY = (
    "Outlined: the optimum of each line, nearest to the origin by time and cost in the job, half "
    "an hour as long as 10 USD (the paper's criterion); *: the best of all; dashed: as far "
    "from the origin as the best. Labels: GPUs (threads, where there are none) @ machines x family "
    "(GPUs, vCPUs of a machine)."
)
"""What the signs mean."""

IDEAL = (
    "Ideal scaling from the fewest {of} of a line: the short lines across bars; in time against "
    "cost, no change of cost."
)
PALE = "Pale: estimated between measurements."
SLOWER = "Markers above bars: other ranks and threads."

_LEFT, _RIGHT, _TOP, _GAP = 0.55, 0.08, 0.3, 0.5
_BARS_HIGH = 2.0
_PLANE_HIGH = (1.9, 3.3)
_LETTER_INCHES = 0.062


def save_chart(chart: Chart, path: Path) -> None:
    """Draw the paper's two plots of a job type: time against GPUs, and time against cost.

    Time against cost is drawn for machines on demand and on spot, in one scale.

    Args:
        path: Its ending is the format: svg, pdf or png (300 dots per inch).

    Raises:
        InputError: if the format is another one or matplotlib is missing.
    """
    with drawn_on(path) as figure:
        draw_chart(figure, chart)
        write(figure, path)


def draw_chart(figure: Figure, chart: Chart) -> None:
    """Draw the plots of a job type on a figure, whose height is set."""
    chosen = looks(tuple(chart.series))
    markets = [spot for spot in (False, True) if chart.priced(spot=spot)]
    planes = _Planes(chart, markets)
    per_row, rows = _legend_shape(chosen)
    # A label without room is one more line; it is there in the rare case alone.
    lines = _caption(chart, markets)
    begins = _TOP + 0.17 * rows + 0.12
    below = begins + _BARS_HIGH + _GAP
    foot = below + (planes.highest + _GAP if markets else 0)
    figure.set_size_inches(WIDTH_INCHES, foot + LINE_INCHES * (len(lines) + 1) + 0.1)
    _title(figure, chart, chosen, per_row)
    length = WIDTH_INCHES - _LEFT - _RIGHT
    bars = panel(figure, _LEFT, begins, length, _BARS_HIGH)
    draw_bars(bars, chart, chosen, length)
    _letter(figure, bars, "a")
    missing = shared = 0
    for number, spot in enumerate(markets):
        high = planes.height(spot=spot)
        left = _LEFT + number * (planes.width + _LEFT + _RIGHT)
        axes = panel(figure, left, below + planes.highest - high, planes.width, high)
        limits(axes, planes.width / planes.scale, high / planes.scale)
        without, with_another = draw_plane(axes, chart, chosen, spot=spot)
        missing, shared = missing + without, shared + with_another
        _letter(figure, axes, "bc"[number])
    if missing or shared:
        lines.append(_labels_kept(missing, shared))
    caption(figure, lines)


def _labels_kept(missing: int, shared: int) -> str:
    """Which points have no label of their own."""
    lines = []
    if shared:
        lines.append(
            "Points that differ in ranks or threads and are near each other share a label."
        )
    if missing:
        lines.append(f"Labels without room, left out: {missing}.")
    return " ".join(lines)


class _Planes:
    """The sizes of the plots of time against cost, inches; one scale for all of them."""

    def __init__(self, chart: Chart, markets: Sequence[bool]) -> None:
        self._reach = {spot: reach(chart.priced(spot=spot)) for spot in markets}
        self.width = WIDTH_INCHES / 2 - _LEFT - _RIGHT
        best = [distance(one) for spot in markets if (one := chart.best(spot=spot))]
        self._window = WINDOW * max(best, default=math.inf)
        # A twelfth more, so that no mark is cut and labels have room.
        hours, usd = (
            1.12 * max((min(one[axis], self._window) for one in self._reach.values()), default=1)
            for axis in (0, 1)
        )
        self.scale = min(self.width / hours, _PLANE_HIGH[1] / usd)
        self.highest = max((self.height(spot=spot) for spot in markets), default=0.0)

    def height(self, *, spot: bool) -> float:
        """Of the plot of a market."""
        usd = min(self._reach[spot][1], self._window)
        return min(_PLANE_HIGH[1], max(_PLANE_HIGH[0], 1.12 * usd * self.scale))


def _caption(chart: Chart, markets: Sequence[bool]) -> list[str]:
    points = [bar.point for bar in chart.bars]
    texts = [KEY] if markets else ["No cost is known, so there is no plot of time against cost."]
    if len(markets) > 1:
        texts.append("Outlined in a: the optima on demand.")
    if any(bar.ideal_hours for bar in chart.bars):
        texts.append(IDEAL.format(of="GPUs" if chart.on_gpu else "machines"))
    if any(bar.slower for bar in chart.bars):
        texts.append(SLOWER)
    if not all(point.measured for point in (*points, *chart.points)):
        texts.append(PALE)
    if chart.left_out:
        texts.append(f"Not drawn: {chart.left_out}.")
    unpriced = sorted(
        {p.instance_type for p in chart.points}
        - {p.instance_type for m in markets for p in chart.priced(spot=m)}
    )
    if markets and unpriced:
        texts.append(f"Cost unknown: {', '.join(unpriced)}.")
    return [*wrapped(" ".join(texts)), *wrapped(chart.source)]


def _legend_shape(chosen: Mapping[str, MachineLook]) -> tuple[int, int]:
    """How many entries a line of the legend has, and how many lines there are."""
    widest = 0.5 + _LETTER_INCHES * max(map(len, chosen))
    per_row = max(1, min(len(chosen), int((WIDTH_INCHES - _LEFT) / widest)))
    return per_row, math.ceil(len(chosen) / per_row)


def _title(figure: Figure, chart: Chart, chosen: Mapping[str, MachineLook], per_row: int) -> None:
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    high = figure.get_size_inches()[1]
    title = wrapped(chart.title, 90)
    figure.text(
        _LEFT / WIDTH_INCHES, 1 - 0.06 / high, title[0], fontsize=TITLE_PT, va="top", color=INK
    )
    handles: list[Any] = [
        (
            Patch(facecolor=look.colour, hatch=look.hatch * 2, edgecolor="white", linewidth=0),
            Line2D(
                [], [], color=look.colour, marker=look.marker, ms=4.5, lw=0.9, mec="white", mew=0.4
            ),
        )
        for look in chosen.values()
    ]
    figure.legend(
        handles,
        list(chosen),
        loc="upper left",
        bbox_to_anchor=(_LEFT / WIDTH_INCHES, 1 - (_TOP - 0.04) / high),
        ncol=per_row,
        frameon=False,
        fontsize=SMALL_PT,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.4,
        handlelength=3.2,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.6)},
    )


def _letter(figure: Figure, axes: Axes, letter: str) -> None:
    """The letter of a panel, beside its upper left corner."""
    box = axes.get_position()
    left = box.x0 - (_LEFT - 0.04) / WIDTH_INCHES
    figure.text(left, box.y1, letter, fontsize=TITLE_PT, fontweight="bold", va="bottom")


def save_resolution(
    steps: Sequence[ResolutionPoint], title: str, path: Path, *, source: str = ""
) -> None:
    """Draw resolution against cumulative time and against cumulative cost.

    Raises:
        InputError: as `save_chart`.
    """
    with drawn_on(path) as figure:
        hours, usd = figure.subplots(1, 2, sharey=True)
        _steps(hours, steps, [step.hours for step in steps], "cumulative time (hours)")
        _steps(usd, steps, [step.usd for step in steps], "cumulative cost (US dollars)")
        # Better is up: fewer angstroms.
        hours.invert_yaxis()
        hours.set_ylabel("resolution (Å)")
        figure.suptitle(title, fontsize=TITLE_PT)
        names = [f"{number} {step.name}" for number, step in enumerate(steps, 1)]
        signed(figure, "; ".join(names), source)
        write(figure, path)


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
            fontsize=SMALL_PT,
            color=INK,
        )
    axes.set_xlabel(label)
    axes.set_xlim(left=0)
    axes.margins(x=0.12, y=0.12)
