"""Tables of others: their columns are named, converted and completed into ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from gotocloud.advisor.cells import CellError, Value, read_cell
from gotocloud.advisor.columns import COLUMN, REQUIRED
from gotocloud.advisor.job_names import job_name
from gotocloud.advisor.plausible import row_problems
from gotocloud.advisor.records import BenchmarkRecord, record_from
from gotocloud.advisor.tables import raise_problems, split_lines
from gotocloud.errors import InputError

SCHEMES = MappingProxyType(
    {
        "JobType/JobID": "job_type",
        "Job Name": "note",
        "MPI": "ranks",
        "Thread": "threads",
        "Nodes": "nodes",
        "Process time(hh:mm:ss)": "submit_to_exit_clock",
        "Running time(hh:mm:ss)": "in_job_clock",
        "EC2 Instance Type": "instance_type",
        "Cost/hours(USD)": "usd_per_node_hour",
    }
)
"""Columns of the cost calculator of KEK-SBRC-CryoEM/CS-Schemes (read 2026-11).

Its column "GPUs" is left out: it counts the digits of `gpu_ids`.
"""

_CLOCK = re.compile(r"(?:(\d{1,9}) days?,? )?(\d{1,9}):(\d{2}):(\d{2}(?:\.\d{1,9})?)")
_MISSING = ("", "nan", "n/a", "na", "none", "null", "-")


def _clock(text: str) -> float:
    found = _CLOCK.fullmatch(text)
    if not found:
        raise CellError(f"{text!r} is no time like 1:10:39")
    days, hours, minutes, seconds = found.groups()
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _times(factor: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            return float(text) * factor
        except ValueError:
            raise CellError(f"{text!r} is not a number") from None

    return convert


_UNITS: Mapping[str, Callable[[str], float]] = MappingProxyType(
    {"_h": _times(3600), "_min": _times(60), "_clock": _clock}
)
"""Endings of a time's name, besides our own `_s`, and how they become seconds."""


def parse_foreign(
    text: str,
    name: str,
    *,
    columns: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
) -> tuple[tuple[BenchmarkRecord, ...], int]:
    """The records of another lab's CSV, and how many rows were empty.

    Rows without an instance type ran on no node of their own and are left out; so are rows
    of less than a second, which no clock has seen.

    Args:
        text: The table.
        name: What errors call it.
        columns: Their column -> ours; a time may also be called `…_h`, `…_min` or
            `…_clock` (h:mm:ss). Default: the columns that are named like ours, or those of
            CS-Schemes' cost calculator.
        constants: Our column -> its value in every row, for what the table does not state.

    Raises:
        InputError: with every problem and its line number.
    """
    constants = constants or {}
    lines = list(split_lines(text, name))
    if not lines:
        raise InputError(
            f"{name!r} has no header and no row.", next_command="gotocloud advise columns"
        )
    header = [cell.strip() for cell in lines[0].cells]
    chosen = _chosen(header, columns)
    problems = _mapping_problems(header, chosen, constants)
    records: list[BenchmarkRecord] = []
    silent = 0
    for line in [] if problems else lines[1:]:
        if len(line.cells) != len(header):
            problems.append(f"line {line.number}: {len(line.cells)} cells, not {len(header)}")
            continue
        row = dict(zip(header, (cell.strip() for cell in line.cells), strict=True))
        found, record = _record(row, chosen, constants)
        if record is None and not found:
            silent += 1
        problems += [f"line {line.number}: {one}" for one in found]
        records += [record] if record else []
    if not records and not problems:
        problems.append("no row has a job on a node")
    raise_problems(f"{name!r} cannot be imported.", problems)
    return tuple(records), silent


def _chosen(header: Sequence[str], columns: Mapping[str, str] | None) -> Mapping[str, str]:
    if columns:
        return columns
    if all(name in header for name in SCHEMES):
        return SCHEMES
    return {name: name for name in header if _target(name) is not None}


def _target(name: str) -> tuple[str, Callable[[str], float] | None] | None:
    """Our column that a name means, and how its values become ours."""
    if name in COLUMN:
        return name, None
    for ending, convert in _UNITS.items():
        if name.endswith(ending) and f"{name.removesuffix(ending)}_s" in COLUMN:
            return f"{name.removesuffix(ending)}_s", convert
    return None


def _mapping_problems(
    header: Sequence[str], chosen: Mapping[str, str], constants: Mapping[str, str]
) -> list[str]:
    problems = [f"there is no column {theirs!r}" for theirs in chosen if theirs not in header]
    problems += [
        f"{ours!r} is none of our columns" for ours in chosen.values() if not _target(ours)
    ]
    problems += [f"{ours!r} is none of our columns" for ours in constants if ours not in COLUMN]
    given = {target[0] for ours in chosen.values() if (target := _target(ours))} | set(constants)
    problems += [
        f"nothing gives {required}: name a column with --column THEIRS={required}, or a value "
        f"with --set {required}=VALUE"
        for required in REQUIRED
        if required not in given
    ]
    return problems


def _record(
    row: Mapping[str, str], chosen: Mapping[str, str], constants: Mapping[str, str]
) -> tuple[list[str], BenchmarkRecord | None]:
    texts = dict(constants)
    problems = []
    for theirs, ours in chosen.items():
        target = _target(ours)
        if target is None or row[theirs].lower() in _MISSING:
            continue
        column, convert = target
        try:
            texts[column] = row[theirs] if convert is None else repr(convert(row[theirs]))
        except CellError as error:
            problems.append(f"{theirs}: {error}")
    if not texts.get("instance_type") or texts.get("in_job_s") in ("0", "0.0"):
        return problems, None
    values: dict[str, Value] = {}
    for column, text in texts.items():
        try:
            values[column] = read_cell(COLUMN[column], _whole(column, text))
        except CellError as error:
            problems.append(str(error))
    problems += [f"{name} is empty" for name in REQUIRED if not texts.get(name)]
    try:
        values["job_type"] = job_name(texts.get("job_type", "").partition("/")[0])
    except InputError as error:
        problems.append(error.message)
    if problems:
        return problems, None
    record = record_from(values)
    return row_problems(record), record


def _whole(column: str, text: str) -> str:
    """Spreadsheets write counts as 24.0; job names may carry a job's number."""
    if column == "job_type":
        return text.partition("/")[0]
    return text.removesuffix(".0") if re.fullmatch(r"\d{1,9}\.0", text) else text
