"""The paper's second plot: time against cost, a line for each type, with the optima."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from gotocloud.advisor.evidence import Point
from gotocloud.advisor.figures.bars import box_of, centre_text
from gotocloud.advisor.figures.chart import Chart, arc, reach, spread
from gotocloud.advisor.figures.palette import ESTIMATED_ALPHA, FAINT, INK, MachineLook
from gotocloud.advisor.figures.placing import Extent, Room, box_around
from gotocloud.advisor.figures.sheet import DPI, SMALL_PT, label_style, label_text
from gotocloud.advisor.preference import SCALE_HOURS, SCALE_USD

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

WINDOW = 3.2
"""How far a plot of time against cost reaches, in distances of the best from the origin.

Saturated clusters cost many times more than the best; an inset shows them, and all others.
"""

_SHARED = DPI / 3
"""Points of one type and label that are so near, in pixels, share it: they differ in ranks."""

_LEADER_FROM = 1.6
"""A label that is farther from its mark than this, in its least distances, has a line to it."""

MARK_PT, OPTIMUM_PT, ESTIMATED_PT = 4.5, 7.0, 3.0


def draw_plane(
    axes: Axes, chart: Chart, chosen: Mapping[str, MachineLook], *, spot: bool
) -> tuple[int, int]:
    """Draw time against cost in one market; the limits of the axes are set before.

    Returns:
        How many labels had no room, and how many are shared.
    """
    _draw_points(axes, chart, chosen, spot=spot)
    axes.set_xlabel("time in the job (hours)")
    axes.set_ylabel(f"cost {'on spot' if spot else 'on demand'} (US dollars)")
    inset = _draw_inset(axes, chart, chosen, spot=spot)
    return _label(axes, chart, inset, spot=spot)


def _draw_points(
    axes: Axes, chart: Chart, chosen: Mapping[str, MachineLook], *, spot: bool, size: float = 1
) -> None:
    best = chart.best(spot=spot)
    if best:
        axes.plot(*arc(best), linestyle=(0, (4, 3)), color=FAINT, linewidth=0.9, zorder=1)
    for name, look in chosen.items():
        if line := chart.line(name, spot=spot):
            axes.plot(*zip(*map(_place, line), strict=True), color=look.colour, lw=0.9, zorder=2)
    outlined = {id(point) for point in chart.optima(spot=spot).values()}
    for name, points in chart.series.items():
        for point in points:
            if point.usd is not None and point.spot == spot:
                _mark(axes, point, chosen[name], size, outlined=id(point) in outlined)


def _draw_inset(
    axes: Axes, chart: Chart, chosen: Mapping[str, MachineLook], *, spot: bool
) -> Axes | None:
    """All points, in the upper right corner, where some lie outside; else None."""
    half_hours, tens_of_usd = reach(chart.priced(spot=spot))
    hours, usd = half_hours * SCALE_HOURS, tens_of_usd * SCALE_USD
    if hours <= axes.get_xlim()[1] and usd <= axes.get_ylim()[1]:
        return None
    inset = axes.inset_axes((0.62, 0.66, 0.37, 0.33))
    _draw_points(inset, chart, chosen, spot=spot, size=0.55)
    inset.set_xlim(0, 1.08 * hours)
    inset.set_ylim(0, 1.08 * usd)
    inset.locator_params(nbins=3)
    inset.tick_params(length=2, pad=1.5)
    inset.set_title("all points", fontsize=SMALL_PT, pad=2)
    return inset


def limits(axes: Axes, half_hours: float, tens_of_usd: float) -> None:
    """Set how far both axes reach, in the paper's units."""
    axes.set_xlim(0, half_hours * SCALE_HOURS)
    axes.set_ylim(0, tens_of_usd * SCALE_USD)


def _mark(axes: Axes, point: Point, look: MachineLook, size: float, *, outlined: bool) -> None:
    hours, usd = _place(point)
    if point.hours_interval or point.usd_interval:
        across, up = spread(hours, point.hours_interval), spread(usd, point.usd_interval)
        axes.plot([hours - across[0], hours + across[1]], [usd, usd], color=look.colour, lw=0.6)
        axes.plot([hours, hours], [usd - up[0], usd + up[1]], color=look.colour, lw=0.6)
    axes.plot(
        hours,
        usd,
        marker=look.marker,
        markersize=size * _size(point, outlined=outlined),
        color=look.colour,
        markeredgecolor=INK if outlined else "white",
        markeredgewidth=size * (1.2 if outlined else 0.4),
        alpha=1 if point.measured or outlined else ESTIMATED_ALPHA,
        zorder=5 if point.optimum else 4 if outlined else 3,
    )


def _size(point: Point, *, outlined: bool) -> float:
    return OPTIMUM_PT if outlined else MARK_PT if point.measured else ESTIMATED_PT


def _label(axes: Axes, chart: Chart, inset: Axes | None, *, spot: bool) -> tuple[int, int]:
    optima = list(chart.optima(spot=spot).values())
    others = [p for name in chart.series for p in chart.line(name, spot=spot) if p not in optima]
    room = _room(axes, chart, optima, spot=spot)
    if inset and (edge := inset.get_tightbbox()):
        room.marks.append(Extent(*edge.padded(4).extents))
    # The best first, then those that have the least room: near the origin.
    first = sorted(optima, key=lambda p: (not p.optimum, distance(p)))
    shown = Extent(0, 0, axes.get_xlim()[1], axes.get_ylim()[1])
    named: list[tuple[tuple[str, str], tuple[float, float]]] = []
    missing = shared = 0
    for point in (*first, *sorted(others, key=distance)):
        if not shown.holds(box_around(*_place(point), 0, 0)):
            continue
        full = point in optima
        name = point.label if full else point.short_label
        place = _pixels(axes, _place(point))
        of_type = (point.instance_type, name)
        if any(other == of_type and math.dist(at, place) < _SHARED for other, at in named):
            shared += 1
        elif _put(axes, _text(axes, name, point), point, room, _size(point, outlined=full)):
            named.append((of_type, place))
        else:
            missing += 1
    return missing, shared


def _text(axes: Axes, name: str, point: Point) -> Text:
    text = label_text(name, optimum=point.optimum)
    return axes.annotate(text, (0, 0), **label_style(optimum=point.optimum))


def _put(axes: Axes, text: Text, point: Point, room: Room, mark_pt: float) -> bool:
    size = box_of(text)
    x, y = _pixels(axes, _place(point))
    off = (mark_pt / 2 + 1.5) * DPI / 72
    found = room.place(x, y, size.x1 - size.x0 + 6, size.y1 - size.y0 + 2, off)
    if found is None:
        text.remove()
        return False
    centre_text(axes, text, found)
    end = found.nearest(x, y)
    if math.dist((x, y), end) > _LEADER_FROM * off:
        ends = axes.transData.inverted().transform([(x, y), end])
        axes.plot(ends[:, 0], ends[:, 1], color=FAINT, linewidth=0.5, zorder=1.5)
    return True


def distance(point: Point) -> float:
    """From the origin of the paper's axes."""
    hours, usd = _place(point)
    return math.hypot(hours / SCALE_HOURS, usd / SCALE_USD)


def _place(point: Point) -> tuple[float, float]:
    """Where a point whose cost is known lies: hours and US dollars."""
    assert point.usd is not None
    return point.hours, point.usd


def _pixels(axes: Axes, place: tuple[float, float]) -> tuple[float, float]:
    x, y = axes.transData.transform(place)
    return float(x), float(y)


def _room(axes: Axes, chart: Chart, optima: Sequence[Point], *, spot: bool) -> Room:
    """The marks, error bars, lines and the arc, where labels would lie on them."""
    room = Room(Extent(*axes.bbox.extents))
    paths = [list(map(_place, chart.line(name, spot=spot))) for name in chart.series]
    for point in chart.priced(spot=spot):
        hours, usd = _place(point)
        side = (_size(point, outlined=point in optima) + 1) * DPI / 72
        room.marks.append(box_around(*_pixels(axes, (hours, usd)), side, side))
        paths.append([(end, usd) for end in point.hours_interval or ()])
        paths.append([(hours, end) for end in point.usd_interval or ()])
    best = chart.best(spot=spot)
    if best:
        paths.append(list(zip(*arc(best), strict=True)))
    for path in paths:
        room.lines += pairwise(_pixels(axes, place) for place in path)
    return room
