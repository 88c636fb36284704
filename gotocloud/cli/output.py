"""What commands print: results to stdout, narration to stderr."""

from __future__ import annotations

import json
import re
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
    """Print a table on stdout, in which no letter is lost and no command is broken.

    In a terminal it fits the window: where that is too narrow for its names, each row becomes a
    block of lines. In a pipe each row is one line, whatever its length.
    """
    lines = [tuple(map(_cell, row)) for row in rows]
    if not sys.stdout.isatty():
        if title:
            print(visible(title))
        print_plain(columns, lines)
        return
    widths = [
        _unbroken([column, *(line[number] for line in lines)])
        for number, column in enumerate(columns)
    ]
    # A blank on each side of the table, and two between columns.
    room = shutil.get_terminal_size().columns - 2 * len(widths) - sum(widths)
    if room < 0:
        _print_blocks(columns, lines, visible(title))
        return
    whole = [max(map(len, column)) for column in zip(columns, *lines, strict=True)]
    # What is left goes to the columns that need least to be whole.
    for number in sorted(range(len(widths)), key=lambda it: whole[it] - widths[it]):
        more = max(0, min(room, whole[number] - widths[number]))
        widths[number] += more
        room -= more
    _print_table(columns, lines, widths, visible(title))


def print_plain(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """A table without a frame, which a thousand rows do not slow down; one line a row."""
    widths = [max(map(len, column)) for column in zip(columns, *lines, strict=True)]
    for line in (columns, *lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _print_table(
    columns: Sequence[str], lines: Iterable[Sequence[str]], widths: Sequence[int], title: str
) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    made = Table(title=escape(title) or None, title_justify="left", box=box.SIMPLE_HEAD)
    made.pad_edge = False
    # One blank less between columns is what 80 letters often lack.
    made.padding = (0, 1, 0, 0)
    for column, size in zip(columns, widths, strict=True):
        # Of its own accord rich would also take letters from a column that has a least width.
        made.add_column(escape(column), overflow="fold", width=size)
    for line in lines:
        made.add_row(*map(escape, line))
    window = shutil.get_terminal_size().columns
    Console(file=unfiltered(sys.stdout), width=window).print(made, markup=False)


def _print_blocks(columns: Sequence[str], lines: Iterable[Sequence[str]], title: str) -> None:
    """Each row as lines of a column and its cell; an empty cell has none."""
    if title:
        print(title)
    before = max(map(len, columns)) + 2
    room = max(_SHORTEST_LINE, shutil.get_terminal_size().columns) - before
    for line in lines:
        print()
        for column, cell in zip(columns, line, strict=True):
            for number, part in enumerate(wrapped(cell, room)):
                print(f"{column if number == 0 else '':<{before}}{part}")
    print()


def wrapped(text: str, room: int) -> list[str]:
    """A text in lines, in which no word and no command is broken.

    Args:
        room: Letters to a line; a longer word or command has a line of its own.
    """
    import textwrap

    # What is no blank is not broken.
    kept = _A_COMMAND.sub(_glued, _ENDS_IN_A_COMMAND.sub(_glued, text))
    lines = textwrap.wrap(kept, room, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def paragraph(text: str) -> None:
    """Print sentences on stdout, as wide as the terminal at most; in a pipe, on one line."""
    print("\n".join(wrapped(text, width(in_a_pipe=len(text) + 1))))


def hanging(beside: str, text: str) -> str:
    """A text beside a word, as wide as the terminal at most; in a pipe, on one line.

    Args:
        beside: The word, with the blanks after it; the other lines begin below the text.
    """
    lines = wrapped(text, width(in_a_pipe=len(text) + len(beside) + 1) - len(beside))
    return beside + f"\n{' ' * len(beside)}".join(lines or [""])


def _glued(command: re.Match[str]) -> str:
    return command[0].replace(" ", "\0")


def width(*, in_a_pipe: int = 96) -> int:
    """How long a line of prose may be here: what the terminal has, and never tiring."""
    if not sys.stdout.isatty():
        return in_a_pipe
    return min(_LONGEST_LINE, max(_SHORTEST_LINE, shutil.get_terminal_size().columns))


def _unbroken(cells: Iterable[str]) -> int:
    """The width in which no name and no command of a column is broken; addresses of pages are."""
    sizes = [1]
    for cell in cells:
        if _A_COMMAND.match(cell):
            sizes.append(len(cell))
        else:
            sizes += [len(word) for word in cell.split() if "://" not in word]
    return max(sizes)


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


_LONGEST_LINE = 96
_SHORTEST_LINE = 40
_COMMAND = r"(?:[A-Z_]+=\S+ |env )*(?:gotocloud|aws|cdk)(?: [^ ;()]+)+"
_A_COMMAND = re.compile(rf"^{_COMMAND}$")
_ENDS_IN_A_COMMAND = re.compile(rf"(?<=: ){_COMMAND}(?=[;)]|$)")


def _cell(value: object) -> str:
    return "" if value is None else visible(str(value)).replace("\n", " ")
