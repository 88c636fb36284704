"""What commands print: results to stdout, narration to stderr."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gotocloud.cli.visible import unfiltered, visible
from gotocloud.errors import GoToCloudError, shell_line


def print_json(data: Any) -> None:
    """Print a result for programs: one JSON document on stdout."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


def narrate(text: str = "") -> None:
    """Print progress for the person at the terminal, on stderr."""
    # While rich draws a bar, its own stream stands before the filter of all output.
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()


def number_of(count: int, noun: str) -> str:
    """A number and a noun, which gets an s unless the number is 1."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table on stdout.

    In a terminal it fits the window; in a pipe no cell is cut, whatever its length.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    lines = [tuple(map(_cell, row)) for row in rows]
    made = Table(
        title=visible(title) or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    terminal = sys.stdout.isatty()
    if terminal:
        # One blank less between columns is what 80 letters often lack.
        made.padding = (0, 1, 0, 0)
    for number, column in enumerate(columns):
        cells = [column, *(line[number] for line in lines)]
        made.add_column(column, overflow="fold", min_width=_whole_words(cells))
    for line in lines:
        made.add_row(*line)
    file = unfiltered(sys.stdout)
    console = (
        Console(file=file) if terminal else Console(file=file, width=_PIPE_WIDTH, color_system=None)
    )
    console.print(made, markup=False)


def width(*, in_a_pipe: int = 96) -> int:
    """How long a line of prose may be here: what the terminal has, and never tiring."""
    if not sys.stdout.isatty():
        return in_a_pipe
    return min(_LONGEST_LINE, max(_SHORTEST_LINE, shutil.get_terminal_size().columns))


def _whole_words(cells: Iterable[str]) -> int:
    """The width in which no name of the column is broken; addresses of pages are."""
    words = (len(word) for cell in cells for word in cell.split())
    return max((size for size in words if size <= _LONGEST_NAME), default=1)


def show_error(error: GoToCloudError) -> None:
    """Print an error on stderr: what happened, every finding, what to type next."""
    narrate(f"Error: {error.text(shell_line('gotocloud', *sys.argv[1:]))}")


def suggest(*commands: str) -> None:
    """Print what can be typed next, a command a line, each as a shell takes it."""
    for command in commands:
        narrate(f"Next: {command}")


@contextmanager
def stoppable(left: str, *, next_command: str) -> Iterator[None]:
    """Make Ctrl-C an error that explains what it leaves behind.

    Args:
        left: In sentences, for example "Stopped. No cluster runs."
        next_command: How to go on.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise GoToCloudError(left, next_command=next_command) from None


_PIPE_WIDTH = 200
_LONGEST_LINE = 96
_SHORTEST_LINE = 40
_LONGEST_NAME = 24


def _cell(value: object) -> str:
    from rich.markup import escape

    return escape("" if value is None else visible(str(value)))
