"""Data sets of different size: how far one's time is a measure for another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gotocloud.advisor.records import BenchmarkRecord


@dataclass(frozen=True)
class Dimension:
    """One way in which jobs differ in size, and the law by which their work does.

    Args:
        name: What differs.
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
    Dimension(
        "extent_angstrom",
        (2, 3),
        1.5,
        "images are cut to box x pixel size / resolution, volumes too "
        "(3dem/relion 5.0.1, ml_optimiser.cpp:5684)",
    ),
)
"""How far is a decision of ours, not a measurement: beyond it the answer is "measure"."""

EQUAL = ("classes", "iterations")
"""Columns for which no law is known: only runs with the very value are a measure."""

NAMES = ("particles", "movies", "box_px", "pixel_angstrom", "classes", "iterations")
_UNITS = {"box_px": " px", "pixel_angstrom": " Å"}


@dataclass(frozen=True)
class Size:
    """The size of a job; None where unknown."""

    particles: int | None = None
    movies: int | None = None
    box_px: int | None = None
    pixel_angstrom: float | None = None
    classes: int | None = None
    iterations: int | None = None

    def __str__(self) -> str:
        stated = (
            f"{_plain(name)} {value:,}{_UNITS.get(name, '')}"
            for name in NAMES
            if (value := getattr(self, name)) is not None
        )
        return ", ".join(stated) or "size not recorded"

    @property
    def extent_angstrom(self) -> float | None:
        """The side of the box; None unless the box and its pixel size are known."""
        return _extent(self.box_px, self.pixel_angstrom)


def _plain(name: str) -> str:
    return name.removesuffix("_px").removesuffix("_angstrom")


def _extent(box_px: int | None, pixel_angstrom: float | None) -> float | None:
    return None if box_px is None or pixel_angstrom is None else box_px * pixel_angstrom


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
    if "box_px" in given and given["box_px"] != usual.box_px:
        # Another box of the same particles has, as a rule, another pixel size.
        given.setdefault("pixel_angstrom", None)
    return replace(usual, **given)


def refusals(size: Size, records: Sequence[BenchmarkRecord]) -> tuple[str, ...]:
    """Why comparable records are no measure for a size; empty when they are."""
    first = records[0]
    found = [
        f"{name}: no record has their number"
        if (measured := getattr(first, name)) is None
        else f"{name} {value:,}: measured {measured:,}, and no law leads from one to the other"
        for name in EQUAL
        if (value := getattr(size, name)) is not None and value != getattr(first, name)
    ]
    for dimension in DIMENSIONS[:2]:
        value = getattr(size, dimension.name)
        if value is not None:
            numbers = [v for r in records if (v := getattr(r, dimension.name)) is not None]
            found += _out_of_reach(dimension, value, numbers)
    return (*found, *_other_box(size, size_of(first)))


def _out_of_reach(dimension: Dimension, value: float, measured: Sequence[float]) -> list[str]:
    if not measured:
        return [f"{dimension.name}: no record has their number"]
    low, high = min(measured), max(measured)
    if low / dimension.reach <= value <= high * dimension.reach:
        return []
    speaks = _span(round(low / dimension.reach), int(high * dimension.reach))
    return [f"{dimension.name} {value:,}: measured {_span(low, high)}, which speaks for {speaks}"]


def _other_box(size: Size, measured: Size) -> list[str]:
    """Why a box is not comparable with the measured one."""
    given = (size.box_px, size.pixel_angstrom)
    if given == (None, None) or given == (measured.box_px, measured.pixel_angstrom):
        return []
    if size.box_px == measured.box_px and size.pixel_angstrom is None:
        return []
    ours, theirs = size.extent_angstrom, measured.extent_angstrom
    if ours is None or theirs is None:
        lacks = "the requested" if ours is None else "the measured"
        return [
            f"box {size.box_px}: measured {measured.box_px}; without {lacks} pixel size no law "
            "leads from one to the other (--pixel)"
        ]
    law = DIMENSIONS[2]
    if theirs / law.reach <= ours <= theirs * law.reach:
        return []
    return [
        f"box of {ours:.0f} Å: measured {theirs:.0f} Å, which speaks for "
        f"{theirs / law.reach:.0f} to {theirs * law.reach:.0f} Å"
    ]


def _span(low: float, high: float) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def ratios(size: Size, record: BenchmarkRecord) -> tuple[float, float]:
    """The work of a size over that of a record: with the first exponents, and the second."""
    first = second = 1.0
    measured = size_of(record)
    for dimension in DIMENSIONS:
        ours, theirs = getattr(size, dimension.name), getattr(measured, dimension.name)
        if ours and theirs:
            first *= (ours / theirs) ** dimension.exponents[0]
            second *= (ours / theirs) ** dimension.exponents[1]
    return first, second


def within_reach(size: Size, record: BenchmarkRecord) -> bool:
    """Whether one record alone speaks for a size."""
    return not refusals(size, [record])


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
