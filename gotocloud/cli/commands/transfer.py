"""`gotocloud upload` and `gotocloud download`: data to and from a project's bucket."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import DryRun, Json, ProjectOption
from gotocloud.cli.output import narrate, number_of, print_json, table
from gotocloud.errors import GoToCloudError, InputError

if TYPE_CHECKING:
    from gotocloud.aws.transfer.engine import Bucket
    from gotocloud.transfer.report import TransferOutcome

app = typer.Typer(help="Move data to and from a project's bucket.")

PROBLEMS_SHOWN = 100

BucketName = Annotated[
    str | None, typer.Option("--bucket", help="Another bucket than the project's (experts).")
]
Verify = Annotated[bool, typer.Option("--verify", help="Read every file and compare its checksum.")]


@app.command(epilog="Example: gotocloud upload /data/2026-05-14_apoferritin")
def upload(
    folder: Annotated[Path, typer.Argument(help="Folder with movies, gain reference, metadata.")],
    project: ProjectOption = None,
    to: Annotated[
        str | None, typer.Option(help="Folder in the bucket. Default: the name of the folder.")
    ] = None,
    bucket: BucketName = None,
    verify: Verify = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace even what the cluster has changed.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Upload a folder to the project's bucket; what is there already is not sent again."""
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is no folder.", next_command="gotocloud upload FOLDER")
    from gotocloud.aws.transfer.upload import Upload
    from gotocloud.cli.views.transfer import TransferWatch
    from gotocloud.transfer.report import Options

    prefix = _prefix(to, folder)
    place = _bucket(bucket, project, f"upload {shlex.quote(str(folder))}")
    narrate(f"{folder} -> s3://{place.name}/{prefix}/")
    options = Options(dry_run=dry_run, verify=verify, overwrite=overwrite)
    with TransferWatch(quiet=dry_run) as watch:
        work = Upload(place, folder, prefix, options, watch)
        outcome = _undisturbed(work.run)
    _report(
        outcome,
        f"s3://{place.name}/{prefix}/",
        dry_run=dry_run,
        as_json=as_json,
        next_step=f"gotocloud start; Lustre then shows {shlex.quote(prefix + '/')}",
    )


@app.command(epilog="Example: gotocloud download results --from Refine3D/job021")
def download(
    folder: Annotated[Path, typer.Argument(help="Folder to download to; made if missing.")],
    project: ProjectOption = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="Folder in the bucket. Default: the name of the folder."),
    ] = None,
    bucket: BucketName = None,
    verify: Verify = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files here that have another content.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Download a folder of the project's bucket; what is here already is not fetched again."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{str(folder)!r} is no folder.", next_command="gotocloud download FOLDER")
    from gotocloud.aws.transfer.download import Download
    from gotocloud.cli.views.transfer import TransferWatch
    from gotocloud.transfer.report import Options

    prefix = _prefix(source, folder)
    place = _bucket(bucket, project, f"download {shlex.quote(str(folder))}")
    _require_objects(place, prefix)
    narrate(f"s3://{place.name}/{prefix}/ -> {folder}")
    options = Options(dry_run=dry_run, verify=verify, overwrite=overwrite)
    with TransferWatch(quiet=dry_run) as watch:
        work = Download(place, folder, f"{prefix}/", options, watch)
        outcome = _undisturbed(work.run)
    _report(outcome, str(folder), dry_run=dry_run, as_json=as_json, next_step="")


def _prefix(given: str | None, folder: Path) -> str:
    """What the keys begin with.

    Raises:
        InputError: if nothing, or no usable name, is left of it.
    """
    prefix = folder.resolve().name if given is None else given.strip("/")
    names = prefix.split("/")
    if not prefix or any(name in {"", ".", ".."} for name in names):
        raise InputError(
            f"{given if given is not None else str(folder)!r} gives no folder in the bucket.",
            next_command="the same command with --to NAME, or --from NAME",
        )
    return prefix


def _bucket(given: str | None, project: str | None, verb: str) -> Bucket:
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.transfer.engine import Bucket
    from gotocloud.aws.transfer.place import project_bucket

    cloud = StandardCloud()
    return Bucket(given or project_bucket(cloud, project, verb), cloud.region)


def _require_objects(place: Bucket, prefix: str) -> None:
    from gotocloud.aws.transfer.listing import is_there, top_folders
    from gotocloud.errors import unknown_name

    if not is_there(place, f"{prefix}/"):
        raise unknown_name(
            f"folder in s3://{place.name}",
            prefix,
            top_folders(place),
            next_command="gotocloud download FOLDER --from NAME",
        )


def _undisturbed(run: Callable[[], TransferOutcome]) -> TransferOutcome:
    """Run a transfer; a keyboard interrupt becomes an error with the command to continue."""
    try:
        return run()
    except KeyboardInterrupt:
        raise GoToCloudError(
            "Stopped. What is complete stays and is not moved again; nothing bills but what is "
            "stored.",
            next_command=f"{_same_command()} carries on",
        ) from None


def _same_command() -> str:
    return shlex.join(["gotocloud", *sys.argv[1:]])


def _report(
    outcome: TransferOutcome, place: str, *, dry_run: bool, as_json: bool, next_step: str
) -> None:
    """Print what came of it.

    Raises:
        GoToCloudError: with all problems, if there are any.
    """
    from gotocloud.formats import size_text
    from gotocloud.transfer.tree import shown

    if as_json:
        print_json({"place": place, "dry_run": dry_run, **outcome.as_data()})
    else:
        if dry_run and outcome.moves:
            rows = [
                (shown(m.path) or ".", m.kind, size_text(m.size), m.reason) for m in outcome.moves
            ]
            table(("path", "kind", "size", "reason"), rows)
        typer.echo(_sentence(outcome, dry_run=dry_run))
    problems = [str(problem) for problem in outcome.problems]
    if problems:
        more = len(problems) - PROBLEMS_SHOWN
        raise GoToCloudError(
            f"{number_of(len(problems), 'problem')}; everything else is "
            f"{'as shown' if dry_run else 'done'}.",
            problems=[*problems[:PROBLEMS_SHOWN], *([f"and {more} more; see --json"] * (more > 0))],
            next_command=f"{_same_command()}, when they are solved; what is done is not redone",
        )
    if next_step and not as_json:
        narrate(f"Next: {_same_command_without('--dry-run') if dry_run else next_step}")


def _same_command_without(option: str) -> str:
    return shlex.join(["gotocloud", *(word for word in sys.argv[1:] if word != option)])


def _sentence(outcome: TransferOutcome, *, dry_run: bool) -> str:
    from gotocloud.formats import size_text

    parts = [
        f"{len(outcome.moves)} {'would be moved' if dry_run else 'moved'} "
        f"({size_text(outcome.moved_size)})",
        f"{outcome.unchanged} unchanged ({size_text(outcome.unchanged_size)})",
    ]
    if outcome.resumed_size:
        parts.append(f"{size_text(outcome.resumed_size)} of it was there from an earlier run")
    if outcome.aborted:
        parts.append(f"{number_of(outcome.aborted, 'unfinished upload')} removed")
    return "; ".join(parts) + "."
