"""Timings for tests of the drawing; they follow a formula and claim nothing."""

from __future__ import annotations

import math
from dataclasses import replace

from gotocloud.advisor.figures.chart import Chart, Point, ResolutionStep, Span, shape_label

_TYPES = (("g4dn.metal", 8, 96, 8.0, 1.0), ("g5.12xlarge", 4, 48, 6.0, 2.0))
STEPS = tuple(
    ResolutionStep(f"cycle {number}", angstrom, hours, usd)
    for number, (angstrom, hours, usd) in enumerate(
        # Streptavidin, Moriya et al. 2024.
        ((3.2, 34.41, 957), (2.23, 42.06, 1129), (1.95, 77.65, 2204), (1.87, 136.55, 4546)),
        1,
    )
)


def points() -> tuple[Point, ...]:
    """Two families, three node counts, on demand and spot, with optimum and front."""
    made = []
    for name, gpus, vcpus, price, speed in _TYPES:
        for nodes in (1, 2, 4):
            hours = 0.15 + 6 / (nodes * gpus * speed)
            for spot in (False, True):
                usd = hours * nodes * price * (0.4 if spot else 1)
                made.append(
                    Point(
                        shape_label(nodes * gpus, nodes, name, gpus, vcpus),
                        name,
                        nodes * gpus,
                        Span(hours, 0.9 * hours, 1.1 * hours),
                        Span(usd),
                        spot,
                    )
                )

    def far(point: Point) -> float:
        assert point.usd is not None
        return math.hypot(point.hours.value / 0.5, point.usd.value / 10)

    best = min(made, key=far)
    return tuple(replace(point, optimum=point is best, on_front=point.spot) for point in made)


def chart(**changes: object) -> Chart:
    """A chart of those timings."""
    made = Chart("refine3d", "refine3d, a formula", "GPUs", points(), "a formula, not a run")
    return replace(made, **changes)  # type: ignore[arg-type]
