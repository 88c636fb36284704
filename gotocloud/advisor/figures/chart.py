"""What the pictures show: the evidence of one job, in the groups and lines of the paper's plots."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from gotocloud.advisor.evidence import Evidence, Point
from gotocloud.advisor.figures.palette import LOOKS
from gotocloud.advisor.job_names import pretty
from gotocloud.advisor.preference import SCALE_HOURS, SCALE_USD
from gotocloud.relion.job_types import program_of

NO_GPU = 0
"""The group of a run without a GPU, in a chart of GPUs."""


@dataclass(frozen=True)
class Bar:
    """What was measured of one series with so many GPUs, or so many machines.

    Args:
        series: Whose.
        group: GPUs in use; machines for jobs without GPUs.
        point: The fastest setting, or the optimum of the series.
        slower: The other settings, with other ranks, threads or numbers of machines.
        ideal_hours: Time if the fewest GPUs of the series were used as well as here; None for
            those themselves.
        optimum: Whether it is the optimum of its series.
    """

    series: str
    group: int
    point: Point
    slower: tuple[Point, ...]
    ideal_hours: float | None
    optimum: bool


@dataclass(frozen=True)
class Chart:
    """Everything known about one job, ready to be drawn.

    Args:
        job: For example "refine3d".
        title: For example "Refine3D, 100,000 particles of 256 px".
        points: The settings, on demand and on spot.
        source: Where the times come from; printed below.
        left_out: What was measured and is not drawn, in words.
    """

    job: str
    title: str
    points: tuple[Point, ...]
    source: str = ""
    left_out: str = ""

    @property
    def on_gpu(self) -> bool:
        """Whether the groups are numbers of GPUs; else of machines."""
        return any(point.on_gpu for point in self.points)

    @property
    def group_name(self) -> str:
        """What the first axis counts."""
        return "GPUs in use" if self.on_gpu else "machines"

    def group(self, point: Point) -> int:
        """GPUs in use, or machines where the job uses no GPUs."""
        if not self.on_gpu:
            return point.nodes
        return point.units if point.on_gpu else NO_GPU

    @cached_property
    def series(self) -> dict[str, tuple[Point, ...]]:
        """The points that a line joins: of one type; without GPUs, of as many ranks on a machine.

        More series than there are looks are not distinguished: then each type is one.
        """
        found = self._by(self._ranks_per_node)
        return found if len(found) <= len(LOOKS) else self._by(lambda _: "")

    def _by(self, ranks: Callable[[Point], str]) -> dict[str, tuple[Point, ...]]:
        named: dict[tuple[str, float, str], list[Point]] = {}
        for point in self.points:
            number = ranks(point)
            words = f"{point.instance_type}, {number} MPI per node" if number else ""
            key = (point.instance_type, float(number or 0), words or point.instance_type)
            named.setdefault(key, []).append(point)
        return {key[2]: tuple(named[key]) for key in sorted(named)}

    def _ranks_per_node(self, point: Point) -> str:
        """MPI ranks at work on a machine, where the job uses no GPUs; empty when unknown."""
        if self.on_gpu or not point.ranks:
            return ""
        program = program_of(self.job)
        leads = bool(program and program.refines and point.ranks > 1)
        return f"{(point.ranks - leads) / point.nodes:.3g}"

    def priced(self, *, spot: bool) -> tuple[Point, ...]:
        """The points of a market whose cost is known."""
        return tuple(p for p in self.points if p.usd is not None and p.spot == spot)

    def best(self, *, spot: bool) -> Point | None:
        """The best of a market by the paper's criterion."""
        return next((point for point in self.priced(spot=spot) if point.optimum), None)

    def optima(self, *, spot: bool) -> dict[str, Point]:
        """The best measured point of each series in a market, by the paper's criterion.

        The best of all may be one that lies between measured ones.
        """
        found = {}
        for name, points in self.series.items():
            own = [p for p in points if p.usd is not None and p.spot == spot]
            ran = [p for p in own if p.optimum] or [p for p in own if p.measured]
            if ran:
                found[name] = min(ran, key=_rank)
        return found

    def line(self, name: str, *, spot: bool) -> tuple[Point, ...]:
        """The fastest measured settings of a series in a market, fewest GPUs first."""
        own = [p for p in self.series[name] if p.spot == spot and p.usd is not None and p.measured]
        fastest: dict[int, Point] = {}
        for point in sorted(own, key=lambda p: p.hours):
            fastest.setdefault(self.group(point), point)
        return tuple(fastest[group] for group in sorted(fastest))

    @cached_property
    def bars(self) -> tuple[Bar, ...]:
        """A bar for each group and series, fewest GPUs first; an optimum that did not run too."""
        market = not self.priced(spot=False) and bool(self.priced(spot=True))
        optima = self.optima(spot=market)
        made: list[Bar] = []
        for name, points in self.series.items():
            best = optima.get(name)
            settings = {(p.label, p.nodes, p.ranks, p.threads, p.hours): p for p in points}
            if best is not None:
                settings[best.label, best.nodes, best.ranks, best.threads, best.hours] = best
            made += self._bars(
                name, [p for p in settings.values() if p.measured or p is best], best
            )
        return tuple(sorted(made, key=lambda bar: bar.group))

    def _bars(self, name: str, points: list[Point], best: Point | None) -> Iterable[Bar]:
        by_group: dict[int, list[Point]] = {}
        for point in sorted(points, key=lambda p: (p is not best, p.hours)):
            by_group.setdefault(self.group(point), []).append(point)
        counted = sorted(group for group in by_group if group != NO_GPU)
        for group, own in by_group.items():
            fewest = min(by_group[counted[0]], key=lambda p: p.hours) if counted else None
            alone = fewest is None or group in {NO_GPU, counted[0]}
            yield Bar(
                series=name,
                group=group,
                point=own[0],
                slower=tuple(own[1:]),
                ideal_hours=None if alone or fewest is None else fewest.hours * counted[0] / group,
                optimum=own[0] is best,
            )


def _rank(point: Point) -> tuple[float, float, float]:
    """The paper's criterion, ties as in `ranking.rank`."""
    assert point.usd is not None
    return (point.hours / SCALE_HOURS) ** 2 + (point.usd / SCALE_USD) ** 2, point.usd, point.hours


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
        points=evidence.points,
        source=f"Times: {'; '.join(sources)}. {prices}".strip() if sources else prices,
        left_out=evidence.left_out,
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


def reach(points: Iterable[Point]) -> tuple[float, float]:
    """How far the points and their intervals reach, in the paper's axes.

    Returns:
        Half hours, and tens of US dollars; never 0.
    """
    hours, usd = [0.05], [0.05]
    for point in points:
        if point.usd is None:
            continue
        hours.append((point.hours + spread(point.hours, point.hours_interval)[1]) / SCALE_HOURS)
        usd.append((point.usd + spread(point.usd, point.usd_interval)[1]) / SCALE_USD)
    return max(hours), max(usd)
