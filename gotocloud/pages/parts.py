"""What pages consist of: the frame, tables, identifiers. The same bytes for the same report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template

NONE = '<span class="dim">none</span>'


def frame(
    *,
    title: str,
    lead: str,
    numbers: Iterable[tuple[object, str]],
    sections: Iterable[str],
    footer: str,
    wide_width: int = 0,
    breakpoint_px: int = 0,
) -> str:
    """A whole page.

    Args:
        title: Plain text.
        lead: HTML below the title.
        numbers: The figures at the top, each with its name in plain text.
        sections: HTML of each section.
        footer: Plain text.
        wide_width: Width of the picture, pixels. Default: there is none.
        breakpoint_px: Below this the narrow picture is shown, pixels.
    """
    template = Template(files(__package__).joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        title=escape(title),
        lead=lead,
        numbers="".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(str(number))}</dd></div>"
            for number, name in numbers
        ),
        sections="\n".join(sections),
        footer=escape(footer),
        wide_width=wide_width,
        breakpoint=breakpoint_px,
    )


def section(
    title: str,
    words: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    total: Sequence[str] = (),
    numeric: Iterable[int] = (),
) -> str:
    """A section with a table; every text in it is HTML.

    Args:
        words: What the table shows.
        total: Its last row. Default: none.
        numeric: Columns of numbers, counted from 0.
    """
    right = set(numeric)

    def cells(row: Sequence[str]) -> str:
        made = []
        for number, cell in enumerate(row):
            css = ' class="n"' if number in right else ""
            if number == 0:
                made.append(f'<th scope="row"{css}>{cell}</th>')
                continue
            # On a phone a row becomes a block, and each value has its column's name before it.
            name = re.sub("<[^>]*>", "", columns[number]).replace('"', "&quot;")
            made.append(f'<td{css} data-column="{name}"><div>{cell}</div></td>')
        return f"<tr>{''.join(made)}</tr>"

    head = "".join(
        f'<th scope="col"{" class=n" if number in right else ""}>{column}</th>'
        for number, column in enumerate(columns)
    )
    body = "".join(map(cells, rows))
    foot = f"<tfoot>{cells(total)}</tfoot>" if total else ""
    return (
        f"<section><h2>{title}</h2><p>{words}</p>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div></section>"
    )


def lines(texts: Iterable[str]) -> str:
    """Lines of plain text below each other."""
    return "<br>".join(escape(line) for line in texts) or NONE


def identifiers(texts: Iterable[str]) -> str:
    """Identifiers below each other."""
    return "<br>".join(identifier(text) for text in texts) or NONE


def identifier(text: str) -> str:
    """An identifier, which is not broken."""
    return f'<span class="id">{escape(text)}</span>'
