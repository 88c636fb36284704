from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gotocloud.proving.assumptions import assumptions
from gotocloud.proving.journal import Journal, open_journal
from gotocloud.proving.page import page
from gotocloud.proving.report import LOCAL, ProofReport, report_of
from gotocloud.proving.stages import ProofStage, StagePrice
from gotocloud.proving.verdicts import ProbeAnswer

NOW = datetime(2026, 11, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>&\"'"


def report(journal: Journal) -> ProofReport:
    return report_of(
        journal,
        {stage: StagePrice(stage, Decimal(1), Decimal("1.5"), ("g6",)) for stage in ProofStage},
        version="1.0",
        finished="2026-11-30",
        spent_usd=Decimal("0.5"),
        budget_usd=Decimal(10),
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    subject = {"platform": HOSTILE, "group": HOSTILE, "account": "1", "region": "us-east-1"}
    made = open_journal(tmp_path, subject | {"answers": LOCAL}, NOW)
    made.note("spot-role", ProbeAnswer(HOSTILE, False, HOSTILE), NOW)
    made.note("peerings", ProbeAnswer("51 of 125", agrees=True), NOW)
    made.failure = HOSTILE
    return made


def test_the_page_shows_every_assumption_and_escapes_what_aws_answers(journal: Journal) -> None:
    html = page(report(journal))
    for one in assumptions():
        assert f">{one.id}<br>" in html
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 5
    assert "A model of AWS on this machine answered" in html


def test_the_page_needs_nothing_from_outside(journal: Journal) -> None:
    html = page(report(journal))
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert html == page(report(journal))


def test_what_differs_comes_before_what_is_confirmed(journal: Journal) -> None:
    html = page(report(journal))
    order = [html.index(f"<h2>{title}") for title in ("AWS answers otherwise", "Confirmed")]
    assert order == sorted(order)
    assert html.index(">spot-role<br>") < html.index(">peerings<br>")


def test_what_is_left_is_named_on_the_page(journal: Journal) -> None:
    journal.makes(ProofStage.CLUSTER)
    assert "perhaps billed: cluster" in page(report(journal))
