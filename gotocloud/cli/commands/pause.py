"""`gotocloud pause`: deletes a cluster once everything on it is proven to be in the bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gotocloud.cli.confirm import agree, agree_by_name
from gotocloud.cli.options import Confirm, DryRun, Json, ProjectArgument, Yes
from gotocloud.cli.output import narrate, print_json, suggest
from gotocloud.errors import GoToCloudError, shell_line

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.listener import Listener
    from gotocloud.aws.pausing import ClusterState, PauseOptions
    from gotocloud.aws.stacks import StackEvent
    from gotocloud.projects.pausing import ExportRun, Proof, UnfinishedJob

STACK = "AWS::CloudFormation::Stack"

app = typer.Typer(help="Pause a cluster without losing a byte.")


@dataclass(frozen=True)
class _Typed:
    """What was typed about jobs and questions, and the command with `--yes`."""

    wait: bool
    cancel_jobs: bool
    yes: bool
    with_yes: str


@app.command(epilog="Example: gotocloud pause apoferritin --wait")
def pause(
    context: typer.Context,
    project: ProjectArgument = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until no job is left.")] = False,
    cancel_jobs: Annotated[
        bool, typer.Option("--cancel-jobs", help="Cancel jobs that are not finished.")
    ] = False,
    checksum_gib: Annotated[
        int,
        typer.Option(min=0, help="How much of Lustre is read to compare checksums, GiB."),
    ] = 100,
    undo: Annotated[
        bool, typer.Option("--reopen", help="Work on after a pause that was interrupted.")
    ] = False,
    without_proof: Annotated[
        bool,
        typer.Option(
            "--without-proof",
            help="Delete a cluster of which nothing can be proven; files can be lost.",
        ),
    ] = False,
    confirm: Confirm = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Export everything, prove that it is in the bucket, and only then delete the cluster.

    Lustre (/fsx) and /home are brought back by the next start. Files of people elsewhere on the
    head node are archived in the bucket.
    """
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.pausing import PauseOptions, cluster_state, reopen, require_unprovable
    from gotocloud.aws.project_search import search
    from gotocloud.aws.projects import checked_names, only_project, place
    from gotocloud.cli.typed import typed_again
    from gotocloud.cli.work.running import close_stale_desktops
    from gotocloud.projects.states import State
    from gotocloud.projects.whereabouts import require_here

    cloud = StandardCloud()
    where = place(cloud)
    name = project or only_project(cloud, where, "pause")
    names = checked_names(where, name)
    require_here(search(cloud, where), names, "pause", bucket_region="")
    now = cluster_state(cloud, names)
    if undo:
        reopen(cloud, now)
        narrate("Queues are open and files are exported as they are written, as before.")
        return
    if not dry_run:
        close_stale_desktops(cloud)
    jobs = _jobs(cloud, now, without_proof=without_proof)
    if dry_run:
        _show(now, jobs, as_json=as_json)
        return
    with_yes = typed_again(context, "pause", "--yes", project=name)
    typed = _Typed(wait=wait, cancel_jobs=cancel_jobs, yes=yes, with_yes=with_yes)
    _refuse_or_confirm(now, jobs, typed)
    _spare_desktops(cloud, now, typed)
    # Only here is it settled that nothing can be proven: what changes later is not agreed to.
    if without_proof and (found := require_unprovable(cloud, now)):
        narrate(f"Nothing is proven: {found.why}")
        again = typed_again(context, "pause", project=name, confirm=name)
        agree_by_name(name, confirm, losing="Deleting a cluster without a proof", retry=again)
    there_was = now.state is not State.ABSENT
    options = PauseOptions(wait, cancel_jobs, checksum_gib, without_proof=without_proof)
    proof = _paused(cloud, now, options)
    _report(now, proof, there_was=there_was, as_json=as_json)


def _jobs(cloud: Cloud, now: ClusterState, *, without_proof: bool) -> tuple[UnfinishedJob, ...]:
    """Jobs that are not finished.

    Raises:
        GoToCloudError: if the head node does not answer, unless nothing is to be proven.
    """
    from gotocloud.aws.head_node import NodeError
    from gotocloud.aws.hindrance import unprovable
    from gotocloud.aws.pausing import hindrance_of, jobs_of

    try:
        return jobs_of(now) or ()
    except NodeError:
        if without_proof:
            return ()
        if found := hindrance_of(cloud, now):
            raise unprovable(now.names, now.status, found) from None
        raise


def _refuse_or_confirm(
    now: ClusterState,
    jobs: tuple[UnfinishedJob, ...],
    typed: _Typed,
) -> None:
    if jobs and not typed.wait and not typed.cancel_jobs:
        raise GoToCloudError(
            f"{len(jobs)} jobs of {now.names.project!r} are not finished; the cluster is kept.",
            problems=[str(job) for job in jobs],
            advice="Wait for them with --wait, or cancel them with --cancel-jobs.",
            next_command=f"{now.retry} --wait",
        )
    if jobs and typed.cancel_jobs:
        agree(
            f"Cancel these {len(jobs)} jobs?",
            yes=typed.yes,
            refusal=f"{len(jobs)} jobs would be cancelled.",
            retry=typed.with_yes,
            details=[str(job) for job in jobs],
            otherwise=f"{now.retry} --wait",
        )


def _spare_desktops(cloud: Cloud, now: ClusterState, typed: _Typed) -> None:
    """Ask before a desktop that is open goes with its cluster."""
    from gotocloud.aws.desktop_access import openings
    from gotocloud.contract.stacks import ClusterOutput

    group = now.stack.outputs.get(ClusterOutput.DESKTOP_SECURITY_GROUP_ID)
    if typed.yes or not group:
        return
    opened = [str(one.description or one.network) for one in openings(cloud, [group])]
    if opened:
        name = now.names.project
        agree(
            f"The desktop of {name!r} is open. Delete it with the cluster?",
            yes=typed.yes,
            refusal=f"The desktop of {name!r} is open, and is deleted with the cluster.",
            retry=typed.with_yes,
            details=opened,
        )


def _paused(cloud: Cloud, now: ClusterState, options: PauseOptions) -> Proof | None:
    from gotocloud.aws.pausing import pause as carry_out
    from gotocloud.cli.views.stack import StackDisplay

    try:
        with StackDisplay(0) as display:
            return carry_out(cloud, now, options, _listener(display))
    except KeyboardInterrupt:
        raise GoToCloudError(
            "Stopped. Unless its stack is being deleted already, the cluster is still there and "
            "is billed; nothing is deleted that was not proven.",
            advice=f"To work on instead: {now.retry} --reopen",
            again=True,
        ) from None


def _listener(display: Any) -> Listener:
    from gotocloud.aws.listener import Listener
    from gotocloud.projects.progress import in_words

    stated: dict[str, str] = {}

    def once(kind: str, text: str) -> None:
        if stated.get(kind) != text:
            stated[kind] = text
            narrate(f"  {text}")

    def exported(run: ExportRun, waited_s: float) -> None:
        if run.lifecycle == "WAITING":
            once("export", "waiting for an export that is at work already")
        elif run.total:
            failed = f", {run.failed:,} failed" if run.failed else ""
            once("export", f"{run.succeeded:,} of {run.total:,} exported{failed}")

    def compared(done: int, total: int) -> None:
        once("compared", f"{done:,} of {total:,} compared")

    def removed(event: StackEvent) -> None:
        if event.status == "DELETE_IN_PROGRESS" and event.resource_type != STACK:
            once("removed", f"removing {in_words(event.resource_type)}")

    return Listener(
        step=display.step,
        event=removed,
        jobs=lambda jobs: once("jobs", f"waiting for {len(jobs)} jobs: {jobs[0]}"),
        exported=exported,
        compared=compared,
        left=lambda left: once("left", f"still billed: {', '.join(left)}"),
        sleep=display.sleep,
    )


def _show(now: ClusterState, jobs: tuple[UnfinishedJob, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "project": now.names.project,
                "stack": now.names.cluster_stack,
                "state": now.state.value,
                "file_system": now.file_system or None,
                "jobs": [vars(job) for job in jobs],
                "dry_run": True,
            }
        )
        return
    typer.echo(f"cluster  {now.names.cluster_stack}: {now.state.value}")
    for job in jobs:
        typer.echo(f"job      {job}")
    if now.node:
        narrate(
            f"Would export {now.file_system}, compare every file, symbolic link and folder with "
            "the bucket, and delete the cluster's stack if the proof holds."
        )


def _report(now: ClusterState, proof: Proof | None, *, there_was: bool, as_json: bool) -> None:
    from gotocloud.contract.project_bucket import PROOFS
    from gotocloud.formats import size_text

    if as_json:
        print_json(
            {
                "project": now.names.project,
                "deleted": there_was,
                "billed": [],
                "proof": proof and proof.as_record(),
            }
        )
        return
    if proof:
        counted = proof.counted
        typer.echo(
            f"proven   {counted['files']:,} files ({size_text(counted['bytes'])}), "
            f"{counted['links']:,} symbolic links, {counted['folders']:,} folders; "
            f"{counted['checksums']:,} checksums"
        )
        typer.echo(f"proof    s3://{proof.bucket}/{PROOFS}{proof.run}/")
        for note in proof.notes:
            narrate(f"Note: {note}")
    stated = "The cluster is deleted" if there_was else "There is no cluster; nothing to do"
    narrate(f"{stated}. Nothing of {now.names.project!r} is billed by the hour.")
    following = shell_line("gotocloud", "start", now.names.project)
    suggest(following)
