"""Verdicts: what AWS answered, held against what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gotocloud.proving.assumptions import Assumption, Here


class Verdict(StrEnum):
    """What came of an assumption."""

    DIFFERS = "differs"
    """AWS answered otherwise."""

    UNKNOWN = "unknown"
    """The answer could not be read."""

    NOT_REACHED = "not reached"
    """Its stage has not been run."""

    NOT_CONFIRMED_HERE = "not confirmed here"
    """Only the real AWS, or a person, can confirm it."""

    CONFIRMED = "confirmed"


@dataclass(frozen=True)
class ProbeAnswer:
    """AWS's answer to a probe.

    Args:
        text: The answer in words, with its figures.
        agrees: Whether it is what was expected; None if it could not be read.
        remedy: A remedy that follows from the answer. Default: that of the assumption.
        person: Whether only a person can give the answer, and none has.
    """

    text: str
    agrees: bool | None
    remedy: str = ""
    person: bool = False


ONLY_AWS = "the local AWS has nothing of it; only the real AWS can confirm this"
OWN_MODEL = "the local AWS agrees, which is a model of our own"


@dataclass(frozen=True)
class Judged:
    """An assumption with its verdict.

    Args:
        assumption: The assumption.
        verdict: What came of it.
        answer: AWS's answer in words; empty if there is none.
        remedy: What to do; empty when nothing is to be done.
        when: When it was answered; empty if it was not.
    """

    assumption: Assumption
    verdict: Verdict
    answer: str = ""
    remedy: str = ""
    when: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The verdict for `proof.json`."""
        one = self.assumption
        return {
            "id": one.id,
            "stage": one.stage.value,
            "assumption": one.sentence,
            "expected": one.expected,
            "answer": self.answer or None,
            "verdict": self.verdict.value,
            "remedy": self.remedy or None,
            "source": one.source,
            "when": self.when or None,
        }


def judge(
    assumption: Assumption, answer: ProbeAnswer | None, *, local: bool, when: str = ""
) -> Judged:
    """The verdict on an assumption.

    Args:
        answer: AWS's answer; None where the stage was not run.
        local: Whether the local AWS answered.
    """
    if local and assumption.here is Here.ABSENT:
        return Judged(assumption, Verdict.NOT_CONFIRMED_HERE, ONLY_AWS)
    if answer is None:
        return Judged(assumption, Verdict.NOT_REACHED)
    if answer.person:
        remedy = answer.remedy or assumption.remedy
        return Judged(assumption, Verdict.NOT_CONFIRMED_HERE, answer.text, remedy, when)
    if answer.agrees is None or not answer.agrees:
        verdict = Verdict.UNKNOWN if answer.agrees is None else Verdict.DIFFERS
        remedy = answer.remedy or assumption.remedy
        return Judged(assumption, verdict, answer.text, remedy, when)
    if local and assumption.here is Here.ANSWERS:
        text = f"{answer.text}; {OWN_MODEL}"
        return Judged(assumption, Verdict.NOT_CONFIRMED_HERE, text, "", when)
    return Judged(assumption, Verdict.CONFIRMED, answer.text, "", when)
