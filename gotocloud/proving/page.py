"""The page of a proof: self-contained, what AWS refutes first."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from gotocloud.formats import usd_text
from gotocloud.pages.parts import NONE, frame, section
from gotocloud.proving.report import LOCAL, ProofReport
from gotocloud.proving.verdicts import Judged, Verdict

_WORDS = {
    Verdict.DIFFERS: ("AWS answers otherwise", "Each with its remedy."),
    Verdict.UNKNOWN: ("AWS gave no answer", "Each with its remedy."),
    Verdict.NOT_CONFIRMED_HERE: (
        "Not confirmed here",
        "Only the real AWS, or a person, can confirm these.",
    ),
    Verdict.NOT_REACHED: ("Not reached", "Their stages have not been run."),
    Verdict.CONFIRMED: ("Confirmed", "AWS answers what was expected."),
}


def page(report: ProofReport) -> str:
    """The page as HTML."""
    subject = report.subject
    return frame(
        title=f"GoToCloud on AWS: the proof of {subject['platform']}",
        lead=_lead(report),
        numbers=_numbers(report),
        sections=[*_failure(report), *_verdicts(report), _stages(report)],
        footer=(
            f"GoToCloud {report.version}, {report.finished}. Every answer was read from "
            f"{subject['answers']} by gotocloud platform prove; proof.json has the same."
        ),
    )


def _lead(report: ProofReport) -> str:
    subject = report.subject
    shown = (
        "Nothing that AWS answered speaks against an assumption."
        if report.holds
        else "Not every assumption holds."
    )
    warning = (
        " <strong>A model of AWS on this machine answered, not AWS.</strong>"
        if subject["answers"] == LOCAL
        else ""
    )
    return (
        f'<p class="lead">{shown} The group <strong>{escape(subject["group"])}</strong> '
        f"(account {escape(subject['account'])}) in <strong>{escape(subject['region'])}</strong>; "
        f"{escape(subject['answers'])} answered.{warning}</p>"
    )


def _numbers(report: ProofReport) -> Iterable[tuple[object, str]]:
    return [
        *((count, verdict.value) for verdict, count in reversed(report.counts.items())),
        (usd_text(report.spent_usd), "USD at most"),
    ]


def _failure(report: ProofReport) -> list[str]:
    lines = [report.failure] if report.failure else []
    if report.left:
        lines.append(f"Not removed yet, and perhaps billed: {', '.join(report.left)}.")
    if not lines:
        return []
    shown = "".join(f'<p class="unknown">{escape(line)}</p>' for line in lines)
    return [f"<section><h2>The proof stopped</h2>{shown}</section>"]


def _verdicts(report: ProofReport) -> list[str]:
    sections = []
    for verdict, (title, words) in _WORDS.items():
        rows = [_row(one) for one in report.judged if one.verdict is verdict]
        if rows:
            sections.append(section(title, words, _COLUMNS, rows))
    return sections


_COLUMNS = ("Name", "Assumption", "AWS's answer")


def _row(one: Judged) -> tuple[str, ...]:
    row = one.assumption
    remedy = f"<br><strong>Remedy:</strong> {_broken(one.remedy)}" if one.remedy else ""
    return (
        f'{escape(row.id)}<br><span class="dim">{row.stage}</span>',
        f'<span class="prose">{_broken(row.sentence)}{_part("Expected", row.expected)}'
        f"{_part('Source', row.source)}</span>",
        f'<span class="prose">{_broken(one.answer) or NONE}{remedy}</span>',
    )


def _part(name: str, text: str) -> str:
    return f'<br><span class="source">{name}: {_broken(text)}</span>'


def _broken(text: str) -> str:
    """Plain text in which long identifiers may be broken."""
    return escape(text).replace("/", "/<wbr>").replace("_", "_<wbr>")


def _stages(report: ProofReport) -> str:
    rows = [
        (
            row.stage.value,
            escape(row.does),
            "complete" if row.complete else NONE,
            escape("; ".join(row.price.unknown)) or NONE,
            usd_text(row.price.usd),
        )
        for row in report.stages
    ]
    return section(
        "Stages and their prices",
        f"What each may cost at most, USD; the budget was {usd_text(report.budget_usd)}.",
        ("Stage", "What it does", "State", "Prices unknown", "USD at most"),
        rows,
        numeric={4},
    )
