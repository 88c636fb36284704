"""Reads tables of benchmark records; hostile ones are refused with all problems at once."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from gotocloud.advisor.cells import CellError, Value, read_cell
from gotocloud.advisor.columns import (
    COLUMN,
    COLUMNS,
    CURRENCY_COLUMN,
    HEADLINE,
    REQUIRED,
    SCHEMA_NAME,
    SCHEMA_VERSION,
)
from gotocloud.advisor.job_names import job_name
from gotocloud.advisor.plausible import row_problems
from gotocloud.advisor.records import BenchmarkRecord, record_from
from gotocloud.errors import InputError, shell_line
from gotocloud.printed import lines_of

SHOWN_PROBLEMS = 25
MOST_BYTES = 100_000_000
"""About a million records. Without a limit /dev/zero would fill the memory."""
SEE = "gotocloud advise columns"
_VERSION_LINE = re.compile(rf"#\s*{SCHEMA_NAME}\s+(\S+)\s*")
_FOREIGN_MONEY = re.compile(r"(^|_)(eur|jpy|yen|gbp|cny|krw|chf|euro)(_|$)")
_OTHER_UNIT = re.compile(r"^(?P<stem>.+)_(h|hours?|min|minutes|ms|days?|seconds)$")


@dataclass(frozen=True)
class Line:
    """One line of a table: its number in the file, and its cells."""

    number: int
    cells: tuple[str, ...]


def read_records(path: Path) -> tuple[BenchmarkRecord, ...]:
    """The records of a file.

    Raises:
        InputError: if it cannot be read, or with every problem and its line number.
    """
    return parse_records(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a table's file.

    Raises:
        InputError: if there is none, or if it is not UTF-8 text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise InputError(
                f"{str(path)!r} is larger than {MOST_BYTES // 10**6} MB; is it a table?",
                next_command=shell_line("ls", "-ld", path),
            )
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"There is no file {str(path)!r}.", next_command=SEE) from None
    except OSError as error:
        raise InputError(
            f"{str(path)!r} cannot be read: {error.strerror}.",
            next_command=shell_line("ls", "-ld", path),
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{str(path)!r} is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8.",
            next_command=shell_line("file", path),
        ) from None


def parse_records(text: str, name: str) -> tuple[BenchmarkRecord, ...]:
    """The records of a table's text.

    Args:
        text: The table, as `columns.COLUMNS` describes it.
        name: What errors call it.

    Raises:
        InputError: with every problem and its line number.
    """
    _check_version(text, name)
    lines = list(split_lines(text, name))
    if not lines:
        raise InputError(f"{name!r} has no header and no row.", next_command=SEE)
    header, rows = lines[0], lines[1:]
    problems = [f"line {header.number}: {problem}" for problem in header_problems(header.cells)]
    if not rows:
        problems.append("there is no row below the header")
    records = []
    if not problems:
        for row in rows:
            found, record = _read_row(header.cells, row)
            problems += [f"line {row.number}: {problem}" for problem in found]
            records += [record] if record else []
    raise_problems(f"{name!r} cannot be used as benchmark records.", problems)
    return tuple(records)


def split_lines(text: str, name: str) -> Iterator[Line]:
    """Lines of a CSV with their numbers in the file; comments and blank lines left out."""
    if "\0" in text:
        raise InputError(
            f"{name!r} holds NUL characters; it is not a CSV table.",
            next_command=shell_line("file", name),
        )
    kept = ("\n" if line.lstrip().startswith("#") else line for line in io.StringIO(text))
    reader = csv.reader(kept, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Line(reader.line_num, tuple(cells))
    except csv.Error as error:
        raise InputError(
            f"{name!r}, line {reader.line_num}: not CSV: {error}.", next_command=SEE
        ) from None


def rows_of(
    text: str, name: str, *, headline: str, columns: tuple[str, ...], see: str
) -> list[Line]:
    """The rows of a table with a first line and columns of its own.

    Args:
        name: Of the table, for messages.
        headline: Its first line, which has its format and version.
        columns: Names in its header, in their order.
        see: The command that prints an example.

    Raises:
        InputError: if the first line or the columns are others, or it is not CSV.
    """
    first = text.strip().partition("\n")[0].strip().rstrip(",")
    if re.sub(r"\s+", " ", first) != headline:
        raise InputError(f"{name!r} does not begin with the line {headline!r}.", next_command=see)
    lines = list(split_lines(text, name))
    header = tuple(cell.strip() for cell in lines[0].cells) if lines else ()
    if header != columns:
        raise InputError(
            f"{name!r} must have the columns {','.join(columns)}; it has "
            f"{','.join(header) or 'none'}.",
            next_command=see,
        )
    return lines[1:]


def has_cells(line: Line, columns: tuple[str, ...], problems: list[str]) -> bool:
    """Whether a row has a cell for each column; else a problem is added."""
    if len(line.cells) == len(columns):
        return True
    problems.append(f"line {line.number}: {len(line.cells)} cells instead of {len(columns)}")
    return False


def table_text(headline: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A table as `rows_of` reads it."""
    target = io.StringIO()
    target.write(headline + "\n")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return target.getvalue()


def remarks(text: str) -> tuple[str, ...]:
    """What a person has noted in a table: its lines that begin with `#`, but the first."""
    noted = (line.strip() for line in lines_of(text))
    return tuple(one for one in noted if one.startswith("#") and not _VERSION_LINE.fullmatch(one))


def header_problems(header: Sequence[str]) -> list[str]:
    """Everything wrong with a header."""
    names = [name.strip() for name in header]
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        mark = "semicolons" if ";" in names[0] else "tabs"
        return [f"the columns are separated by {mark}; save the table with commas"]
    problems = [f"the column {name!r} appears twice" for name in repeated(names)]
    allowed = {*COLUMN, CURRENCY_COLUMN}
    problems += [_unknown_column(name) for name in names if name not in allowed]
    problems += [f"the column {name!r} is missing" for name in REQUIRED if name not in names]
    return problems


def _unknown_column(name: str) -> str:
    if _FOREIGN_MONEY.search(name.lower()):
        return f"the column {name!r} is not in US dollars; prices belong in usd_per_node_hour"
    unit = _OTHER_UNIT.match(name.lower())
    if unit and f"{unit['stem']}_s" in COLUMN:
        return f"the column {name!r} has another unit; give {unit['stem']}_s, in seconds"
    if not name:
        return "a column has no name"
    close = get_close_matches(name, COLUMN, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"the column {name!r} is unknown{hint}"


def _read_row(header: Sequence[str], row: Line) -> tuple[list[str], BenchmarkRecord | None]:
    if len(row.cells) != len(header):
        return [f"{len(row.cells)} cells, the header has {len(header)}"], None
    problems: list[str] = []
    values: dict[str, Value] = {}
    for name, text in zip(header, row.cells, strict=True):
        name = name.strip()
        if name == CURRENCY_COLUMN:
            if text.strip().upper() not in ("USD", ""):
                problems.append(f"currency {text.strip()!r}: only USD can be compared")
            continue
        try:
            values[name] = read_cell(COLUMN[name], text)
        except CellError as error:
            problems.append(str(error))
    if isinstance(values.get("job_type"), str):
        try:
            values["job_type"] = job_name(str(values["job_type"]))
        except InputError as error:
            problems.append(error.message)
    if problems:
        return problems, None
    record = record_from(values)
    return row_problems(record), record


def _check_version(text: str, name: str) -> None:
    first = text.lstrip().partition("\n")[0]
    match = _VERSION_LINE.fullmatch(first.strip().rstrip(","))
    if not match:
        raise InputError(
            f"{name!r} does not begin with the line {HEADLINE!r}, which explains what its columns "
            "mean. Tables of others are read by gotocloud advise import.",
            next_command=SEE,
        )
    if match[1] != str(SCHEMA_VERSION):
        raise InputError(
            f"{name!r} has version {match[1]} of {SCHEMA_NAME}; this gotocloud reads "
            f"version {SCHEMA_VERSION}.",
            next_command=SEE,
        )


def raise_problems(message: str, problems: Sequence[str], *, next_command: str = SEE) -> None:
    """Raise an InputError with all problems, the first ones in full; nothing without any."""
    if not problems:
        return
    shown = list(problems[:SHOWN_PROBLEMS])
    if len(problems) > SHOWN_PROBLEMS:
        shown.append(f"and {len(problems) - SHOWN_PROBLEMS} more")
    raise InputError(message, problems=shown, next_command=next_command)


def repeated(names: Sequence[str]) -> list[str]:
    """Names that appear more than once, sorted."""
    return sorted({name for name in names if names.count(name) > 1})


def columns_table() -> list[tuple[str, str, str, str]]:
    """Name, need, content and meaning of every column, for people."""
    return [
        (
            column.name,
            "required" if column.required else "",
            ", ".join(column.choices) if column.choices else column.kind.value,
            column.meaning,
        )
        for column in COLUMNS
    ]
