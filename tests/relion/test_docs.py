"""The table of docs/routing.md against the settings themselves."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gotocloud.relion.overrides import LABELS
from gotocloud.relion.settings import PUBLISHED

PAGE = Path(__file__).parents[2] / "docs" / "routing.md"
BLOCK = re.compile(r"(<!-- generated: .*? -->\n).*?(<!-- end -->)", re.DOTALL)
REFRESH = "GOTOCLOUD_REFRESH_GOLDEN=1 pytest tests/relion/test_docs.py"


def table() -> str:
    lines = ["| job | machines | ranks x threads | source |", "|---|---|---|---|"]
    lines += [
        f"| {one.kind} | {one.nodes} x {one.instance_type} | {one.ranks} x {one.threads} "
        f"| {one.source} |"
        for one in PUBLISHED
    ]
    return "\n".join(lines) + "\n"


def test_the_table_shows_what_is_published() -> None:
    text = PAGE.read_text(encoding="utf-8")
    wanted = BLOCK.sub(lambda found: found[1] + table() + found[2], text)
    assert table() in wanted
    if os.environ.get("GOTOCLOUD_REFRESH_GOLDEN"):
        PAGE.write_text(wanted, encoding="utf-8")
        text = wanted
    assert text == wanted, f"If this is wanted: {REFRESH}"


def test_every_field_of_the_form_is_explained() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [label for label in LABELS.values() if f"| {label} |" not in text] == []
