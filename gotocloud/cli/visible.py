"""Text of other people, such as names and logs, as text: it cannot control the terminal.

A project's name, a file's name or a line of a log may hold sequences that colour, move or rename
a terminal, or that reverse what is read. One filter stands between all that the commands print
and the streams, so that no command has to remember it.
"""

from __future__ import annotations

import io
import sys
import unicodedata
from typing import Any, TextIO

_KEPT = {"\n", "\t"}


def visible(text: str) -> str:
    r"""A text in which what cannot be seen is an escape, such as `\u001b`.

    Line ends, tabs and spaces of every script stay. The escapes are those of JSON, so that a
    JSON document stays one with the same content.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(
        it if it.isprintable() or it in _KEPT or unicodedata.category(it) == "Zs" else _escape(it)
        for it in text
    )


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


class Visible(io.TextIOBase):
    """A stream that shows what is written to it, and takes no command from it.

    Args:
        stream: Where the text goes.
    """

    def __init__(self, stream: TextIO) -> None:
        # rich writes its own sequences, and gets past the filter by this attribute of its own:
        # https://github.com/Textualize/rich/blob/master/rich/file_proxy.py
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        self.rich_proxied_file.write(visible(text))
        return len(text)

    def flush(self) -> None:
        self.rich_proxied_file.flush()

    def fileno(self) -> int:
        return self.rich_proxied_file.fileno()

    def isatty(self) -> bool:
        return self.rich_proxied_file.isatty()

    def writable(self) -> bool:
        return True

    # No `buffer`: click would write its bytes past the filter where the locale is ASCII.
    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.rich_proxied_file.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.rich_proxied_file.errors


def unfiltered(stream: TextIO) -> Any:
    """The stream for sequences of our own; what is written there must be `visible` already."""
    return getattr(stream, "rich_proxied_file", stream)


def show_only_text() -> None:
    """Let everything that is written from now on pass the filter."""
    sys.stdout, sys.stderr = Visible(sys.stdout), Visible(sys.stderr)
