"""How long a job takes on a shape: from its own timings, or between those of its neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from gotocloud.advisor import sizes
from gotocloud.advisor.comparable import series
from gotocloud.advisor.extras import library
from gotocloud.advisor.records import LOWER_BOUND, BenchmarkRecord
from gotocloud.advisor.scaling import RATE, Scaling, fit_scaling, student_t
from gotocloud.advisor.shapes import Shape, shape_of
from gotocloud.advisor.sizes import Size
from gotocloud.relion.job_types import program_of

MISFIT = 0.05
"""Below this probability of its lack of fit a curve is not used between measured points."""

Records = Sequence[BenchmarkRecord]
Work = Callable[[BenchmarkRecord], float]


@dataclass(frozen=True)
class Estimate:
    """The time of a job on a shape.

    Args:
        shape: What it runs on.
        seconds: In the job.
        low: Where a next run of the setting lies nine times of ten, from here ...
        high: ... to here; both None unless the setting itself ran and runs were repeated.
        bounds: Between which times the assumptions put it, where the work or the number of
            machines is another one than measured; no probability.
        runs: Timings of this very shape; 0 means that it lies between measured ones.
        transferred: Dimensions in which the measured data sets differ from the requested one.
        at_least: Whether a timing leaves time out, so that the truth may be longer.
        sources: Who measured, and when.
        records: The timings behind it.
    """

    shape: Shape
    seconds: float
    low: float | None
    high: float | None
    bounds: tuple[float, float] | None
    runs: int
    transferred: tuple[str, ...]
    at_least: bool
    sources: tuple[str, ...]
    records: tuple[BenchmarkRecord, ...]

    @property
    def basis(self) -> str:
        """Where the time comes from, in words."""
        if self.transferred:
            text = f"scaled from runs with other {', '.join(self.transferred)}"
        elif self.runs:
            text = "one measured run" if self.runs == 1 else f"mean of {self.runs} measured runs"
        else:
            text = "between measured node counts"
        return f"{text}, a lower bound" if self.at_least else text


@dataclass(frozen=True)
class Estimates:
    """What records show about a job of a size.

    Args:
        size: The size spoken of.
        found: An estimate for every shape, in the order of shapes.
        refusals: Why there is none, or none beyond what is there.
        curves: The fitted curve of every family of shapes that has one.
        used: The comparable runs behind it.
        spread: Relative standard deviation of their repeats, with its degrees of freedom.
        others: Groups of runs of other work, which were left out.
    """

    size: Size
    found: tuple[Estimate, ...]
    refusals: tuple[str, ...] = ()
    curves: tuple[tuple[Shape, Scaling], ...] = ()
    used: tuple[BenchmarkRecord, ...] = ()
    spread: tuple[float, int] | None = None
    others: tuple[tuple[BenchmarkRecord, ...], ...] = ()


def estimate_times(records: Records, size: Size, *, rate: float = RATE) -> Estimates:
    """The time of a job on every shape that the records speak about.

    Args:
        records: Runs of one job type and variant; failed ones are left out.
        size: The requested size; what it leaves open is that of most records.
        rate: Of the intervals.
    """
    usable = [record for record in records if record.is_benchmark]
    if not usable:
        return Estimates(size, ())
    groups = series(usable)
    fitting = [one for one in groups if not sizes.refusals(sizes.requested_size(size, one), one)]
    chosen = max(fitting or groups, key=lambda one: _weight(one, size))
    size = sizes.requested_size(size, chosen)
    if not fitting:
        return Estimates(size, (), sizes.refusals(size, chosen), others=groups)
    near = [record for record in chosen if sizes.within_reach(size, record)]
    others = tuple(one for one in groups if one is not chosen)
    if not near:
        refused = (f"no single run is near enough to {size}",)
        return Estimates(size, (), refused, others=groups)
    found: list[Estimate] = []
    curves = []
    spread = _repeat_spread(near)
    for family in _families(near):
        fits = _fits(family, size, rate)
        if fits:
            curves.append((shape_of(family[0]), fits[0]))
        found += _measured(family, size, fits, spread, rate)
        if not _misfit(family, size, fits, spread):
            found += _between(family, size, fits)
    return Estimates(
        size,
        tuple(sorted(found, key=lambda one: one.shape)),
        (),
        tuple(curves),
        used=tuple(near),
        spread=spread,
        others=others,
    )


def _weight(group: Records, size: Size) -> tuple[int, int, int, str]:
    """What makes one group of comparable runs a better answer than another.

    First runs of the very size, then how many settings were compared, then how many runs; of
    groups that are alike the newest.
    """
    same = sum(not sizes.differing(size, [record]) for record in group) if size != Size() else 0
    shapes = {shape_of(record) for record in group}
    return same, len(shapes), len(group), max(record.date for record in group)


def _families(records: Records) -> Iterator[Records]:
    """Runs that differ only in how many machines share the work."""
    families: dict[object, list[BenchmarkRecord]] = defaultdict(list)
    for record in sorted(records, key=shape_of):
        shape = shape_of(record)
        families[
            replace(shape, nodes=0, gpus=min(shape.gpus, 1), ranks=_ranks_per_gpu(shape))
        ].append(record)
    yield from families.values()


def _ranks_per_gpu(shape: Shape) -> int:
    """Followers of a GPU, at best whole; 0 where it does not matter."""
    return round((shape.ranks - 1) / shape.gpus) if shape.gpus and shape.ranks > 1 else 0


def _repeat_spread(records: Records) -> tuple[float, int] | None:
    """Relative standard deviation of repeats, pooled over shapes; None without repeats."""
    repeats: dict[object, list[float]] = defaultdict(list)
    for record in records:
        repeats[shape_of(record), sizes.size_of(record)].append(record.in_job_s)
    squares, freedom = 0.0, 0
    for seconds in repeats.values():
        mean = sum(seconds) / len(seconds)
        squares += sum((one / mean - 1) ** 2 for one in seconds)
        freedom += len(seconds) - 1
    return ((squares / freedom) ** 0.5, freedom) if freedom else None


def _fits(family: Records, size: Size, rate: float) -> tuple[Scaling, ...]:
    """The curve of a family; with other sizes in it also what else could be true.

    The first one scales the parallel part alone, with the first exponents. The others scale
    everything, and with the second exponents: the truth lies somewhere between.
    """
    with_units = [record for record in family if shape_of(record).units]
    fitted = [_fit(with_units, *way, rate) for way in _ways(with_units, size)]
    return tuple(fit for fit in fitted if fit) if all(fitted) else ()


def _ways(records: Records, size: Size) -> list[tuple[Work, Work]]:
    def nothing(_record: BenchmarkRecord) -> float:
        return 1.0

    def by(which: int) -> Work:
        return lambda record: sizes.ratios(size, record)[which]

    if not sizes.differing(size, records):
        return [(nothing, nothing)]
    return [(by(0), nothing), (nothing, by(0)), (by(1), nothing), (nothing, by(1))]


def _fit(records: Records, parallel: Work, everything: Work, rate: float) -> Scaling | None:
    return fit_scaling(
        [shape_of(record).units for record in records],
        [record.in_job_s * everything(record) for record in records],
        [1 / parallel(record) for record in records],
        rate=rate,
    )


def _measured(
    family: Records,
    size: Size,
    fits: tuple[Scaling, ...],
    spread: tuple[float, int] | None,
    rate: float,
) -> Iterator[Estimate]:
    by_shape: dict[Shape, list[BenchmarkRecord]] = defaultdict(list)
    for record in family:
        by_shape[shape_of(record)].append(record)
    for shape, runs in by_shape.items():
        same = [run for run in runs if not sizes.differing(size, [run])]
        if not same and fits:
            yield _from_curve(shape, runs, size, fits)
        else:
            yield _from_runs(shape, same or runs, size, spread, rate)


def _misfit(
    family: Records, size: Size, fits: tuple[Scaling, ...], spread: tuple[float, int] | None
) -> bool:
    """Whether the measured times lie further from the curve than repeats from each other.

    An F test of the lack of fit at 5 %; without repeats it cannot be made.
    """
    if not fits or spread is None or sizes.differing(size, family):
        return False
    np, special = library("numpy"), library("scipy.special")
    fit = fits[0]
    by_shape: dict[Shape, list[float]] = defaultdict(list)
    for record in family:
        by_shape[shape_of(record)].append(record.in_job_s)
    freedom = len(by_shape) - len(fit.terms)
    if freedom < 1:
        return False
    rest = [
        len(times) * (sum(times) / len(times) / fit.predict(shape.units)[0] - 1) ** 2
        for shape, times in by_shape.items()
        if shape.units
    ]
    if not spread[0]:
        return bool(sum(rest) > 1e-12)
    ratio = sum(rest) / freedom / spread[0] ** 2
    return bool(special.fdtrc(freedom, spread[1], np.float64(ratio)) < MISFIT)


def _from_runs(
    shape: Shape, runs: Records, size: Size, spread: tuple[float, int] | None, rate: float
) -> Estimate:
    """The mean of a shape's own runs; of another size, scaled as a whole."""

    def mean(which: int | None) -> float:
        scaled = (r.in_job_s * (1 if which is None else sizes.ratios(size, r)[which]) for r in runs)
        return sum(scaled) / len(runs)

    middle = mean(0)
    could_be = (middle,) if not sizes.differing(size, runs) else (middle, mean(1), mean(None))
    low = high = bounds = None
    if len(could_be) > 1:
        bounds = min(could_be), max(could_be)
    elif spread:
        reach = student_t(rate, spread[1]) * spread[0] * (1 + 1 / len(runs)) ** 0.5
        low, high = max(middle * (1 - reach), 0.0), middle * (1 + reach)
    return _estimate(shape, runs, size, (middle, low, high), bounds, len(runs))


def _from_curve(shape: Shape, runs: Records, size: Size, fits: tuple[Scaling, ...]) -> Estimate:
    all_of_them = [fit.predict(shape.units) for fit in fits]
    low = min(one[1] for one in all_of_them)
    high = max(one[2] for one in all_of_them)
    return _estimate(shape, runs, size, (all_of_them[0][0], None, None), (low, high), 0)


def _estimate(
    shape: Shape,
    runs: Records,
    size: Size,
    times: tuple[float, float | None, float | None],
    bounds: tuple[float, float] | None,
    count: int,
) -> Estimate:
    return Estimate(
        shape=shape,
        seconds=times[0],
        low=times[1],
        high=times[2],
        bounds=bounds,
        runs=count,
        transferred=sizes.differing(size, runs),
        at_least=any(run.timing == LOWER_BOUND for run in runs),
        sources=tuple(sorted({f"{run.source}, {run.date}" for run in runs})),
        records=tuple(runs),
    )


def _between(family: Records, size: Size, fits: tuple[Scaling, ...]) -> Iterator[Estimate]:
    """Node counts that were not run, between those that were."""
    shapes = {shape_of(record) for record in family}
    densities = {(s.gpus / s.nodes, 0 if s.gpus else s.ranks / s.nodes) for s in shapes}
    if not fits or len(densities) != 1:
        return
    gpus, ranks = densities.pop()
    nodes = {shape.nodes for shape in shapes}
    for count in sorted(set(range(min(nodes), max(nodes))) - nodes):
        total = gpus * count
        per_gpu = _ranks_per_gpu(max(shapes))
        shape = replace(
            max(shapes),
            nodes=count,
            gpus=round(total),
            ranks=1 + round(total) * per_gpu if per_gpu else round(ranks * count),
        )
        if total == int(total) and ranks * count == int(ranks * count) and _runs(family, shape):
            yield _from_curve(shape, family, size, fits)


def _runs(family: Records, shape: Shape) -> bool:
    """Whether RELION takes the shape: random halves need an odd number of ranks, from 3 on."""
    program = program_of(family[0].job_type)
    halves = program is not None and program.halves
    return not (halves and shape.ranks and (shape.ranks < 3 or shape.ranks % 2 == 0))
