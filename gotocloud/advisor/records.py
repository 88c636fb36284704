"""Benchmark records: one measured run of one RELION job."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from gotocloud.advisor.cells import Value
from gotocloud.advisor.columns import COLUMNS, HEADLINE

SECONDS_PER_HOUR = 3600
ON_DEMAND, SPOT = "on-demand", "spot"
SUCCEEDED = "succeeded"
LOWER_BOUND = "progress-bars"
"""A timing that leaves out what happens between progress bars: never less than its value."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkRecord:
    """One row of the table; `columns.COLUMNS` explains each field, with its unit.

    A field is None if unknown.
    """

    job_type: str
    instance_type: str
    nodes: int
    in_job_s: float
    source: str
    date: str
    variant: str | None = None
    dataset: str | None = None
    particles: int | None = None
    box_px: int | None = None
    pixel_angstrom: float | None = None
    movies: int | None = None
    classes: int | None = None
    iterations: int | None = None
    symmetry: str | None = None
    options: str | None = None
    ranks: int | None = None
    threads: int | None = None
    gpus: int | None = None
    gpus_per_node: int | None = None
    vcpus_per_node: int | None = None
    market: str = ON_DEMAND
    relion_version: str | None = None
    executable: str | None = None
    boot_s: float | None = None
    queue_s: float | None = None
    idle_tail_s: float | None = None
    submit_to_exit_s: float | None = None
    timing: str = "stated"
    outcome: str = SUCCEEDED
    attempts: int | None = None
    usd_per_node_hour: float | None = None
    region: str | None = None
    run: str | None = None
    note: str | None = None

    @property
    def hours(self) -> float:
        """Hours in the job."""
        return self.in_job_s / SECONDS_PER_HOUR

    @property
    def is_benchmark(self) -> bool:
        """Whether its time is a measure for the next run: one whole, successful attempt."""
        return self.outcome == SUCCEEDED and (self.attempts or 1) == 1

    @property
    def units(self) -> int | None:
        """What the work was divided among: GPUs in use, else ranks x threads."""
        if self.gpus:
            return self.gpus
        return None if self.ranks is None else self.ranks * (self.threads or 1)

    @property
    def usd_in_job(self) -> float | None:
        """US dollars for the nodes while the program ran; None when the price is unknown."""
        if self.usd_per_node_hour is None:
            return None
        return self.in_job_s / SECONDS_PER_HOUR * self.nodes * self.usd_per_node_hour

    def as_row(self) -> dict[str, Value]:
        """The record as a row of the table."""
        return {column.name: getattr(self, column.name) for column in COLUMNS}


FIELDS = tuple(field.name for field in fields(BenchmarkRecord))


def record_from(values: Mapping[str, Any]) -> BenchmarkRecord:
    """A record from checked cells; empty ones take their defaults."""
    return BenchmarkRecord(**{k: v for k, v in values.items() if v is not None and k in FIELDS})


def records_text(records: Iterable[BenchmarkRecord], *, remarks: Iterable[str] = ()) -> str:
    """The table as text: the version line, remarks, the header, one line a record."""
    target = io.StringIO()
    target.writelines(f"{line}\n" for line in (HEADLINE, *remarks))
    writer = csv.DictWriter(target, [column.name for column in COLUMNS], lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _text(value) for name, value in record.as_row().items()})
    return target.getvalue()


def _text(value: Value) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)
