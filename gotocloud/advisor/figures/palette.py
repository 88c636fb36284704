"""How instance types are distinguished: by colour, by marker and by hatch, so that any one does.

The colours are those of Okabe and Ito, chosen to differ for people with any kind of colour
vision. Source: https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class MachineLook:
    """The look of one instance type.

    Args:
        colour: As hexadecimal RGB.
        marker: matplotlib's name of the marker.
        symbol: plotly's name of the same marker.
        hatch: matplotlib's hatch of the bars.
        pattern: plotly's pattern of the bars.
    """

    colour: str
    marker: str
    symbol: str
    hatch: str
    pattern: str


LOOKS = (
    MachineLook("#0072B2", "o", "circle", "", ""),
    MachineLook("#E69F00", "s", "square", "//", "/"),
    MachineLook("#009E73", "^", "triangle-up", "..", "."),
    MachineLook("#CC79A7", "D", "diamond", "xx", "x"),
    MachineLook("#56B4E9", "v", "triangle-down", "\\\\", "\\"),
    MachineLook("#D55E00", "P", "cross", "++", "+"),
    MachineLook("#000000", "X", "x", "||", "|"),
)
INK = "#222222"
FAINT = "#777777"
MUTED = "#555555"


ESTIMATED_ALPHA = 0.45
"""Opacity of what was not measured itself."""


def looks(instance_types: Sequence[str]) -> dict[str, MachineLook]:
    """A look for each instance type; after seven the looks repeat."""
    return {name: LOOKS[index % len(LOOKS)] for index, name in enumerate(instance_types)}
