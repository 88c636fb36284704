"""Timings for tests of the drawing; they follow a formula and claim nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from gotocloud.advisor.evidence import Point, ResolutionPoint
from gotocloud.advisor.figures.chart import Chart
from gotocloud.advisor.records import BenchmarkRecord
from tests.advisor.measured import record

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
        ranks=0,
        threads=0,
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
                        short_label=f"{nodes * gpus}@{nodes}x",
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
    made = Chart("refine3d", "refine3d, a formula", points(), "a formula, not a run")
    return replace(made, **changes)


GPUS = {
    # instance type -> GPUs of a machine, speed of one
    "g5.48xlarge": (8, 2.0),
    "g5.12xlarge": (4, 2.0),
    "g4dn.metal": (8, 1.0),
    "g4dn.12xlarge": (4, 1.0),
}
MORE_GPUS = {**GPUS, "g6.48xlarge": (8, 2.1), "g6e.48xlarge": (8, 3.0), "p5.48xlarge": (8, 9.0)}
UNPRICED = {"x9.12xlarge": (4, 2.0), "x9.48xlarge": (8, 2.0)}


def sweep(
    types: dict[str, tuple[int, float]] = GPUS,
    counts: tuple[int, ...] = (1, 2, 4, 8, 16),
    *,
    repeats: int = 1,
    slower: float = 1.0,
) -> list[BenchmarkRecord]:
    """Runs of Refine3D; by default in the paper's design, four types x five node counts."""
    return [
        record(
            instance_type=name,
            nodes=nodes,
            gpus=nodes * gpus,
            ranks=nodes * gpus + 1,
            # What adding machines saves ends, as in the paper.
            in_job_s=slower * 3600 * (0.35 + 0.02 * nodes + 9 / (nodes * gpus * speed)) + again,
        )
        for name, (gpus, speed) in types.items()
        for nodes in counts
        for again in range(0, 60 * repeats, 60)
    ]


def polishing() -> list[BenchmarkRecord]:
    """Runs of Polish with 1 to 8 MPI ranks on each of 1 to 8 machines, as in the paper's Fig. 5."""
    return [
        record(
            job_type="polish",
            instance_type="c6i.32xlarge",
            nodes=nodes,
            ranks=each * nodes,
            threads=64 // each,
            gpus=None,
            in_job_s=3600 * (0.3 + 8 / nodes * (1 + 0.3 / each)),
        )
        for each in (1, 2, 4, 8)
        for nodes in (1, 2, 4, 8)
    ]


DESIGNS: dict[str, list[BenchmarkRecord]] = {
    "the paper's": sweep(),
    "Polish": polishing(),
    "one type, two counts": sweep({"g5.48xlarge": (8, 2.0)}, (1, 2)),
    "long names": sweep(MORE_GPUS),
    "with gaps and failures": [
        *(one for place, one in enumerate(sweep()) if place % 3),
        record(nodes=4, gpus=32, ranks=33, in_job_s=60.0, outcome="failed"),
    ],
    "without costs": sweep(UNPRICED),
    "some costs": sweep({**GPUS, **UNPRICED}),
    "repeated, with other ranks and threads, of days": [
        *sweep(repeats=2, slower=60),
        *(record(nodes=n, gpus=8 * n, ranks=16 * n + 1, threads=3, in_job_s=5e5) for n in (1, 2)),
    ],
}
