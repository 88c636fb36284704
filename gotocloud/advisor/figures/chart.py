"""What the pictures show: the evidence of one job, with names for its axes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gotocloud.advisor.evidence import Evidence, Point
from gotocloud.advisor.job_names import pretty
from gotocloud.advisor.preference import SCALE_HOURS, SCALE_USD


@dataclass(frozen=True)
class Chart:
    """Everything known about one job, ready to be drawn.

    Args:
        job: For example "refine3d".
        title: For example "Refine3D, 100,000 particles of 256 px".
        unit_name: What the first axis counts: "GPUs" or "threads".
        points: The settings, on demand and on spot.
        source: Where the times come from; printed below.
    """

    job: str
    title: str
    unit_name: str
    points: tuple[Point, ...]
    source: str = ""

    @property
    def priced(self) -> tuple[Point, ...]:
        """The points whose cost is known."""
        return tuple(point for point in self.points if point.usd is not None)

    @property
    def timed(self) -> tuple[tuple[str, Point], ...]:
        """One point for each setting, fewest units first: time does not depend on the market.

        Returns:
            Names and points; settings with the same label get a number after it.
        """
        settings = {(p.instance_type, p.label, p.hours): p for p in self.points}
        points = sorted(settings.values(), key=lambda p: (p.units, p.instance_type, p.label))
        seen = Counter[str]()
        named = []
        for point in points:
            seen[point.label] += 1
            again = f" #{seen[point.label]}" if seen[point.label] > 1 else ""
            named.append((point.label + again, point))
        return tuple(named)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Sorted: each has its colour, marker and hatch."""
        return tuple(sorted({point.instance_type for point in self.points}))

    @property
    def optima(self) -> tuple[Point, ...]:
        """The best of each market by the paper's criterion."""
        return tuple(point for point in self.priced if point.optimum)

    def front(self, *, spot: bool) -> tuple[Point, ...]:
        """The Pareto front of one market, fastest first."""
        own = (p for p in self.priced if p.on_front and p.spot == spot)
        return tuple(sorted(own, key=lambda point: point.hours))


def chart(evidence: Evidence) -> Chart:
    """The chart of what is known about a job."""
    size = str(evidence.size)
    variant = f" ({evidence.variant})" if evidence.variant else ""
    sources = sorted({source for point in evidence.points for source in point.sources})
    dates = sorted({point.price_date for point in evidence.points if point.price_date})
    prices = f"Prices of {evidence.region}, {', '.join(dates)}." if dates else ""
    return Chart(
        job=evidence.job,
        title=f"{pretty(evidence.job)}{variant}{f', {size}' if size else ''}",
        unit_name="GPUs" if any(point.on_gpu for point in evidence.points) else "threads",
        points=evidence.points,
        source=f"Times: {'; '.join(sources)}. {prices}".strip() if sources else prices,
    )


def spread(value: float, interval: tuple[float, float] | None) -> tuple[float, float]:
    """Distance from a value down and up to the ends of its interval; zero without one."""
    low, high = interval or (value, value)
    return max(0.0, value - low), max(0.0, high - value)


def arc(optimum: Point, *, steps: int = 64) -> tuple[list[float], list[float]]:
    """The quarter circle through an optimum around the origin of the paper's axes.

    Whatever lies outside is worse by the criterion.

    Returns:
        Hours and US dollars along it.
    """
    assert optimum.usd is not None
    radius = math.hypot(optimum.hours / SCALE_HOURS, optimum.usd / SCALE_USD)
    angles = [math.pi / 2 * step / (steps - 1) for step in range(steps)]
    return (
        [radius * math.sin(angle) * SCALE_HOURS for angle in angles],
        [radius * math.cos(angle) * SCALE_USD for angle in angles],
    )


def extent(points: Iterable[Point]) -> tuple[float, float]:
    """How far the axes of time and cost reach, so that both have the paper's scale.

    Returns:
        Hours and US dollars; one hour is always as long as 20 US dollars.
    """
    lengths = [0.1]
    for point in points:
        if point.usd is None:
            continue
        lengths.append((point.hours + spread(point.hours, point.hours_interval)[1]) / SCALE_HOURS)
        lengths.append((point.usd + spread(point.usd, point.usd_interval)[1]) / SCALE_USD)
    length = 1.12 * max(lengths)
    return length * SCALE_HOURS, length * SCALE_USD
