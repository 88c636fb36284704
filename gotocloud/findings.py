"""What checks find before something is done, in plain words, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from gotocloud.errors import GoToCloudError


class Severity(StrEnum):
    """What a finding means for the command or for the job."""

    ERROR = "error"
    """It would fail."""

    WARNING = "warning"
    """It works, but not all of it; it may fail later, or it wastes money."""

    NOTE = "note"
    """Useful to read; nothing is wrong."""

    UNKNOWN = "unknown"
    """The check could not be made."""

    OK = "ok"


_ORDER = list(Severity)
_OPTIONAL = {"source", "instead"}


@dataclass(frozen=True)
class Finding:
    """One check and its result.

    Args:
        check: What was looked at, for example "Elastic IPs", or the rule's id ("mpi-odd").
        severity: What it means.
        text: What was found, with the figures.
        remedy: What to do about it; empty when nothing is to be done.
        source: Where the rule comes from; empty for what was read in the account.
        instead: A command that does what was wanted in another way; empty if there is none.
    """

    check: str
    severity: Severity
    text: str
    remedy: str = ""
    source: str = ""
    instead: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding for a JSON report; `source` and `instead` only where there is one."""
        found = {**asdict(self), "severity": self.severity.value}
        return {key: text for key, text in found.items() if text or key not in _OPTIONAL}

    def __str__(self) -> str:
        remedy = f" Remedy: {self.remedy}" if self.remedy else ""
        return f"{self.check}: {self.text}{remedy}"


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first; within one severity in the order of looking."""
    return tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity)))


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with which the command or the job would fail."""
    return tuple(one for one in findings if one.severity is Severity.ERROR)


def refuse_errors(findings: Iterable[Finding], doing: str, retry: str) -> None:
    """Stop if something would fail, with every reason at once.

    Raises:
        GoToCloudError: if one of the findings is an error.
    """
    if found := errors(findings):
        instead = next((one.instead for one in found if one.instead), "")
        raise GoToCloudError(
            f"{doing} would fail; nothing was created.",
            problems=[str(one) for one in found],
            advice="" if instead else "Put that right first.",
            next_command=instead or retry,
        )
