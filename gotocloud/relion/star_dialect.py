"""What RELION writes into STAR files that the STAR grammar forbids.

RELION quotes a value only if it is empty, has blanks in it or starts with a quote, so these
stand bare in real files: scheme variables ("$$ranks"), names that start with "_", "#" or
"data_", and everything beyond ASCII. Source: 3dem/relion 5.0.1, `escapeStringForSTAR`,
`nextTokenInSTAR` and `MetaDataTable::readStarLoop`.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r""""(?P<double>.*?)(?<!\a)"(?=\s|$)|'(?P<single>.*?)'(?=\s|$)|(?P<bare>\S+)""",
    re.ASCII,
)
_SAFE = re.compile(r"[A-Za-z0-9+\-./@:,=*~%()\[\]][\x21-\x7e]*")
_RESERVED = re.compile(r"(data_|save_|loop_$|stop_$|global_$)", re.IGNORECASE)
# RELION puts a bell before a quote that does not end the value
# (https://github.com/3dem/relion/blob/5.0.1/src/strings.cpp#L628).
_BELL = "\a"
_BLANKS = " \t\r"
_GAP = re.compile(r"[ \t]+")


def as_strict_star(text: str) -> str:
    """The same tables with every value quoted that the grammar requires quoted."""
    lines: list[str] = []
    columns = 0
    in_rows = in_header = False
    all_lines = text.split("\n")
    for number, line in enumerate(all_lines, start=1):
        bare = line.strip(_BLANKS)
        cut_off = number == len(all_lines)
        if not bare:
            in_rows = False
        elif in_rows and not (line.startswith("data_") and columns > 1):
            line = _row(bare, columns, cut_off=cut_off)
        elif line.startswith("data_"):
            in_rows = in_header = False
        elif bare == "loop_":
            in_header, columns = True, 0
        elif bare.startswith("_"):
            if in_header:
                columns += 1
                line = _GAP.split(bare)[0]
            else:
                line = _pair(bare)
        elif in_header and not bare.startswith("#"):
            in_rows, in_header = True, False
            line = _row(bare, columns, cut_off=cut_off)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _row(line: str, columns: int, *, cut_off: bool) -> str:
    values = _values(line)
    # Some versions left an empty second column out; RELION still reads that.
    if columns == 2 and len(values) == 1 and not cut_off:
        values.append("")
    return " ".join(_quoted(one) for one in values)


def _pair(line: str) -> str:
    label, *rest = _GAP.split(line, maxsplit=1)
    values = _values(rest[0]) if rest else []
    return f"{label} {_quoted(values[0])}" if values else line


def _values(line: str) -> list[str]:
    found = []
    for match in _TOKEN.finditer(line):
        if (match["bare"] or "").startswith("#"):
            break
        value = next(one for one in match.groups() if one is not None)
        found.append(value.replace(_BELL, ""))
    return found


def _quoted(value: str) -> str:
    if _SAFE.fullmatch(value) and not _RESERVED.match(value):
        return value
    for quote in "\"'":
        if not re.search(rf"{quote}(\s|$)", value, re.ASCII):
            return f"{quote}{value}{quote}"
    return f"\n;{value}\n;"
