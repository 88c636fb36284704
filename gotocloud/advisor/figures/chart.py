"""What the pictures show, as data: one point for each setting that was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gotocloud.advisor.preference import SCALE_HOURS, SCALE_USD


@dataclass(frozen=True)
class Span:
    """A figure with its interval.

    Args:
        value: The figure itself.
        low: Lower end of the interval; None when it was measured once only.
        high: Its upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> tuple[float, float]:
        """Distance down and up to the ends; nought when there is no interval."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return max(0.0, self.value - low), max(0.0, high - self.value)


@dataclass(frozen=True)
class Point:
    """One setting of one job type.

    Args:
        label: In the paper's form: GPUs @ nodes x family (GPUs and vCPUs of a node),
            for example "16@2x g4dn(8,96)".
        instance_type: EC2's name.
        units: GPUs in use; ranks x threads where none is used.
        hours: Time in the job.
        usd: Its cost; None when the price is unknown.
        spot: Whether the cost is that of spot nodes.
        optimum: Whether the criterion chose it.
        on_front: Whether no other setting is both faster and cheaper.
        note: Where it comes from, in a few words.
    """

    label: str
    instance_type: str
    units: int
    hours: Span
    usd: Span | None
    spot: bool = False
    optimum: bool = False
    on_front: bool = False
    note: str = ""

    @property
    def family(self) -> str:
        """Instance family, for example "g4dn"."""
        return self.instance_type.partition(".")[0]


@dataclass(frozen=True)
class Chart:
    """Everything that was measured of one job type.

    Args:
        job_type: For example "refine3d".
        title: What was measured, for example "refine3d, 100,000 particles of 256 px".
        unit_name: What is counted on the first axis: "GPUs" or "threads".
        points: The settings.
        source: Where the measurements come from; printed below.
    """

    job_type: str
    title: str
    unit_name: str
    points: tuple[Point, ...]
    source: str = ""

    @property
    def priced(self) -> tuple[Point, ...]:
        """The points whose cost is known."""
        return tuple(point for point in self.points if point.usd is not None)

    @property
    def families(self) -> tuple[str, ...]:
        """Instance families, sorted: each has its colour, marker and hatch."""
        return tuple(sorted({point.family for point in self.points}))

    @property
    def optimum(self) -> Point | None:
        """The point that the criterion chose."""
        return next((point for point in self.priced if point.optimum), None)

    @property
    def front(self) -> tuple[Point, ...]:
        """The Pareto front, fastest first."""
        return tuple(
            sorted((p for p in self.priced if p.on_front), key=lambda point: point.hours.value)
        )


@dataclass(frozen=True)
class ResolutionStep:
    """What one cycle of a project reached.

    Args:
        label: For example "Refine3D 2".
        resolution_angstrom: Resolution after it.
        cumulative_hours: Time until then.
        cumulative_usd: Cost until then; None when unknown.
    """

    label: str
    resolution_angstrom: float
    cumulative_hours: float
    cumulative_usd: float | None


def shape_label(
    units: int, nodes: int, instance_type: str, gpus_per_node: int, vcpus_per_node: int | None
) -> str:
    """A setting in the paper's form, for example "16@2x g4dn(8,96)".

    Source of the form: Moriya et al., Communications Biology 2024,
    doi 10.1038/s42003-024-07031-6, Fig. 2.
    """
    family = instance_type.partition(".")[0]
    vcpus = "?" if vcpus_per_node is None else vcpus_per_node
    return f"{units}@{nodes}x {family}({gpus_per_node},{vcpus})"


def arc(optimum: Point, *, steps: int = 64) -> tuple[list[float], list[float]]:
    """The quarter circle through the optimum around the origin of the paper's axes.

    Whatever lies outside is worse by the criterion.

    Returns:
        Hours and US dollars along it.
    """
    assert optimum.usd is not None
    radius = math.hypot(optimum.hours.value / SCALE_HOURS, optimum.usd.value / SCALE_USD)
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
    shown = [point for point in points if point.usd is not None]
    hours = max((p.hours.value + p.hours.error[1] for p in shown), default=1.0)
    usd = max((p.usd.value + p.usd.error[1] for p in shown if p.usd), default=1.0)
    length = 1.12 * max(hours / SCALE_HOURS, usd / SCALE_USD)
    return length * SCALE_HOURS, length * SCALE_USD


def problems(points: Sequence[Point]) -> list[str]:
    """Why points cannot be drawn; empty when they can."""
    found = [] if points else ["there is no measurement to draw"]
    for point in points:
        figures = [point.hours.value, *([point.usd.value] if point.usd else [])]
        if not all(math.isfinite(figure) and figure >= 0 for figure in figures):
            found.append(f"{point.label}: {figures} are not times and costs")
    return found
