"""The table of assumptions in docs/proving.md; `python -m tests.proving.table` writes it."""

from __future__ import annotations

from gotocloud.proving.assumptions import assumptions
from tests.rooms import ROOT, with_part

DOCUMENT = ROOT / "docs" / "proving.md"
BEGIN = "<!-- assumptions: python -m tests.proving.table -->\n"
END = "<!-- end of assumptions -->\n"


def table() -> str:
    """The rows in the order of the stages."""
    lines = ["| stage | name | assumption | on the local AWS |", "|---|---|---|---|"]
    lines += [
        f"| {one.stage} | `{one.id}` | {one.sentence} | {one.here} |" for one in assumptions()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = with_part(DOCUMENT.read_text("utf-8"), BEGIN, END, table())
    DOCUMENT.write_text(text, encoding="utf-8")
