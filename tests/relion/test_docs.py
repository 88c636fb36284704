"""The tables of docs/routing.md and docs/relion-rules.md against what they show."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gotocloud.findings import Severity
from gotocloud.relion.job_facts import ALWAYS, RelionJobType
from gotocloud.relion.job_types import RELION_JOB_TYPES
from gotocloud.relion.overrides import LABELS
from gotocloud.relion.rules import RULES
from gotocloud.relion.settings import PAPER, PUBLISHED, SCHEMES, TUTORIAL_RUN

DOCS = Path(__file__).parents[2] / "docs"
REFRESH = "GOTOCLOUD_REFRESH_GOLDEN=1 pytest tests/relion/test_docs.py"
SOURCES = {PAPER: "paper", SCHEMES: "CS-Schemes", TUTORIAL_RUN: "tutorial run"}
"""The sources that the text of routing.md explains, once, by these names."""

HEADINGS = {
    Severity.ERROR: "Errors: the job would fail",
    Severity.WARNING: "Warnings: it may fail, or it wastes money",
    Severity.NOTE: "Notes",
}


def table(head: str, rows: list[tuple[object, ...]]) -> str:
    columns = head.count("|") + 1
    lines = [f"| {head} |", "|" + "---|" * columns]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def settings() -> str:
    return table(
        "job | machines | ranks x threads | source",
        [
            (
                one.kind,
                f"{one.nodes} x {one.instance_type}",
                f"{one.ranks} x {one.threads}",
                SOURCES[one.source.partition(": ")[0]],
            )
            for one in PUBLISHED
        ],
    )


def rules() -> str:
    text = ""
    for severity, heading in HEADINGS.items():
        rows: list[tuple[object, ...]] = [
            (
                f"`{rule.id}`",
                rule.explanation,
                rule.remedy,
                rule.source.replace("3dem/relion 5.0.1, ", ""),
            )
            for rule in RULES
            if rule.severity is severity
        ]
        text += f"### {heading}\n\n{table('rule | why | what to do | source', rows)}\n"
    return text


def _after_an_interruption(kind: RelionJobType) -> str:
    if kind.continues:
        return "continues from an optimiser file"
    return "skips what is finished" if kind.skips_finished else "starts again"


def _some(held: list[bool]) -> str:
    """Of the programs that a type starts, how many something is true of."""
    if all(held):
        return "yes"
    return "some settings" if any(held) else "no"


def job_types() -> str:
    return table(
        "label | parallel by | can use a GPU | RELION's Python | opens a window "
        "| after an interruption",
        [
            (
                f"`{kind.label}`",
                kind.parallelism.value,
                "yes" if kind.can_use_gpu else "no",
                _some([one.python == ALWAYS for one in kind.programs])
                if all(one.python in (None, ALWAYS) for one in kind.programs)
                else "some settings",
                _some([one.window for one in kind.programs]),
                _after_an_interruption(kind),
            )
            for kind in RELION_JOB_TYPES.values()
        ],
    )


@pytest.mark.parametrize(
    ("page", "block", "generated"),
    [
        ("routing.md", "settings", settings),
        ("relion-rules.md", "rules", rules),
        ("relion-rules.md", "job types", job_types),
    ],
)
def test_a_table_shows_what_the_code_holds(
    page: str, block: str, generated: Callable[[], str]
) -> None:
    path = DOCS / page
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(
        rf"(<!-- generated {block}: .*? -->\n).*?(<!-- end {block} -->)", re.DOTALL
    )
    expected = pattern.sub(lambda found: found[1] + generated() + found[2], text)
    assert generated() in expected
    if os.environ.get("GOTOCLOUD_REFRESH_GOLDEN"):
        path.write_text(expected, encoding="utf-8")
        text = expected
    assert text == expected, f"Read the difference, then refresh the page: {REFRESH}"


def test_every_field_of_the_form_is_explained() -> None:
    text = (DOCS / "routing.md").read_text(encoding="utf-8")
    assert [label for label in LABELS.values() if f"| {label} |" not in text] == []
