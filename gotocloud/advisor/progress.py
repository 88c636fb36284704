"""A project's own record of resolution, hours and US dollars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from gotocloud.advisor.tables import (
    Line,
    has_cells,
    raise_problems,
    read_text,
    rows_of,
    table_text,
)

HEADLINE = "# gotocloud-progress 1"
COLUMNS = ("step", "resolution_angstrom", "cumulative_hours", "cumulative_usd")
FINEST, COARSEST = 0.5, 100.0
"""Resolutions of single-particle maps in angstroms; anything else has another unit."""
MOST = 1e9
"""Hours or US dollars beyond which a figure is a slip."""
SEE = "gotocloud advise stop --example"


@dataclass(frozen=True)
class ProjectStep:
    """One step of a project.

    Args:
        name: What was done.
        resolution_angstrom: Of the map after it.
        hours: All processing until then.
        usd: All cost until then.
    """

    name: str
    resolution_angstrom: float
    hours: float
    usd: float


@dataclass(frozen=True)
class ProjectSteps:
    """The steps of a project in their order.

    Args:
        steps: At least one.
        source: Where the record comes from.
    """

    steps: tuple[ProjectStep, ...]
    source: str


STREPTAVIDIN = ProjectSteps(
    (
        ProjectStep("Class2D and Class3D, binned by 4", 3.20, 34.41, 957),
        ProjectStep("binned by 2, selected by Class3D", 2.23, 42.06, 1129),
        ProjectStep("CTF refinement and polishing, to the 2nd CTF refinement", 1.95, 77.65, 2204),
        ProjectStep("CTF refinement and polishing, 5 cycles", 1.87, 136.55, 4546),
        ProjectStep("Class3D without alignment, final refinement", 1.83, 150.33, 4885),
    ),
    "Moriya et al., Communications Biology 2024, doi 10.1038/s42003-024-07031-6, Fig. 6: "
    "EMPIAR-10641, streptavidin, RELION 3.1.2, Tokyo, on demand",
)
"""The paper's worked example."""


def read_progress(path: Path) -> ProjectSteps:
    """The record in a file.

    Raises:
        InputError: if it cannot be read, or with every problem and its line number.
    """
    return parse_progress(read_text(path), str(path))


def parse_progress(text: str, name: str) -> ProjectSteps:
    """The record in a table's text.

    Raises:
        InputError: with every problem and its line number.
    """
    rows = rows_of(text, name, headline=HEADLINE, columns=COLUMNS, see=SEE)
    problems: list[str] = [] if rows else ["there is no row below the header"]
    steps: list[ProjectStep] = []
    for line in rows:
        step = _step(line, problems)
        if step and steps:
            problems += _backwards(steps[-1], step, line.number)
        steps += [step] if step else []
    raise_problems(f"{name!r} cannot be used as a project's record.", problems, next_command=SEE)
    return ProjectSteps(tuple(steps), name)


def progress_text(progress: ProjectSteps) -> str:
    """The record as a table."""
    rows = ((one.name, one.resolution_angstrom, one.hours, one.usd) for one in progress.steps)
    return table_text(HEADLINE, COLUMNS, rows)


def _step(line: Line, problems: list[str]) -> ProjectStep | None:
    if not has_cells(line, COLUMNS, problems):
        return None
    numbers = []
    for column, cell in zip(COLUMNS[1:], line.cells[1:], strict=True):
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and 0 <= number <= MOST):
            problems.append(
                f"line {line.number}: {column} {cell.strip()[:40]!r} is not a number from 0 to "
                f"{MOST:g}"
            )
        numbers.append(number)
    resolution = numbers[0]
    if math.isfinite(resolution) and not FINEST <= resolution <= COARSEST:
        problems.append(
            f"line {line.number}: resolution_angstrom {resolution:g} is not between "
            f"{FINEST:g} and {COARSEST:g}; is it in angstroms?"
        )
    return ProjectStep(line.cells[0].strip() or f"line {line.number}", *numbers)


def _backwards(before: ProjectStep, after: ProjectStep, line: int) -> list[str]:
    """The columns are cumulative: they never shrink."""
    return [
        f"line {line}: {name} {now:g} is less than {then:g} of the step before; "
        "give the sum since the beginning"
        for name, then, now in (
            ("cumulative_hours", before.hours, after.hours),
            ("cumulative_usd", before.usd, after.usd),
        )
        if now < then
    ]
