"""What cdk-nag found, and whether what was acknowledged has a reason of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.security.checks.template import Finding

SHORTEST_REASON = 40
BOILERPLATE = re.compile(
    r"\b(n/?a|todo|tbd|fixme|not (required|applicable|needed)( here| for this)?\.?$"
    r"|accepted risk|by design|false positive|suppress(ed|ion)?|ignored?|for now|demo|poc)\b",
    re.IGNORECASE,
)
"""Phrases that are true of anything and so say nothing."""

PACKS = ("AwsSolutions", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")


@dataclass(frozen=True)
class Acknowledged:
    """One acknowledged finding.

    Args:
        rule: Rule with its finding, such as `AwsSolutions-IAM5[Resource::*]`.
        construct: Path of the construct, without its stack.
        kind: What it is, such as `aws_s3.CfnBucket`.
        reason: Why it is all right there.
    """

    rule: str
    construct: str
    kind: str
    reason: str

    @property
    def shared_by(self) -> str:
        """What may share the reason: resources of a kind, but each set of permissions alone.

        Numbered siblings, such as the roles of a sharded capability, are the same set.
        """
        if self.kind.startswith("aws_iam."):
            return re.sub(r"\d+", "#", self.construct)
        return self.kind


def unacknowledged(report: dict[str, Any]) -> list[Finding]:
    """Findings of cdk-nag that nobody answered, and packs that did not run."""
    ran = {plugin["pluginName"] for plugin in report["pluginReports"]}
    findings = [f"{pack}: did not run" for pack in PACKS if pack not in ran]
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            findings += [
                f"{construct['constructPath']}: {violation['ruleName']} "
                f"{violation['description'][:120]}"
                for construct in violation["violatingConstructs"]
            ]
    return findings


def acknowledged(report: dict[str, Any]) -> Iterator[Acknowledged]:
    """Findings of cdk-nag that were answered."""
    for plugin in report["pluginReports"]:
        for violation in plugin.get("suppressedViolations", []):
            for construct in violation["violatingConstructs"]:
                path = construct["constructPath"].partition("/")[2]
                yield Acknowledged(
                    violation["acknowledgedId"].partition("::")[2],
                    path.removesuffix("/Resource"),
                    construct["constructFqn"].removeprefix("aws-cdk-lib."),
                    violation["reason"],
                )


def empty_reasons(answers: Iterable[Acknowledged]) -> list[Finding]:
    """Acknowledgements whose reason says nothing, or is the reason of something else."""
    findings = []
    used: dict[str, set[str]] = {}
    for answer in answers:
        if len(answer.reason) < SHORTEST_REASON:
            findings.append(f"{answer.construct}: {answer.rule}: too short: {answer.reason!r}")
        if found := BOILERPLATE.search(answer.reason):
            findings.append(f"{answer.construct}: {answer.rule}: {found.group()!r} says nothing")
        used.setdefault(answer.reason, set()).add(answer.shared_by)
    findings += [
        f"{', '.join(sorted(users))}: share one reason: {reason!r}"
        for reason, users in used.items()
        if len(users) > 1
    ]
    return sorted(set(findings))
