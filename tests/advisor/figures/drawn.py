"""Timings for tests of the drawing; they follow a formula and claim nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from gotocloud.advisor.evidence import Point, ResolutionPoint
from gotocloud.advisor.figures.chart import Chart

_TYPES = (("g4dn.metal", 8, 96, 8.0, 1.0), ("g5.12xlarge", 4, 48, 6.0, 2.0))
STEPS = tuple(
    ResolutionPoint(f"cycle {number}", angstrom, hours, usd)
    for number, (angstrom, hours, usd) in enumerate(
        # Streptavidin, Moriya et al. 2024.
        ((3.2, 34.41, 957), (2.23, 42.06, 1129), (1.95, 77.65, 2204), (1.87, 136.55, 4546)),
        1,
    )
)


def point(hours: float, usd: float | None, **changes: Any) -> Point:
    """A point of one GPU, measured once."""
    made = Point(
        label="1@1x g5(1,4)",
        short_label="1@1x",
        instance_type="g5.xlarge",
        nodes=1,
        units=1,
        on_gpu=True,
        spot=False,
        hours=hours,
        hours_interval=None,
        usd=usd,
        usd_interval=None,
        measured=True,
        optimum=False,
        on_front=False,
        basis="measured",
        sources=("a formula, not a run",),
        price_date="2024-02",
    )
    return replace(made, **changes)


def far(one: Point) -> float:
    """Distance from the origin of the paper's axes."""
    return math.hypot(one.hours / 0.5, (one.usd or 0) / 10)


def points() -> tuple[Point, ...]:
    """Two types, three node counts, on demand and spot, with the optimum of each market."""
    made = []
    for name, gpus, vcpus, price, speed in _TYPES:
        family = name.partition(".")[0]
        for nodes in (1, 2, 4):
            hours = 0.15 + 6 / (nodes * gpus * speed)
            for spot in (False, True):
                made.append(
                    point(
                        hours,
                        hours * nodes * price * (0.4 if spot else 1),
                        label=f"{nodes * gpus}@{nodes}x {family}({gpus},{vcpus})",
                        instance_type=name,
                        nodes=nodes,
                        units=nodes * gpus,
                        spot=spot,
                        hours_interval=(0.9 * hours, 1.1 * hours),
                        measured=nodes != 2,
                        on_front=spot,
                    )
                )
    best = [min((p for p in made if p.spot == spot), key=far) for spot in (False, True)]
    return tuple(replace(p, optimum=any(p is one for one in best)) for p in made)


def chart(**changes: Any) -> Chart:
    """A chart of those timings."""
    made = Chart("refine3d", "refine3d, a formula", "GPUs", points(), "a formula, not a run")
    return replace(made, **changes)
