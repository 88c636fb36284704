"""What was found before something is done, in plain words, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from gotocloud.errors import GoToCloudError


class Severity(StrEnum):
    """What a finding means for the command."""

    PROBLEM = "problem"
    """It would fail."""

    WARNING = "warning"
    """It works, but not all of it."""

    UNKNOWN = "unknown"
    """The check could not be made."""

    OK = "ok"


_ORDER = list(Severity)


@dataclass(frozen=True)
class Finding:
    """One check and its result.

    Args:
        check: What was looked at, for example "Elastic IPs".
        severity: What it means.
        text: What was found, with the figures.
        remedy: What to do about it; empty when nothing is to be done.
    """

    check: str
    severity: Severity
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding for a JSON report."""
        return {**asdict(self), "severity": self.severity.value}

    def __str__(self) -> str:
        remedy = f" Remedy: {self.remedy}" if self.remedy else ""
        return f"{self.check}: {self.text}{remedy}"


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Problems first; within one severity in the order of looking."""
    return tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity)))


def problems(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that forbid to go on."""
    return tuple(one for one in findings if one.severity is Severity.PROBLEM)


def refuse_problems(findings: Iterable[Finding], doing: str, retry: str) -> None:
    """Stop if something would fail, with every reason at once.

    Raises:
        GoToCloudError: if one of the findings is a problem.
    """
    if found := problems(findings):
        raise GoToCloudError(
            f"{doing} would fail; nothing was created.",
            problems=[str(one) for one in found],
            next_command=f"{retry}, once that is put right",
        )
