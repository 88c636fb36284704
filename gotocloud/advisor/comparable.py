"""Which runs are runs of the same work: only those are ever averaged or compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gotocloud.advisor.records import BenchmarkRecord

SAME = ("dataset", "box_px", "pixel_angstrom", "classes", "iterations", "symmetry", "options")
"""Columns in which comparable runs agree; particles and movies may differ, by a known law."""


def is_known(record: BenchmarkRecord) -> bool:
    """Whether the work of a run is known: its data set, and how much of it there was."""
    return bool(record.dataset) and (record.particles or record.movies) is not None


def series(records: Iterable[BenchmarkRecord]) -> tuple[tuple[BenchmarkRecord, ...], ...]:
    """The runs in groups that may be compared; a run of unknown work is alone in its own.

    Unknown is not equal: of one data set, two runs that both lack a column agree in it, since the
    data set fixes it; a run that has the column and one that lacks it do not.
    """
    groups: dict[object, list[BenchmarkRecord]] = {}
    for position, record in enumerate(records):
        key = (
            (*(getattr(record, name) for name in SAME), record.movies is None)
            if is_known(record)
            else position
        )
        groups.setdefault(key, []).append(record)
    return tuple(map(tuple, groups.values()))


def work_words(records: Sequence[BenchmarkRecord]) -> str:
    """A group of comparable runs for people."""
    first = records[0]
    if not first.dataset:
        return "unknown data set"
    stated = [first.dataset]
    for name, unit in (("particles", " particles"), ("movies", " movies")):
        counts = sorted({value for one in records if (value := getattr(one, name)) is not None})
        if counts:
            stated.append(" or ".join(f"{count:,}" for count in counts) + unit)
    if first.box_px:
        stated.append(f"box {first.box_px}")
    if first.classes:
        stated.append(f"{first.classes} classes")
    return ", ".join(stated)
