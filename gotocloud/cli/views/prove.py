"""What `gotocloud platform prove` shows, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from gotocloud.proving.report import ProofReport
from gotocloud.proving.verdicts import Verdict

COLUMNS = ("stage", "assumption", "verdict", "answer")


def rows(report: ProofReport) -> tuple[Sequence[str], list[Sequence[object]]]:
    """Every assumption that was looked at, with its verdict."""
    return COLUMNS, [
        (one.assumption.stage.value, one.assumption.id, one.verdict.value, one.answer)
        for one in report.judged
        if one.verdict is not Verdict.NOT_REACHED
    ]
