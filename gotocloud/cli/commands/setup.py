"""`gotocloud setup`: a project with its bucket and key pair."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gotocloud.cli.options import DryRun, Json, Release
from gotocloud.cli.output import narrate, print_json, stoppable, suggest
from gotocloud.errors import InputError, shell_line

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.projects import Setup

app = typer.Typer(help="Set a project up: its bucket and key pair.")


@app.command(epilog="Example: gotocloud setup apoferritin")
def setup(
    context: typer.Context,
    project: Annotated[
        str | None,
        typer.Argument(help="Name of the sample or dataset. Default: typed at the prompt."),
    ] = None,
    release: Release = None,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Take over the bucket that was kept of the same project."),
    ] = False,
    archive_after: Annotated[
        int | None,
        typer.Option(
            metavar="DAYS",
            help="Move objects of this age to Glacier Instant Retrieval: 30, 90, 180 or 365 days."
            " Default: never.",
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Set a project up: its bucket and its key pair, checked first; costs nothing but storage."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.project_search import bucket_region, search
    from gotocloud.aws.projects import checked_names, place, plan_setup
    from gotocloud.cli.typed import typed_again
    from gotocloud.cli.views.findings import show
    from gotocloud.findings import refuse_errors
    from gotocloud.projects.whereabouts import require_nowhere_else

    days = _archive_age(archive_after, adopt=adopt)
    cloud = StandardCloud()
    where = place(cloud)
    name = project or _typed_name()
    names = checked_names(where, name)
    bucket = bucket_region(cloud, names)
    require_nowhere_else(search(cloud, where), names, "setup", bucket_region=bucket)
    planned = plan_setup(cloud, where, name, release, adopt=adopt, archive_after_days=days)
    retry = typed_again(context, "setup", project=name)
    show(planned.findings, quiet=not dry_run)
    if not dry_run:
        refuse_errors(planned.findings, f"Setting up {name!r}", retry)
    made = False
    if planned.plan and not dry_run:
        _launch(cloud, planned, retry)
        made = True
    _report(planned, made=made, dry_run=dry_run, as_json=as_json)


def _archive_age(days: int | None, *, adopt: bool) -> int:
    from gotocloud.contract.stacks import ARCHIVE_AGES_DAYS, NEVER_ARCHIVED

    if days is None:
        return NEVER_ARCHIVED
    ages = [str(age) for age in ARCHIVE_AGES_DAYS if age]
    problems = []
    if str(days) not in ages:
        problems.append(f"--archive-after {days}: allowed are {', '.join(ages)}")
    if adopt:
        problems.append("--archive-after: a bucket that is taken over with --adopt keeps its rules")
    if problems:
        raise InputError(
            "These options are not valid:",
            problems=problems,
            next_command="gotocloud setup --archive-after 180",
        )
    return days


def _typed_name() -> str:
    if not sys.stdin.isatty():
        raise InputError(
            "Which project? A project is one sample or dataset; type its name after the command.",
            next_command="gotocloud setup --help",
        )
    return str(typer.prompt("Name of the sample or dataset", err=True)).strip()


def _launch(cloud: Cloud, planned: Setup, retry: str) -> None:
    from gotocloud.aws.projects import carry_out
    from gotocloud.cli.views.stack import StackDisplay

    left = "AWS goes on with what it has begun; a project costs nothing but stored data."
    with (
        stoppable(f"Stopped watching. {left}", next_command=retry),
        StackDisplay(planned.resources, key="project") as display,
    ):
        carry_out(cloud, planned, display.listener(), retry=retry)


def _report(planned: Setup, *, made: bool, dry_run: bool, as_json: bool) -> None:
    names = planned.place.names(planned.project)
    next_command = shell_line("gotocloud", "start", planned.project)
    if as_json:
        print_json(_as_data(planned, made=made, dry_run=dry_run, next_command=next_command))
        return
    if planned.plan is None:
        narrate(f"The project {planned.project!r} stands already; nothing to do.")
    elif dry_run:
        narrate(f"Would launch stack {planned.plan.name} from {planned.plan.template_url}")
    typer.echo(f"project   {planned.project}")
    typer.echo(f"bucket    {names.bucket}")
    typer.echo(f"key pair  {names.base}")
    if not dry_run:
        narrate("Upload movies before or after that: gotocloud upload.")
        suggest(next_command)


def _as_data(planned: Setup, *, made: bool, dry_run: bool, next_command: str) -> dict[str, Any]:
    where, names = planned.place, planned.place.names(planned.project)
    return {
        "project": planned.project,
        "scientist": where.caller.name,
        "account": where.caller.account,
        "group": where.facts.group,
        "region": where.facts.region,
        "bucket": names.bucket,
        "key_pair": names.base,
        "stack": names.project_stack,
        "made": made,
        "dry_run": dry_run,
        "plan": planned.plan and planned.plan.as_dict(),
        "findings": [one.as_dict() for one in planned.findings],
        "next_command": next_command,
    }
