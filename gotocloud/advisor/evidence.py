"""What is known, as points to draw: the data behind the paper's two plots and Fig. 6."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gotocloud.advisor.advice import Advice, Question, advise
from gotocloud.advisor.preference import Preference
from gotocloud.advisor.progress import ProjectSteps
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.sizes import Size


@dataclass(frozen=True)
class Point:
    """One setting, on demand or on spot.

    Args:
        label: The paper's label of an optimum, `16@2x g4dn(8,96)`.
        short_label: Its label of any other point, `16@2x`.
        instance_type: EC2's name; points of one type are joined by a line.
        nodes: Machines.
        units: GPUs in use; ranks x threads for jobs without GPUs.
        on_gpu: Whether `units` are GPUs.
        ranks: MPI ranks, the leader counted; 0 when unknown.
        threads: Threads of a rank; 0 when unknown.
        spot: Whether the cost is that of spot machines.
        hours: Time in the job.
        hours_interval: Where a next run lies nine times of ten; None when not known.
        usd: Cost in the job; None when the price is unknown.
        usd_interval: As `hours_interval`.
        measured: Whether this very setting ran; else it lies between measured ones.
        optimum: Whether it is nearest to the origin by the paper's criterion: of all
            points of its market.
        on_front: Whether no other point of its market is both faster and cheaper.
        basis: Where the time comes from, in words.
        sources: Who measured, and when.
        price_date: When the price held.
    """

    label: str
    short_label: str
    instance_type: str
    nodes: int
    units: int
    on_gpu: bool
    ranks: int
    threads: int
    spot: bool
    hours: float
    hours_interval: tuple[float, float] | None
    usd: float | None
    usd_interval: tuple[float, float] | None
    measured: bool
    optimum: bool
    on_front: bool
    basis: str
    sources: tuple[str, ...]
    price_date: str | None


@dataclass(frozen=True)
class Evidence:
    """Everything known about one job.

    Args:
        job: Its name.
        variant: Of the records.
        size: The size spoken of.
        region: Whose prices.
        points: On demand first, then spot; each in the order of shapes.
        notes: Why there are no more points.
        left_out: Runs that are no points, in words: failed ones, and runs of other work.
    """

    job: str
    variant: str | None
    size: Size
    region: str
    points: tuple[Point, ...]
    notes: tuple[str, ...] = ()
    left_out: str = ""


@dataclass(frozen=True)
class ResolutionPoint:
    """One step of a project: its resolution, and all it took until then."""

    name: str
    resolution_angstrom: float
    hours: float
    usd: float


def evidence(
    job: str,
    records: Sequence[BenchmarkRecord],
    *,
    region: str,
    size: Size | None = None,
    variant: str | None = None,
) -> Evidence:
    """The points of a job, on demand and on spot.

    Args:
        job: A job's name.
        records: Everything measured.
        region: Whose prices.
        size: Of the job. Default: that of most records.
        variant: Of the records. Default: those without one.
    """
    # The paper's plots show time and cost in the job.
    question = Question(job, size or Size(), variant, Preference(in_job=True), region)
    markets = [advise(replace(question, spot=spot), records) for spot in (False, True)]
    return Evidence(
        job=job,
        variant=variant,
        size=markets[0].size,
        region=region,
        points=tuple(point for advice in markets for point in _points(advice)),
        notes=markets[0].refusals,
        left_out=_left_out(markets[0], records),
    )


def _left_out(advice: Advice, records: Sequence[BenchmarkRecord]) -> str:
    """How many runs of the job are no points, and why."""
    wanted = (advice.question.job, advice.question.variant)
    mine = [record for record in records if (record.job_type, record.variant) == wanted]
    drawn = {
        id(record)
        for choice in advice.choices
        if choice.estimate.runs
        for record in choice.estimate.records
    }
    failed = sum(not record.is_benchmark for record in mine)
    other = sum(record.is_benchmark and id(record) not in drawn for record in mine)
    counted = ((failed, "that failed or began again"), (other, "of other work"))
    return ", ".join(
        f"{number} run{'' if number == 1 else 's'} {what}" for number, what in counted if number
    )


def _points(advice: Advice) -> Iterable[Point]:
    best = advice.best.shape if advice.best else None
    for choice in advice.choices:
        shape = choice.shape
        yield Point(
            label=choice.label,
            short_label=shape.short_label,
            instance_type=shape.instance_type,
            nodes=shape.nodes,
            units=shape.units,
            on_gpu=bool(shape.gpus),
            ranks=shape.ranks,
            threads=shape.threads,
            spot=advice.question.spot,
            hours=choice.hours,
            hours_interval=choice.hours_interval,
            usd=choice.usd,
            usd_interval=choice.usd_interval,
            measured=choice.estimate.runs > 0,
            optimum=shape == best,
            on_front=choice.on_front,
            basis=choice.estimate.basis,
            sources=choice.estimate.sources,
            price_date=choice.price.date if choice.price else None,
        )


def resolution_points(progress: ProjectSteps) -> tuple[ResolutionPoint, ...]:
    """Resolution against cumulative time and cost, for the plot of a project."""
    return tuple(
        ResolutionPoint(step.name, step.resolution_angstrom, step.hours, step.usd)
        for step in progress.steps
    )
