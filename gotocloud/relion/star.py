"""STAR files as plain tables, with errors that state what is wrong with a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from gotocloud.errors import GoToCloudError
from gotocloud.printed import lines_of
from gotocloud.relion.star_dialect import as_strict_star

if TYPE_CHECKING:
    import gemmi


class StarError(GoToCloudError):
    """A STAR file that is missing, empty, cut off or no STAR file at all."""


@dataclass(frozen=True)
class StarTable:
    """One data block: single values, or a table of them.

    Args:
        name: What follows `data_`; may be empty.
        values: Label -> value, of a list block.
        columns: Label -> values from top to bottom, of a loop.
    """

    name: str
    values: Mapping[str, str]
    columns: Mapping[str, tuple[str, ...]]

    @property
    def length(self) -> int:
        """Rows of the loop; 0 without one."""
        return len(next(iter(self.columns.values()), ()))

    def value(self, label: str) -> str | None:
        """A single value; of a loop with one row, that row's (RELION writes both)."""
        if label in self.values:
            return self.values[label]
        column = self.columns.get(label, ())
        return column[0] if len(column) == 1 else None

    def rows(self, *labels: str) -> Iterator[tuple[str, ...]]:
        """Rows of the loop, reduced to some columns.

        Raises:
            KeyError: if there is no such column.
        """
        return zip(*(self.columns[label] for label in labels), strict=True)


@dataclass(frozen=True)
class StarFile:
    """A STAR file that was read.

    Args:
        path: Where it was read from.
        tables: Name of the data block -> table.
    """

    path: Path
    tables: Mapping[str, StarTable]

    def table(self, name: str) -> StarTable:
        """The table of that name.

        Raises:
            StarError: if the file has none.
        """
        if name not in self.tables:
            there = ", ".join(f"data_{one}" for one in self.tables) or "nothing"
            raise StarError(f"{self.path} has no table 'data_{name}'; it holds {there}.")
        return self.tables[name]


def read_star(path: Path) -> StarFile:
    """Everything in a STAR file.

    Raises:
        StarError: if it is missing, empty, cut off or no STAR file.
    """
    return parse_star(_text(path), path)


def named_in(path: Path, label: str) -> str | None:
    """The first value of a label, in whichever table of a STAR file it stands.

    Raises:
        StarError: if the file cannot be read.
    """
    for table in read_star(path).tables.values():
        if value := table.value(label):
            return value
    return None


def parse_star(text: str, path: Path) -> StarFile:
    """The tables in the text of a STAR file.

    Args:
        text: The whole file.
        path: Its name, for errors.

    Raises:
        StarError: if the text is empty, cut off or no STAR.
    """
    if not text.strip():
        raise StarError(f"{path} is empty; a crash while RELION wrote it leaves such a file.")
    # An editor may have left a byte order mark in the blank first line.
    text = text.removeprefix("\ufeff")
    try:
        tables = _parsed(text)
    except (ValueError, RuntimeError):
        try:
            tables = _parsed(as_strict_star(text))
        except (ValueError, RuntimeError) as error:
            raise StarError(
                f"{path} is no STAR file, or it is cut off: {_first_line(error)}."
            ) from error
    if not any(table.values or table.columns for table in tables.values()):
        raise StarError(f"{path} is no STAR file: it holds no 'data_' table.")
    return StarFile(path=path, tables=MappingProxyType(tables))


def ends_completely(path: Path) -> bool:
    """Whether the last line is the blank one with which RELION ends every table.

    A file cut off between two rows still parses; only this line shows it. Source: 3dem/relion,
    `MetaDataTable::write` of 3.1.3 and 5.0.1.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            tail = file.read()
    except (OSError, ValueError):
        return False
    return bool(_BLANK_END.search(tail))


_TAIL_BYTES = 256
_BLANK_END = re.compile(rb"\n[ \t\r]*\n\s*\Z")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> StarError:
    """The error for a file that cannot be read at all."""
    if isinstance(error, FileNotFoundError):
        return StarError(f"{path} does not exist.")
    return StarError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.")


def _parsed(text: str) -> dict[str, StarTable]:
    import gemmi

    return {block.name.strip(): _table(block) for block in gemmi.cif.read_string(text)}


def _cell(value: str) -> str:
    """A value as RELION reads it: "." and "?" are no empty values to it, as they are in CIF."""
    import gemmi

    return value if value in (".", "?") else gemmi.cif.as_string(value)


def _table(block: gemmi.cif.Block) -> StarTable:
    values: dict[str, str] = {}
    columns: dict[str, tuple[str, ...]] = {}
    for item in block:
        if item.pair is not None:
            label, value = cast("tuple[str, str]", item.pair)
            values[label] = _cell(value)
        elif item.loop is not None:
            flat = [_cell(value) for value in item.loop.values]
            width = item.loop.width()
            for index, tag in enumerate(item.loop.tags):
                columns[tag] = tuple(flat[index::width])
    return StarTable(block.name.strip(), MappingProxyType(values), MappingProxyType(columns))


def _first_line(error: Exception) -> str:
    return lines_of(str(error).strip())[0].rstrip(".") if str(error).strip() else "unreadable"
