"""`gotocloud finish`: removes a project for good."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gotocloud.cli.confirm import agree_by_name
from gotocloud.cli.options import Confirm, DryRun, Json, ProjectArgument
from gotocloud.cli.output import narrate, print_json, stoppable, suggest

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.listener import Listener
    from gotocloud.projects.finishing import Finish

app = typer.Typer(help="Finish a project for good.")


@app.command(epilog="Example: gotocloud finish apoferritin --keep-data")
def finish(
    context: typer.Context,
    project: ProjectArgument = None,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep the bucket and everything in it.")
    ] = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Delete a project: its data with all versions, its key pair and its stack."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.project_removal import plan_finish
    from gotocloud.aws.project_search import bucket_region, search
    from gotocloud.aws.projects import checked_names, only_project, place
    from gotocloud.cli.typed import typed_again
    from gotocloud.cli.views.stack import StackDisplay
    from gotocloud.projects.whereabouts import require_here

    cloud = StandardCloud()
    where = place(cloud)
    name = project or only_project(cloud, where, "finish")
    names = checked_names(where, name)
    bucket = bucket_region(cloud, names)
    require_here(search(cloud, where), names, "finish", bucket_region=bucket)
    with StackDisplay(0) as display:
        plan = plan_finish(cloud, names, _listener(display.listener()))
    if plan.nothing:
        _report(plan, keep_data=keep_data, done=False, dry_run=dry_run, as_json=as_json)
        return
    for line in plan.lines(keep_data=keep_data):
        narrate(f"  {line}")
    if dry_run:
        _report(plan, keep_data=keep_data, done=False, dry_run=True, as_json=as_json)
        return
    retry = typed_again(context, "finish", project=name)
    again = typed_again(context, "finish", project=name, confirm=name)
    agree_by_name(name, confirm, losing="Deleting a project", retry=again)
    _finished(cloud, plan, retry, keep_data=keep_data)
    _report(plan, keep_data=keep_data, done=True, dry_run=False, as_json=as_json)


def _finished(cloud: Cloud, plan: Finish, retry: str, *, keep_data: bool) -> None:
    from gotocloud.aws.project_removal import finish as carry_out
    from gotocloud.cli.views.stack import StackDisplay

    left = (
        "Stopped. What was deleted stays deleted; what is left is stored, and billed for "
        "storage. No cluster runs."
    )
    with stoppable(left, next_command=retry), StackDisplay(0) as display:
        carry_out(cloud, plan, _listener(display.listener()), keep_data=keep_data)


def _listener(shown: Listener) -> Listener:
    stated = {"counted": 0, "deleted": 0}

    def every(kind: str, step: int) -> Any:
        def report(count: int) -> None:
            if count // step > stated[kind] // step:
                narrate(f"  {count:,} {kind}")
            stated[kind] = count

        return report

    return replace(shown, counted=every("counted", 100_000), deleted=every("deleted", 10_000))


def _report(plan: Finish, *, keep_data: bool, done: bool, dry_run: bool, as_json: bool) -> None:
    name = plan.names.project
    if as_json:
        print_json({**plan.as_dict(), "keep_data": keep_data, "finished": done, "dry_run": dry_run})
        return
    if plan.nothing:
        narrate(f"There is nothing left of {name!r}; nothing to do.")
    elif done:
        kept = f" Its data stay in s3://{plan.bucket}." if keep_data and plan.bucket else ""
        narrate(f"The project {name!r} is finished.{kept}")
        suggest("gotocloud status")
