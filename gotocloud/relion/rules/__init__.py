"""The rules that a RELION job should keep, and the check of a job against all of them."""

from __future__ import annotations

from collections.abc import Sequence

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import InputError
from gotocloud.findings import Finding, Severity, by_severity
from gotocloud.relion.job import Job
from gotocloud.relion.rules import data, gpus, parallel, placement, pools
from gotocloud.relion.rules.model import Rule, Situation

UNREADABLE = Rule(
    id="setting",
    severity=Severity.ERROR,
    explanation="A setting that should be a number is none, or is a variable of a scheme that "
    "has no value yet. RELION would read something else than was meant.",
    remedy="Type a number into that field.",
    source="3dem/relion 5.0.1, JobOption::getNumber",
    # `check` finds it while it looks at the other rules.
    broken_by=lambda _: None,
)

RULES: tuple[Rule, ...] = (
    UNREADABLE,
    *parallel.RULES,
    *gpus.RULES,
    *pools.RULES,
    *data.RULES,
    *placement.RULES,
)
"""Every rule; docs/relion-rules.md is generated from them."""


def check(
    job: Job,
    hardware: Partition | None = None,
    *,
    nodes: int | None = None,
    layout: Sequence[int] | None = None,
    script: str | None = None,
    without_python: str = "",
    foreign_queue: str = "",
) -> tuple[Finding, ...]:
    """Everything that is wrong or wasteful about a job, errors first.

    Args:
        job: The job.
        hardware: The queue's machines. Default: not known; rules about them are left out.
        nodes: Machines that the job gets. Default: not known, as for `hardware`.
        layout: Ranks of each machine, in order. Default: spread evenly.
        script: The queue script. Default: not looked at.
        without_python: The module of its build, if that has no Python of RELION's.
        foreign_queue: The form's queue, if that is another site's and did not count.
    """
    situation = Situation(
        job=job,
        hardware=hardware,
        nodes=nodes,
        layout=tuple(layout) if layout is not None else None,
        script=script,
        without_python=without_python,
        foreign_queue=foreign_queue,
    )
    findings = []
    unreadable: dict[str, Finding] = {}
    for rule in RULES:
        try:
            finding = rule.look(situation)
        except InputError as error:
            text = error.message
            unreadable[text] = Finding(
                UNREADABLE.id, UNREADABLE.severity, text, UNREADABLE.remedy, UNREADABLE.source
            )
            continue
        if finding:
            findings.append(finding)
    return by_severity([*unreadable.values(), *findings])
