"""`gotocloud check`: what would make a RELION job fail, or waste money."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import Json, QueuesIn, QueuesOf
from gotocloud.cli.output import hanging, narrate, number_of, paragraph, print_json, suggest
from gotocloud.errors import ExitCode, shell_line

if TYPE_CHECKING:
    from gotocloud.findings import Finding
    from gotocloud.jobs.checking import Checked

app = typer.Typer(help="Check a RELION job: what would fail, what would waste money.")


@app.command(epilog="Example: gotocloud check Class2D/job012 --json")
def check(
    jobdir: Annotated[Path, typer.Argument(help="The job's folder, or its job.star.")],
    as_json: Json = False,
    config: QueuesOf = None,
    region: QueuesIn = None,
) -> None:
    """Show everything that would make a RELION job fail or waste money, each with its remedy."""
    from gotocloud.findings import errors
    from gotocloud.jobs.checking import checked_job

    checked = checked_job(jobdir, config, region)
    for remark in checked.remarks:
        narrate(remark)
    if as_json:
        print_json(_as_dict(checked))
    else:
        for finding in checked.findings:
            typer.echo(text_of(finding))
    failing = len(errors(checked.findings))
    if not as_json:
        paragraph(_summary(checked))
    if failing and not as_json:
        narrate("Correct the errors in RELION.")
        suggest(shell_line("gotocloud", "check", checked.job.name))
    if failing:
        raise typer.Exit(ExitCode.FAILED)


def text_of(finding: Finding) -> str:
    """A finding as people read it: what is wrong, what to do, and the source."""
    return "\n".join(
        (
            hanging(f"{finding.severity.upper():<8} ", f"{finding.text} [{finding.check}]"),
            f"{'':<9}-> {finding.remedy}",
            hanging(" " * 9, f"({finding.source})"),
        )
    )


def _summary(checked: Checked) -> str:
    from collections import Counter

    counted = Counter(one.severity for one in checked.findings)
    listed = ", ".join(number_of(number, severity) for severity, number in counted.items())
    where = f" In queue {checked.route.queue}: {checked.route.shape}." if checked.route else ""
    return f"{checked.job.name}: {listed or 'nothing found'}.{where}"


def _as_dict(checked: Checked) -> dict[str, object]:
    route = checked.route
    return {
        "job": checked.job.name,
        "label": checked.job.label,
        "job_type": checked.job.queue_job_type,
        "route": None
        if route is None
        else {
            "queue": route.queue,
            "instance_type": route.instance_type,
            "nodes": route.nodes,
            "ranks": route.ranks,
            "threads": route.threads,
            "gpus_per_node": route.gpus_per_node,
            "reason": route.reason,
        },
        "findings": [one.as_dict() for one in checked.findings],
    }
