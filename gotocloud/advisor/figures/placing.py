"""Where a label has room: beside its mark, and on no other label, mark or line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

CROSSED = 150.0
"""A line below a label is as bad as a label so many pixels farther away."""

_ANGLES = 24
_STEPS = (1.0, 1.5, 2.2, 3.2, 4.5, 6.0, 8.0, 11.0, 15.0, 20.0, 26.0, 34.0, 44.0)


class Extent(NamedTuple):
    """A rectangle, in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    def meets(self, other: Extent) -> bool:
        """Whether two rectangles share more than an edge."""
        return (
            self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1
        )

    def holds(self, other: Extent) -> bool:
        """Whether the other rectangle lies inside."""
        return (
            self.x0 <= other.x0
            and self.y0 <= other.y0
            and other.x1 <= self.x1
            and other.y1 <= self.y1
        )

    def crossed_by(self, line: Segment) -> bool:
        """Whether a straight line enters the rectangle (Liang and Barsky's clipping)."""
        (x, y), (to_x, to_y) = line
        dx, dy = to_x - x, to_y - y
        enters, leaves = 0.0, 1.0
        for way, room in (
            *((-dx, x - self.x0), (dx, self.x1 - x)),
            *((-dy, y - self.y0), (dy, self.y1 - y)),
        ):
            if way == 0:
                if room <= 0:
                    return False
            elif way < 0:
                enters = max(enters, room / way)
            else:
                leaves = min(leaves, room / way)
        return enters < leaves

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The place of the rectangle that is nearest to a point."""
        return min(max(x, self.x0), self.x1), min(max(y, self.y0), self.y1)


Segment = tuple[tuple[float, float], tuple[float, float]]


def box_around(x: float, y: float, width: float, height: float) -> Extent:
    """A rectangle by its centre, in pixels."""
    return Extent(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


@dataclass
class Room:
    """What is taken of a panel, in pixels.

    Args:
        within: The panel.
        marks: What no label may touch, and a leader should not.
        taken: Labels, which neither another label nor its leader may touch.
        lines: What a label should not lie on.
        leaders: From labels to their marks; no label may lie on one.
    """

    within: Extent
    marks: list[Extent] = field(default_factory=list)
    taken: list[Extent] = field(default_factory=list)
    lines: list[Segment] = field(default_factory=list)
    leaders: list[Segment] = field(default_factory=list)

    def place(self, x: float, y: float, width: float, height: float, off: float) -> Extent | None:
        """Take room for a label of a mark; None where there is none.

        Args:
            x: Of the mark's centre.
            y: Likewise.
            width: Of the label.
            height: Likewise.
            off: Least distance of the label from the mark's centre.
        """
        best = min(self._free(x, y, width, height, off), default=None)
        if best is None:
            return None
        box = best[1]
        self.taken.append(box)
        self.leaders.append(((x, y), box.nearest(x, y)))
        return box

    def take_first(self, boxes: Iterable[Extent]) -> Extent | None:
        """Take the first of some rectangles that is free; None where none is."""
        for box in boxes:
            if self.within.holds(box) and not any(map(box.meets, (*self.marks, *self.taken))):
                self.taken.append(box)
                return box
        return None

    def _free(
        self, x: float, y: float, width: float, height: float, off: float
    ) -> Iterator[tuple[float, Extent]]:
        for step in _STEPS:
            for turn in range(_ANGLES):
                angle = 2 * math.pi * turn / _ANGLES
                # The label's edge, not its middle, is so far away.
                box = box_around(
                    x + math.cos(angle) * (step * off + width / 2),
                    y + math.sin(angle) * (step * off + height / 2),
                    width,
                    height,
                )
                leader: Segment = ((x, y), box.nearest(x, y))
                if self._refused(box, leader):
                    continue
                yield math.dist(*leader) + CROSSED * self._crossed(box, leader), box

    def _refused(self, box: Extent, leader: Segment) -> bool:
        return (
            not self.within.holds(box)
            or any(map(box.meets, (*self.marks, *self.taken)))
            or any(map(box.crossed_by, self.leaders))
            or any(taken.crossed_by(leader) for taken in self.taken)
        )

    def _crossed(self, box: Extent, leader: Segment) -> float:
        lines = sum(map(box.crossed_by, self.lines))
        others = sum(_cross(leader, other) for other in self.leaders)
        # A leader leaves its own mark, and often passes another one that lies on it.
        marks = sum(mark.crossed_by(leader) for mark in self.marks)
        return lines + others + 0.3 * marks


def _cross(one: Segment, other: Segment) -> bool:
    """Whether two straight lines cross."""
    return _side(one, other[0]) != _side(one, other[1]) and _side(other, one[0]) != _side(
        other, one[1]
    )


def _side(line: Segment, point: Sequence[float]) -> bool:
    (x, y), (to_x, to_y) = line
    return (to_x - x) * (point[1] - y) > (to_y - y) * (point[0] - x)
