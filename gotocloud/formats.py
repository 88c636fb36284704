"""Sizes, times and money as people read them: one way for every command."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

SMALLEST_USD = 0.01
"""A smaller amount is shown as "under 0.01", so that it does not look free."""


def size_text(size: float) -> str:
    """Bytes in powers of 1000: "500 bytes", "1.5 kB", "2.0 GB", "1.20 TB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} TB"


def duration_text(seconds: float) -> str:
    """Seconds as "48 s", "12 min", "1 h 5 min"."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def usd_text(usd: float | Decimal | None, *, rounded: bool = False) -> str:
    """An amount of US dollars, without the unit: "1,234.50", "under 0.01", "unknown".

    Args:
        rounded: Whether a small amount is rounded, as in "at least USD 0.01".
    """
    if usd is None:
        return "unknown"
    small = 0 < usd < SMALLEST_USD and not rounded
    return f"under {SMALLEST_USD}" if small else f"{usd:,.2f}"


def rate_text(usd: float | Decimal | None) -> str:
    """A price in US dollars, without the unit: "0.0048", "unknown"."""
    return "unknown" if usd is None else f"{usd:.4f}"


def whole_number(text: str, *, most: int = 10**15) -> int | None:
    """A whole number that another program wrote; None for anything else, or one beyond a limit.

    Python reads no number of more than 4,300 digits, and takes "²" for a digit that it cannot
    convert; so text that is not ours comes through here.

    >>> whole_number(" 12 "), whole_number("²"), whole_number("-1"), whole_number("9" * 5000)
    (12, None, None, None)
    """
    digits = text.strip()
    if not 1 <= len(digits) <= 16 or not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits)
    return number if number <= most else None


def parse_json(text: str | bytes) -> Any:
    """A JSON document that another program, or another version, wrote.

    Raises:
        ValueError: if it is none; also if it is nested too deeply for Python to read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
