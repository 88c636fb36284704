"""Resolutions of sub-sets of one's own particles, as a table."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from gotocloud.advisor.progress import COARSEST, FINEST
from gotocloud.advisor.tables import (
    Line,
    has_cells,
    raise_problems,
    read_text,
    rows_of,
    table_text,
)

HEADLINE = "# gotocloud-subsets 1"
COLUMNS = ("particles", "resolution_angstrom")
MOST_PARTICLES = 10**10
SEE = "gotocloud advise collect --example"


@dataclass(frozen=True)
class Subset:
    """One refinement of a random part of the particles, or of all of them.

    Args:
        particles: In the refinement.
        resolution_angstrom: Of its post-processed map.
    """

    particles: int
    resolution_angstrom: float


@dataclass(frozen=True)
class Subsets:
    """The sub-sets of one sample, refined and post-processed in the same way.

    Args:
        subsets: At least one.
        source: Where they come from.
    """

    subsets: tuple[Subset, ...]
    source: str


EXAMPLE = Subsets(
    (
        Subset(3_125, 3.49),
        Subset(6_250, 3.20),
        Subset(12_500, 3.03),
        Subset(25_000, 2.84),
        Subset(50_000, 2.71),
    ),
    "made up: B = 102 Å² with resolutions rounded to whole Fourier shells of 256 px at 0.9 Å",
)
"""Not a measurement: it shows what the table looks like."""


def read_subsets(path: Path) -> Subsets:
    """The sub-sets in a file.

    Raises:
        InputError: if it cannot be read, or with every problem and its line number.
    """
    return parse_subsets(read_text(path), str(path))


def parse_subsets(text: str, name: str) -> Subsets:
    """The sub-sets in a table's text.

    Raises:
        InputError: with every problem and its line number.
    """
    rows = rows_of(text, name, headline=HEADLINE, columns=COLUMNS, see=SEE)
    problems: list[str] = [] if rows else ["there is no row below the header"]
    found = [subset for line in rows if (subset := _subset(line, problems))]
    raise_problems(f"{name!r} cannot be used as a table of sub-sets.", problems, next_command=SEE)
    return Subsets(tuple(found), name)


def subsets_text(subsets: Subsets) -> str:
    """The sub-sets as a table."""
    rows = ((one.particles, one.resolution_angstrom) for one in subsets.subsets)
    return table_text(HEADLINE, COLUMNS, rows)


def _subset(line: Line, problems: list[str]) -> Subset | None:
    if not has_cells(line, COLUMNS, problems):
        return None
    count, size = (cell.strip() for cell in line.cells)
    particles = int(count) if re.fullmatch(r"[0-9]{1,11}", count) else 0
    if not 1 <= particles <= MOST_PARTICLES:
        problems.append(
            f"line {line.number}: particles {count[:40]!r} is not a whole number from 1 to "
            f"{MOST_PARTICLES:,}"
        )
    try:
        resolution = float(size)
    except ValueError:
        resolution = math.nan
    if not FINEST <= resolution <= COARSEST:
        problems.append(
            f"line {line.number}: resolution_angstrom {size[:40]!r} is not a number from "
            f"{FINEST:g} to {COARSEST:g}"
        )
    return Subset(particles, resolution)
