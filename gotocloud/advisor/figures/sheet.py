"""The sheet that a picture for a publication is drawn on: SVG, PDF or PNG, by matplotlib."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gotocloud.advisor.extras import library
from gotocloud.advisor.figures.palette import INK, MUTED
from gotocloud.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
WIDTH_INCHES = 178 / 25.4
"""Two columns of a journal, 178 mm; no text is smaller than 7 points at this width."""

DPI = 300
SMALL_PT = 7.0
TITLE_PT = 9.0
LINE_INCHES = 0.13
"""Height of a line of small print."""

LETTERS = 140
"""Letters in a line of small print across the sheet; letters of the font are of unlike widths."""

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "axes.linewidth": 0.7,
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


def label_text(name: str, *, optimum: bool) -> str:
    """A point's label; that of the best setting has the paper's asterisk."""
    return f"*{name}" if optimum else name


def label_style(*, optimum: bool) -> dict[str, Any]:
    """How matplotlib draws a point's label, above everything else."""
    return {
        "fontsize": SMALL_PT,
        "fontweight": "bold" if optimum else "normal",
        "color": INK,
        "ha": "center",
        "va": "center",
        "zorder": 6,
    }


class drawn_on:  # noqa: N801 - used as a statement, like a function
    """A figure in the house's style, closed when it is done.

    Args:
        path: Its ending is the format.
        width: Inches. Default: 178 mm.
        height: Inches; a picture that computes its height sets it later.

    Raises:
        InputError: if the format is another one or matplotlib is missing.
    """

    def __init__(self, path: Path, *, width: float = WIDTH_INCHES, height: float = 3.9) -> None:
        ending = path.suffix.removeprefix(".").lower()
        if ending not in FORMATS:
            raise InputError(
                f"{path.name!r}: {ending or 'no ending'!r} is not a format of pictures; "
                f"{', '.join(FORMATS)} are.",
            )
        library("matplotlib")
        self._size = (width, height)

    def __enter__(self) -> Figure:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._style = mpl.rc_context(_STYLE)
        self._style.__enter__()
        figure = Figure(figsize=self._size, dpi=DPI)
        FigureCanvasAgg(figure)
        return figure

    def __exit__(self, *failure: Any) -> None:
        self._style.__exit__(*failure)


def write(figure: Figure, path: Path) -> None:
    """Save a figure in the format of the file's ending."""
    # Without a date the same data give the same bytes.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    figure.savefig(path, dpi=DPI, metadata=metadata.get(path.suffix[1:].lower()))


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place of the sheet, all in inches; `top` is the distance from its upper edge."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))


def wrapped(text: str, letters: int = LETTERS) -> list[str]:
    """Small print in lines that fit the sheet."""
    return textwrap.wrap(text, width=letters)


def caption(figure: Figure, lines: list[str]) -> None:
    """Put lines of small print at the foot of a figure."""
    high = figure.get_size_inches()[1]
    for number, line in enumerate(reversed(lines)):
        figure.text(
            0.01,
            (0.06 + LINE_INCHES * number) / high,
            line,
            fontsize=SMALL_PT,
            color=MUTED,
            va="bottom",
        )


def signed(figure: Figure, *texts: str) -> None:
    """Put lines of small print below a figure whose panels matplotlib arranges."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    wide, high = figure.get_size_inches()
    letters = int(LETTERS * wide / WIDTH_INCHES)
    lines = [line for text in texts for line in wrapped(text, letters)]
    below = (0.12 + LINE_INCHES * len(lines)) / high
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0, below, 1, 1 - below)))
    caption(figure, lines)
