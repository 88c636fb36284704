"""Price tables as CSV files: reading with every problem at once, and writing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from gotocloud.costs.price import Key, Price, PriceUnit
from gotocloud.errors import InputError

COLUMNS = ("item", "region", "usd", "unit", "source", "date")
OPTIONAL_COLUMNS = ("spread_usd", "zone_id")
REFRESH = "gotocloud platform prices --refresh"

_DAY = r"\d{4}-\d{2}-\d{2}"
_DATE = re.compile(rf"\d{{4}}|\d{{4}}-\d{{2}}|(read )?{_DAY}|{_DAY}/{_DAY}")


def read_table(path: Path) -> Mapping[Key, Price]:
    """The prices in a file.

    Raises:
        InputError: if it cannot be read, or with every row that cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"There is no price table {path}.", next_command=REFRESH) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.", next_command=REFRESH) from None
    return parse_table(text, str(path))


def parse_table(text: str, name: str) -> Mapping[Key, Price]:
    """The prices in the text of a file.

    Args:
        name: Of the file, for errors.

    Raises:
        InputError: with every row that cannot be used.
    """
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            f"{name} is not a price table: it lacks the columns {', '.join(missing)}.",
            next_command=REFRESH,
        )
    prices: dict[Key, Price] = {}
    problems = []
    for row in reader:
        try:
            price = _price(row)
            if price.key in prices:
                raise ValueError(f"{price.item} in {price.key[1]} is given twice as {price.unit}")
            prices[price.key] = price
        except ValueError as error:
            problems.append(f"line {reader.line_num}: {error}")
    if problems:
        raise InputError(
            f"The price table {name} cannot be used.", problems=problems, next_command=REFRESH
        )
    return prices


def dump_table(prices: Iterable[Price]) -> str:
    """A price table as text, sorted, so that a change is easy to review."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*COLUMNS, *OPTIONAL_COLUMNS))
    for one in sorted(prices, key=lambda price: price.key):
        spread = "" if one.spread_usd is None else one.spread_usd
        writer.writerow(
            (
                one.item,
                one.region,
                one.usd,
                one.unit.value,
                one.source,
                one.date,
                spread,
                one.zone_id,
            )
        )
    return out.getvalue()


def _price(row: Mapping[str, str | None]) -> Price:
    texts = {column: (row.get(column) or "").strip() for column in (*COLUMNS, *OPTIONAL_COLUMNS)}
    if empty := [column for column in COLUMNS if not texts[column]]:
        raise ValueError(f"{', '.join(empty)} empty")
    if texts["unit"] not in set(PriceUnit):
        allowed = ", ".join(PriceUnit)
        raise ValueError(f"unit {texts['unit']!r} is none of {allowed}")
    if not _DATE.fullmatch(texts["date"]):
        raise ValueError(f"date {texts['date']!r} is no year, month, day or first/last day")
    spread = texts["spread_usd"]
    return Price(
        item=texts["item"],
        region=texts["region"],
        usd=_usd(texts["usd"], "usd", least=Decimal()),
        unit=PriceUnit(texts["unit"]),
        source=texts["source"],
        date=texts["date"],
        spread_usd=_usd(spread, "spread_usd", least=Decimal(-1)) if spread else None,
        zone_id=texts["zone_id"],
    )


def _usd(text: str, column: str, *, least: Decimal) -> Decimal:
    try:
        usd = Decimal(text)
    except InvalidOperation:
        usd = Decimal("NaN")
    if not usd.is_finite() or usd <= least or usd < 0:
        # A free machine does not exist: what is unknown has no row.
        raise ValueError(f"{column} {text!r} is not a number of US dollars above zero")
    return usd
