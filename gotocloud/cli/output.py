"""What commands print: results to stdout, narration to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from gotocloud.errors import GoToCloudError


def print_json(data: Any) -> None:
    """Print a result for programs: one JSON document on stdout."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


def narrate(text: str = "") -> None:
    """Tell the person what is going on, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table on stdout.

    In a terminal it fits the window; in a pipe no cell is cut, whatever its length.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    console = Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH, color_system=None)
    console.print(made, markup=False)


def show_error(error: GoToCloudError) -> None:
    """Print an error on stderr: what happened, every finding, what to type next."""
    narrate(f"Error: {error}")


_PIPE_WIDTH = 200


def _cell(value: object) -> str:
    from rich.markup import escape

    return escape("" if value is None else str(value))
