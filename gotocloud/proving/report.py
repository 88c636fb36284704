"""The report of a proof: every assumption with its verdict, every stage with its price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gotocloud.proving.assumptions import assumptions
from gotocloud.proving.journal import Journal
from gotocloud.proving.stages import MADE_OF, ProofStage, StagePrice
from gotocloud.proving.verdicts import Judged, Verdict, judge

LOCAL = "the local AWS"


@dataclass(frozen=True)
class StageRow:
    """A stage in the report.

    Args:
        stage: The stage.
        does: What it does, in words.
        price: What it costs at most.
        complete: Whether it has been run to its end.
    """

    stage: ProofStage
    does: str
    price: StagePrice
    complete: bool


@dataclass(frozen=True)
class ProofReport:
    """What a proof shows.

    Args:
        subject: What was proven: platform, group, region and what answered.
        version: Version of GoToCloud.
        began: When the proof began.
        finished: When this report was made.
        judged: Every assumption.
        stages: Every stage.
        spent_usd: What was spent at most, by the prices that were shown.
        budget_usd: The budget.
        failure: Why it stopped; empty if it did not.
        left: Stages that made something which is not removed.
    """

    subject: Mapping[str, str]
    version: str
    began: str
    finished: str
    judged: tuple[Judged, ...]
    stages: tuple[StageRow, ...]
    spent_usd: Decimal
    budget_usd: Decimal
    failure: str = ""
    left: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many assumptions have each verdict."""
        found = Counter(one.verdict for one in self.judged)
        return {verdict: found[verdict] for verdict in Verdict}

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against an assumption, and nothing failed."""
        return not (self.failure or self.counts[Verdict.DIFFERS] or self.counts[Verdict.UNKNOWN])

    @property
    def against(self) -> tuple[Judged, ...]:
        """The assumptions that AWS refutes, or about which it gives no answer."""
        return tuple(
            one for one in self.judged if one.verdict in {Verdict.DIFFERS, Verdict.UNKNOWN}
        )

    def as_dict(self) -> dict[str, Any]:
        """The report for `proof.json`."""
        return {
            **self.subject,
            "version": self.version,
            "began": self.began,
            "finished": self.finished,
            "holds": self.holds,
            "failure": self.failure or None,
            "left": list(self.left),
            "spent_usd_at_most": round(float(self.spent_usd), 2),
            "budget_usd": float(self.budget_usd),
            "counts": {verdict.value: count for verdict, count in self.counts.items()},
            "stages": [
                {
                    "stage": row.stage.value,
                    "does": row.does,
                    "usd_at_most": round(float(row.price.usd), 2),
                    "prices_unknown": list(row.price.unknown),
                    "complete": row.complete,
                }
                for row in self.stages
            ],
            "assumptions": [one.as_dict() for one in self.judged],
        }


def report_of(
    journal: Journal,
    prices: Mapping[ProofStage, StagePrice],
    *,
    version: str,
    finished: str,
    spent_usd: Decimal,
    budget_usd: Decimal,
) -> ProofReport:
    """The report of what a journal holds."""
    local = journal.subject["answers"] == LOCAL
    return ProofReport(
        subject=journal.subject,
        version=version,
        began=journal.began,
        finished=finished,
        judged=tuple(
            judge(
                one,
                journal.answers.get(one.id),
                local=local,
                when=journal.when.get(one.id, ""),
            )
            for one in assumptions()
        ),
        stages=tuple(
            StageRow(stage, MADE_OF[stage], prices[stage], stage in journal.done)
            for stage in ProofStage
        ),
        spent_usd=spent_usd,
        budget_usd=budget_usd,
        failure=journal.failure,
        left=tuple(journal.made),
    )
