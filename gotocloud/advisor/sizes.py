"""Data sets of different size: how far one's time is a measure for another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from gotocloud.advisor.records import BenchmarkRecord


@dataclass(frozen=True)
class Dimension:
    """One way in which jobs differ in size.

    Args:
        name: The records' column.
        exponents: The work grows with the size to the power of the first; the true power
            is assumed to lie between the first and the second.
        reach: Sizes up to this many times beyond the measured ones are estimated.
        reason: Why these exponents.
    """

    name: str
    exponents: tuple[float, float]
    reach: float
    reason: str


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("particles", (1, 1), 2.0, "every particle is looked at once an iteration"),
    Dimension("movies", (1, 1), 2.0, "every movie is looked at once"),
    Dimension("box_px", (2, 3), 1.5, "an image has N^2 pixels, a volume N^3 voxels"),
    Dimension("classes", (1, 1), 2.0, "every particle is compared with every class"),
    Dimension("iterations", (1, 1), 2.0, "every iteration does the same"),
)
"""How far is a decision of ours, not a measurement: beyond it the answer is "measure"."""

_BY_NAME: Mapping[str, Dimension] = MappingProxyType({one.name: one for one in DIMENSIONS})
NAMES = tuple(_BY_NAME)
_UNITS = {"box_px": " px"}


@dataclass(frozen=True)
class Size:
    """The size of a job; None where unknown."""

    particles: int | None = None
    movies: int | None = None
    box_px: int | None = None
    classes: int | None = None
    iterations: int | None = None

    def __str__(self) -> str:
        said = (
            f"{name.removesuffix('_px')} {value:,}{_UNITS.get(name, '')}"
            for name in NAMES
            if (value := getattr(self, name)) is not None
        )
        return ", ".join(said) or "size not recorded"


def size_of(record: BenchmarkRecord) -> Size:
    """The size of a record's job."""
    return Size(**{name: getattr(record, name) for name in NAMES})


def usual_size(records: Sequence[BenchmarkRecord]) -> Size:
    """The size that most records have; the larger one of two that are as frequent."""
    counted = Counter(size_of(record) for record in records)
    return max(counted, key=lambda size: (counted[size], [getattr(size, n) or 0 for n in NAMES]))


def requested_size(size: Size, records: Sequence[BenchmarkRecord]) -> Size:
    """What was requested; where nothing was, the size that most records have."""
    usual = usual_size(records)
    given = {name: getattr(size, name) for name in NAMES if getattr(size, name) is not None}
    return replace(usual, **given)


def refusals(size: Size, records: Sequence[BenchmarkRecord]) -> tuple[str, ...]:
    """Why no record is a measure for a size; empty when one is."""
    found = []
    for dimension in DIMENSIONS:
        value = getattr(size, dimension.name)
        if value is None:
            continue
        measured = [v for record in records if (v := getattr(record, dimension.name)) is not None]
        if not measured:
            found.append(f"{dimension.name}: no record has their number")
            continue
        low, high = min(measured), max(measured)
        if not low / dimension.reach <= value <= high * dimension.reach:
            found.append(
                f"{dimension.name} {value:,}: measured {_span(low, high)}, which speaks for "
                f"{_span(round(low / dimension.reach), int(high * dimension.reach))}"
            )
    return tuple(found)


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def ratios(size: Size, record: BenchmarkRecord) -> tuple[float, float]:
    """The work of a size over that of a record: with the first exponents, and the second.

    A dimension that a record does not know counts as equal: `refusals` has seen to it that
    some record has it.
    """
    first = second = 1.0
    for dimension in DIMENSIONS:
        ours, theirs = getattr(size, dimension.name), getattr(record, dimension.name)
        if ours and theirs:
            first *= (ours / theirs) ** dimension.exponents[0]
            second *= (ours / theirs) ** dimension.exponents[1]
    return first, second


def covers(record: BenchmarkRecord, size: Size) -> bool:
    """Whether a record has every dimension of a size."""
    return all(getattr(size, name) is None or getattr(record, name) is not None for name in NAMES)


def within_reach(size: Size, record: BenchmarkRecord) -> bool:
    """Whether one record alone speaks for a size."""
    return not refusals(
        replace(size, **{n: None for n in NAMES if getattr(record, n) is None}), [record]
    )


def differing(size: Size, records: Iterable[BenchmarkRecord]) -> tuple[str, ...]:
    """Names of the dimensions in which a size differs from at least one record."""
    found = {
        name
        for record in records
        for name in NAMES
        if getattr(size, name) and getattr(record, name)
        if getattr(size, name) != getattr(record, name)
    }
    return tuple(name for name in NAMES if name in found)
