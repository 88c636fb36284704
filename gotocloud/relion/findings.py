"""What is wrong or wasteful about a job, in plain words, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for the job."""

    ERROR = "error"
    """It would fail."""

    WARNING = "warning"
    """It may fail, or it wastes money."""

    NOTE = "note"
    """Worth knowing; nothing is wrong."""


_ORDER = list(Severity)


@dataclass(frozen=True)
class Finding:
    """One rule that a job breaks.

    Args:
        rule: Id of the rule, for example "mpi-odd".
        severity: What it means for the job.
        text: What was found, with the figures.
        remedy: What to change.
        source: Where the rule comes from.
    """

    rule: str
    severity: Severity
    text: str
    remedy: str
    source: str

    def as_dict(self) -> dict[str, str]:
        """The finding for a JSON report."""
        return {**asdict(self), "severity": self.severity.value}

    def __str__(self) -> str:
        return f"{self.severity.value} [{self.rule}] {self.text} Remedy: {self.remedy}"


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first; within one severity in the order of the rules."""
    return tuple(sorted(findings, key=lambda one: _ORDER.index(one.severity)))


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with which a job would fail."""
    return tuple(one for one in findings if one.severity is Severity.ERROR)
