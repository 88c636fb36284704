"""Where benchmark records lie: a group's own, those of a file, those that are public."""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gotocloud.advisor.records import BenchmarkRecord

VARIABLE = "GOTOCLOUD_BENCHMARKS"
"""Environment variable that names the group's own records."""

BESIDE_THE_PROJECT = "gotocloud-benchmarks.csv"
"""Where they are looked for in the working folder, when the variable is not set."""

PUBLIC = "public"
"""Instead of a file: the public run that ships with the package."""


def own_benchmarks(folder: Path) -> Path | None:
    """The file of the group's own records, if there is one.

    Args:
        folder: Where it is looked for, RELION's project folder.
    """
    named = os.environ.get(VARIABLE)
    path = folder / (named or BESIDE_THE_PROJECT)
    # One that was named must be there: reading it reports this.
    return path if named or path.is_file() else None


def load_records(given: str | None) -> tuple[tuple[BenchmarkRecord, ...], str]:
    """The records to use, and what to call them.

    Args:
        given: A file, `public`, or None for the group's own.

    Raises:
        InputError: if the file cannot be used.
    """
    # `gotocloud submit` only needs to know whether there are any.
    from gotocloud.advisor.tables import read_records

    if given == PUBLIC:
        return public_records(), "the public run of RELION's tutorial"
    path = Path(given) if given else own_benchmarks(Path())
    return (read_records(path), str(path)) if path else ((), "")


@cache
def public_records() -> tuple[BenchmarkRecord, ...]:
    """The jobs of the public run of RELION's tutorial that had a node."""
    from gotocloud.advisor.tables import parse_records

    name = "public_records.csv"
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return parse_records(text, name)
