"""Text that another program printed, as lines."""

from __future__ import annotations


def lines_of(text: str) -> list[str]:
    r"""The lines of a text; only `\n` ends one, as for Slurm, the shell and `grep`.

    `str.splitlines` also ends a line at U+2028, U+0085, a form feed and seven other characters.
    A job's or a file's name may hold them, and would become a line that no program wrote.
    """
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines
