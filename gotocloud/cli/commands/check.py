"""`gotocloud check`: what would make a RELION job fail, or waste money."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import Json, QueuesIn, QueuesOf
from gotocloud.cli.output import narrate, number_of, print_json
from gotocloud.errors import ExitCode, GoToCloudError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gotocloud.cluster_configs.model import ClusterConfiguration
    from gotocloud.cluster_configs.partitions import Partition
    from gotocloud.relion.findings import Finding
    from gotocloud.relion.job import Job
    from gotocloud.relion.routing import Route

app = typer.Typer(help="Check a RELION job: what would fail, what would waste money.")

SCRIPT = "run_submit.script"
"""What RELION fills its queue template into."""


@dataclass(frozen=True)
class Checked:
    """A job, where it would run and what was found.

    Args:
        job: The job as its settings say.
        route: Where it would run; None if that is not known or not possible.
        findings: What the rules say about it there, errors first.
    """

    job: Job
    route: Route | None
    findings: tuple[Finding, ...]


@app.command(epilog="Example: gotocloud check Class2D/job012 --json")
def check(
    jobdir: Annotated[Path, typer.Argument(help="The job's folder, or its job.star.")],
    as_json: Json = False,
    config: QueuesOf = None,
    region: QueuesIn = None,
) -> None:
    """Show everything that would make a RELION job fail or waste money, each with its remedy."""
    from gotocloud.relion.findings import errors
    from gotocloud.relion.job import read_job

    checked = _checked(read_job(jobdir), config, region)
    if as_json:
        print_json(_as_dict(checked))
    else:
        for finding in checked.findings:
            typer.echo(text_of(finding))
    failing = len(errors(checked.findings))
    if not as_json:
        narrate(_summary(checked, failing))
    if failing:
        raise typer.Exit(ExitCode.FAILED)


def text_of(finding: Finding) -> str:
    """A finding as people read it: what, what to do, the source."""
    indent = " " * 9
    return (
        f"{finding.severity.upper():<8} {finding.text} [{finding.rule}]\n"
        f"{indent}-> {finding.remedy}\n{indent}({finding.source})"
    )


def _checked(job: Job, config: str | None, region: str | None) -> Checked:
    from gotocloud.relion.placed import check_routed
    from gotocloud.relion.rules import check as against_rules

    script = _foreign_script(job.directory)
    if script is not None:
        narrate(f"{SCRIPT} was not made from GoToCloud's template: checked as typed.")
        return Checked(job, None, against_rules(job, script=script))
    partitions, configuration = _queues(config, region)
    if not partitions:
        return Checked(job, None, against_rules(job))
    try:
        found = _route(job, partitions, configuration)
    except InputError as error:
        return Checked(job, None, _with_refusal(against_rules(job), error))
    hardware = next(one for one in partitions if one.name == found.queue)
    return Checked(job, found, check_routed(job, found, hardware))


def _foreign_script(folder: Path) -> str | None:
    """A queue script that another template made; `submit` reads its own."""
    from gotocloud.slurm.commands import parse_filled

    script = folder / SCRIPT
    if not script.is_file():
        return None
    try:
        text = script.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    try:
        parse_filled(text)
    except InputError:
        return text
    return None


def _queues(
    config: str | None, region: str | None
) -> tuple[Sequence[Partition], ClusterConfiguration | None]:
    from gotocloud.cli.commands.form import queues_of
    from gotocloud.cluster_configs.model import load_configuration
    from gotocloud.slurm.cluster_facts import known_facts

    named = config or known_facts().configuration
    try:
        partitions = queues_of(config, region)
    except GoToCloudError:
        if config or region:
            raise
        narrate(
            "So no rule about machines is checked. To check them too, add for example: "
            "--config cryoem-spa --region us-east-1"
        )
        return (), None
    return partitions, load_configuration(named) if named else None


def _route(
    job: Job, partitions: Sequence[Partition], configuration: ClusterConfiguration | None
) -> Route:
    from gotocloud.relion.overrides import overrides_of
    from gotocloud.relion.routing import route
    from gotocloud.slurm.cluster_facts import known_facts

    chosen = overrides_of(job)
    if not job.flag("do_queue"):
        # Then the queue's name is RELION's default, which nobody chose.
        chosen = replace(chosen, queue=None)
    prefer_spot = known_facts().capacity == "spot"
    return route(job, partitions, chosen, configuration=configuration, prefer_spot=prefer_spot)


def _with_refusal(findings: tuple[Finding, ...], error: InputError) -> tuple[Finding, ...]:
    from gotocloud.relion.findings import Finding, Severity, by_severity

    refusal = Finding(
        rule="placement",
        severity=Severity.ERROR,
        text=" ".join((error.message, *error.problems)),
        remedy=error.next_command or "Change the fields of the Running tab.",
        source="The queues of this cluster",
    )
    return by_severity((refusal, *findings))


def _summary(checked: Checked, failing: int) -> str:
    from collections import Counter

    counted = Counter(one.severity for one in checked.findings)
    listed = ", ".join(number_of(number, severity) for severity, number in counted.items())
    where = f" In queue {checked.route.queue}: {checked.route.shape}." if checked.route else ""
    verdict = f"{checked.job.name}: {listed or 'nothing found'}.{where}"
    if not failing:
        return verdict
    again = shlex.quote(checked.job.name)
    return f"{verdict}\nNext: gotocloud check {again}, once the errors are put right in RELION."


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
