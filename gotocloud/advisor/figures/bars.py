"""The paper's first plot: time against the number of GPUs, a bar for each type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gotocloud.advisor.figures.chart import NO_GPU, Bar, Chart, spread
from gotocloud.advisor.figures.palette import ESTIMATED_ALPHA, INK, MachineLook
from gotocloud.advisor.figures.placing import Extent, Room, box_around
from gotocloud.advisor.figures.sheet import SMALL_PT, label_style, label_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

WIDEST_INCHES = 0.32
"""A bar is not wider, however few there are."""

_GAP = 0.8
"""Least distance of two groups, in bars."""

_OFF = 10
"""Of a label from its bar, pixels."""

_TRIES = 20


@dataclass(frozen=True)
class PlacedBar:
    """A bar and its place.

    Args:
        bar: What it shows.
        centre: Along the axis, in the unit of its length.
        width: Likewise.
    """

    bar: Bar
    centre: float
    width: float


def placed(bars: Sequence[Bar], length: float, widest: float) -> tuple[PlacedBar, ...]:
    """Bars in groups that are spread evenly over an axis.

    Args:
        bars: Fewest GPUs first.
        length: Of the axis, in any unit.
        widest: Of a bar, in the same unit.
    """
    groups = list(dict.fromkeys(bar.group for bar in bars))
    width = min(widest, length / (len(bars) + _GAP * len(groups)))
    pad = (length - width * len(bars)) / max(1, len(groups))
    made = []
    for number, bar in enumerate(bars):
        before = groups.index(bar.group)
        made.append(PlacedBar(bar, pad * (before + 0.5) + width * (number + 0.5), width))
    return tuple(made)


def group_centres(bars: Sequence[PlacedBar]) -> dict[int, float]:
    """The middle of each group's bars."""
    found: dict[int, list[float]] = {}
    for one in bars:
        found.setdefault(one.bar.group, []).append(one.centre)
    return {group: sum(places) / len(places) for group, places in found.items()}


def group_text(group: int) -> str:
    """The name of a group below its bars."""
    return "no GPU" if group == NO_GPU else str(group)


def draw_bars(axes: Axes, chart: Chart, chosen: Mapping[str, MachineLook], length: float) -> None:
    """Draw the bars, with their ideal times, and outline and label the optima.

    Args:
        axes: `length` inches wide.
        chart: What is known.
        chosen: The look of each series.
        length: Inches.
    """
    bars = placed(chart.bars, length, WIDEST_INCHES)
    for one in bars:
        _draw_bar(axes, one, chosen[one.bar.series])
    axes.set_xlim(0, length)
    axes.set_ylim(0, _highest(bars))
    axes.set_xlabel(chart.group_name)
    axes.set_ylabel("time in the job (hours)")
    axes.tick_params(axis="x", length=0)
    _name_groups(axes, bars)
    _label_optima(axes, bars)


def _draw_bar(axes: Axes, placed_bar: PlacedBar, look: MachineLook) -> None:
    bar, x = placed_bar.bar, placed_bar.centre
    point, width = bar.point, 0.92 * placed_bar.width
    axes.bar(
        x,
        point.hours,
        width,
        color=look.colour,
        hatch=look.hatch,
        edgecolor="white",
        linewidth=0,
        alpha=1 if point.measured else ESTIMATED_ALPHA,
    )
    if bar.optimum:
        axes.bar(x, point.hours, width, color="none", edgecolor=INK, linewidth=1.4, zorder=3)
    if point.hours_interval:
        sides = [[side] for side in spread(point.hours, point.hours_interval)]
        axes.errorbar(x, point.hours, yerr=sides, ecolor=INK, elinewidth=0.8, capsize=1.5, zorder=4)
    for slower in bar.slower:
        axes.plot(x, slower.hours, look.marker, color=look.colour, mec="white", mew=0.4, ms=3.5)
    if bar.ideal_hours is not None:
        for colour, thick in (("white", 2.4), (INK, 1.1)):
            ends = [x - width / 2, x + width / 2]
            axes.plot(ends, [bar.ideal_hours] * 2, color=colour, lw=thick, zorder=5)


def _top(bar: Bar) -> float:
    """Hours that a bar with everything on it reaches."""
    point = bar.point
    ends = [point.hours, *(other.hours for other in bar.slower), bar.ideal_hours or 0]
    return max(*ends, (point.hours_interval or (0, 0))[1])


def _highest(bars: Sequence[PlacedBar]) -> float:
    return 1.05 * max(_top(one.bar) for one in bars)


def _name_groups(axes: Axes, bars: Sequence[PlacedBar]) -> None:
    """A number below each group; where groups are narrow, not below each."""
    centres = group_centres(bars)
    names = list(map(group_text, centres))
    axes.set_xticks(list(centres.values()), names, fontsize=SMALL_PT)
    last: Extent | None = None
    for text in axes.get_xticklabels():
        box = box_of(text)
        apart = Extent(box.x0 - 6, box.y0, box.x1 + 6, box.y1)
        if last is not None and apart.meets(last):
            text.set_visible(False)
        else:
            last = box


def _label_optima(axes: Axes, bars: Sequence[PlacedBar]) -> None:
    """The paper's label above each outlined bar; the axis grows until all of them have room."""
    optima = [one for one in bars if one.bar.optimum]
    texts = [_label(axes, one) for one in optima]
    labels = list(zip(texts, optima, strict=True))
    for _ in range(_TRIES):
        # Level labels are easier to read, but need more room beside each other.
        if any(_all_placed(axes, bars, labels, turned=turned) for turned in (False, True)):
            return
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])


def _label(axes: Axes, one: PlacedBar) -> Text:
    point = one.bar.point
    return axes.text(
        one.centre,
        _top(one.bar),
        label_text(point.label, optimum=point.optimum),
        **label_style(optimum=point.optimum),
    )


def _all_placed(
    axes: Axes,
    bars: Sequence[PlacedBar],
    labels: Sequence[tuple[Text, PlacedBar]],
    *,
    turned: bool,
) -> bool:
    """Put each label above its bar, level or upright; whether all of them have room."""
    # The axes themselves, without what is written beside them.
    room = Room(Extent(*axes.bbox.extents), [_bar_box(axes, one) for one in bars])
    for text, one in labels:
        text.set_rotation(90 if turned else 0)
        size = box_of(text)
        wide, high = size.x1 - size.x0, size.y1 - size.y0
        x, y = axes.transData.transform((one.centre, _top(one.bar)))
        middles = [y + _OFF + high / 2 + step * (high + 2) for step in range(3)]
        found = room.take_first(box_around(x, middle, wide, high) for middle in middles)
        if found is None:
            return False
        centre_text(axes, text, found)
    return True


def _bar_box(axes: Axes, one: PlacedBar) -> Extent:
    left, foot = axes.transData.transform((one.centre - one.width / 2, 0))
    right, top = axes.transData.transform((one.centre + one.width / 2, _top(one.bar)))
    return Extent(left, foot, right, top + _OFF / 2)


def box_of(text: Text) -> Extent:
    """The rectangle of a text, in pixels."""
    return Extent(*text.get_window_extent().extents)


def centre_text(axes: Axes, text: Text, box: Extent) -> None:
    """Move a text of axes into a rectangle, in pixels."""
    middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    x, y = axes.transData.inverted().transform(middle)
    text.set_position((float(x), float(y)))
