"""Reads single cells of a table strictly, and describes in words what is wrong."""

from __future__ import annotations

import math
import re
import unicodedata

from gotocloud.advisor.columns import CellKind, Column

Value = str | int | float | None

_CLOCK = re.compile(r"(?:(\d{1,9}):)?(\d{1,9}):([0-5]?\d(?:\.\d{1,9})?)")
_WITH_UNIT = re.compile(r"([-+]?\d{1,9}(?:[.,]\d{1,9})?)\s*([A-Za-zµ%]+)")
_MONEY = re.compile(r"[$€£¥₩]|\b(?:usd|eur|jpy|gbp|cny|krw|chf)\b", re.IGNORECASE)
_SECONDS_PER = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "hrs": 3600}
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


LONGEST = 500
"""Characters of a cell; a longer one is a slip, and would fill the screen with every answer."""


class CellError(ValueError):
    """A cell that cannot be used; the text explains why, and what is meant instead."""


def read_cell(column: Column, text: str) -> Value:
    """The value of a cell; None when it is empty.

    Raises:
        CellError: with the value given and what is allowed.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise CellError(f"{column.name} has {len(text):,} characters; {LONGEST} are allowed")
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        raise CellError(f"{column.name} {text!r} holds control characters")
    if not text:
        if column.required:
            raise CellError(f"{column.name} is empty; every row needs it")
        return column.choices[0] if column.choices else None
    if column.kind is CellKind.CHOICE:
        return _choice(column, text)
    if column.kind is CellKind.DATE:
        if not _DATE.fullmatch(text):
            raise CellError(f"{column.name} {text!r} is no date; write 2024, 2024-02 or 2024-02-08")
        return text
    return text if column.kind is CellKind.TEXT else _number(column, text)


def _choice(column: Column, text: str) -> str:
    if text.lower() not in column.choices:
        raise CellError(f"{column.name} {text!r} is not one of {', '.join(column.choices)}")
    return text.lower()


def _number(column: Column, text: str) -> int | float:
    number = _plain_number(column, text)
    what = f"{column.name} {text}"
    if not math.isfinite(number):
        raise CellError(f"{what} is not a number")
    if number < 0:
        raise CellError(f"{what} is negative")
    if column.kind is CellKind.SECONDS and number == 0 and column.required:
        raise CellError(f"{what}: a job that took no time is no measurement")
    if number < column.least:
        raise CellError(f"{what} is less than {column.least:g}")
    if number > column.most:
        raise CellError(
            f"{what} is more than {column.most:g} {column.kind.value}; is its unit right?"
        )
    if column.kind is CellKind.COUNT:
        if number != int(number):
            raise CellError(f"{what} must be a whole number")
        return int(number)
    return number


def _plain_number(column: Column, text: str) -> float:
    try:
        if "_" in text:  # Python would read 1_000, which is not a number in a table.
            raise ValueError
        return float(text)
    except ValueError:
        raise CellError(f"{column.name} {text!r} {_what_is_wrong(column, text)}") from None


def _what_is_wrong(column: Column, text: str) -> str:
    if _MONEY.search(text):
        return "names a currency; prices are plain US dollars, without a sign"
    clock = _CLOCK.fullmatch(text)
    if clock and column.kind is CellKind.SECONDS:
        hours, minutes, seconds = clock.groups()
        total = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
        return f"is a clock time; the column holds seconds: {total:g}"
    with_unit = _WITH_UNIT.fullmatch(text)
    if with_unit:
        number, unit = float(with_unit[1].replace(",", ".")), with_unit[2]
        if column.kind is CellKind.SECONDS and unit.lower() in _SECONDS_PER:
            return f"has a unit; the column holds seconds: {number * _SECONDS_PER[unit.lower()]:g}"
        return f"has the unit {unit!r}; the column holds plain numbers"
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d{1,9})?", text):
        return f"has separators; write {text.replace(',', '')}"
    if re.fullmatch(r"\d{1,9},\d{1,9}", text):
        return f"has a decimal comma; write {text.replace(',', '.')}"
    return f"is not a {'whole ' if column.kind is CellKind.COUNT else ''}number"
