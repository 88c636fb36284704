"""Findings as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from gotocloud.cli.output import hanging, narrate
from gotocloud.findings import Finding, Severity

_MARKS = {
    Severity.ERROR: "ERROR",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
    Severity.UNKNOWN: "unknown",
    Severity.OK: "ok",
}


def show(findings: Sequence[Finding], *, quiet: bool = False) -> None:
    """Show findings on stderr, each with its remedy.

    Args:
        quiet: Whether to leave out what is all right.
    """
    for one in findings:
        if quiet and one.severity is Severity.OK:
            continue
        narrate(text_of(one))


def text_of(finding: Finding) -> str:
    """A finding, with its remedy on a line of its own."""
    text = hanging(f"{_MARKS[finding.severity]:<8} ", f"{finding.check}: {finding.text}")
    # A remedy is often a command: the terminal's own line end does not break that.
    return f"{text}\n{'':<9}-> {finding.remedy}" if finding.remedy else text
