"""The plot of Rosenthal and Henderson: 1/d² against the logarithm of the particles."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from gotocloud.advisor.collecting import FARTHEST, BFactorLine
from gotocloud.advisor.figures.palette import FAINT, INK
from gotocloud.advisor.figures.sheet import (
    SMALL_PT,
    TITLE_PT,
    WIDTH_INCHES,
    drawn_on,
    signed,
    write,
)
from gotocloud.advisor.subsets import Subsets

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE_COLOUR = "#0072B2"
_PLACES = 60


def save_b_factor(
    line: BFactorLine, subsets: Subsets, path: Path, *, target_angstrom: float | None = None
) -> None:
    """Draw the sub-sets, the line up to where it is followed, and the interval of the next map.

    Args:
        path: Its ending is the format: svg, pdf or png (300 dots per inch).

    Raises:
        InputError: if the format is another one or matplotlib is missing.
    """
    with drawn_on(path, width=WIDTH_INCHES / 2) as figure:
        axes = figure.subplots()
        _draw_line(axes, line)
        axes.plot(
            [one.particles for one in subsets.subsets],
            [one.resolution_angstrom**-2 for one in subsets.subsets],
            "o",
            color=LINE_COLOUR,
            markersize=4,
        )
        if target_angstrom:
            axes.axhline(target_angstrom**-2, color=INK, lw=0.8, ls="--")
            axes.annotate(
                f"target {target_angstrom:g} Å",
                (line.particles[0], target_angstrom**-2),
                textcoords="offset points",
                xytext=(0, 3),
                fontsize=SMALL_PT,
            )
        axes.set_xscale("log")
        axes.set_xlabel("particles")
        axes.set_ylabel("1 / resolution² (1/Å²)")
        _angstroms_at_the_right(axes)
        b_factor = f"B = {line.b_factor:.3g} Å²" if line.b_factor else "no B-factor"
        figure.suptitle(f"Resolution against particles: {b_factor}", fontsize=TITLE_PT)
        band = "band: nine of ten next maps; " if line.spread is not None else ""
        signed(figure, f"{band}dotted: beyond the largest sub-set", subsets.source)
        write(figure, path)


def _draw_line(axes: Axes, line: BFactorLine) -> None:
    few, many = line.particles
    beyond = FARTHEST * many
    steps = [few * (beyond / few) ** (step / _PLACES) for step in range(_PLACES + 1)]
    reached = [(n, found) for n in steps if (found := line.resolution(n))]
    for style, part in (
        ("-", [one for one in reached if one[0] <= many * 1.001]),
        (":", [one for one in reached if one[0] >= many * 0.9]),
    ):
        axes.plot(
            [n for n, _ in part], [d[0] ** -2 for _, d in part], style, color=LINE_COLOUR, lw=1.2
        )
    if line.spread is not None:
        axes.fill_between(
            [n for n, _ in reached],
            [0 if d[2] is None or math.isinf(d[2]) else d[2] ** -2 for _, d in reached],
            [0 if d[1] is None else d[1] ** -2 for _, d in reached],
            color=LINE_COLOUR,
            alpha=0.15,
            lw=0,
        )


def _angstroms_at_the_right(axes: Axes) -> None:
    """The same height in Å, at round resolutions."""
    low, high = axes.get_ylim()
    shown = [d / 10 for d in range(10, 101) if low <= (d / 10) ** -2 <= high]
    # Labels closer than a twelfth of the height would lie on each other.
    kept: list[float] = []
    for d in shown:
        if not kept or abs(kept[-1] ** -2 - d**-2) > (high - low) / 12:
            kept.append(d)
    right = axes.twinx()
    right.set_ylim(low, high)
    right.set_yticks([d**-2 for d in kept], [f"{d:g} Å" for d in kept])
    right.spines["right"].set_color(FAINT)
