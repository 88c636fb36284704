"""`gotocloud upload` and `gotocloud download`: data to and from a project's bucket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import DryRun, Json, ProjectOption
from gotocloud.cli.output import narrate, number_of, print_json, suggest
from gotocloud.cli.typed import typed_again
from gotocloud.cli.views.transfer_plan import show_plan
from gotocloud.contract.head_node import LUSTRE_MOUNT
from gotocloud.errors import GoToCloudError, InputError, shell_line

if TYPE_CHECKING:
    from gotocloud.aws.transfer.engine import Bucket
    from gotocloud.transfer.report import TransferOutcome
    from gotocloud.transfer.tree import TransferProblem

app = typer.Typer(help="Move data to and from a project's bucket.")

SHOWN = 20
"""Problems, names that are left out, or folders of a dry run; `--json` has all."""

BucketName = Annotated[
    str | None, typer.Option("--bucket", help="Another bucket than the project's (experts).")
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        help="Leave out what matches, with the rules of rsync, for example '*.tmp' or '/raw/'; "
        "may be repeated.",
    ),
]
Verify = Annotated[bool, typer.Option("--verify", help="Read every file and compare its checksum.")]


@app.command(epilog="Example: gotocloud upload /data/2026-05-14_apoferritin")
def upload(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder with movies, gain reference, metadata.")],
    project: ProjectOption = None,
    to: Annotated[
        str | None, typer.Option(help="Folder in the bucket. Default: the name of the folder.")
    ] = None,
    exclude: Exclude = None,
    bucket: BucketName = None,
    verify: Verify = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace even what the cluster has changed.")
    ] = False,
    accept_left_out: Annotated[
        bool,
        typer.Option(
            "--accept-left-out",
            help="Accept what the list shows as left out; remembered with the data set.",
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Upload a folder to the project's bucket; what is there already is not sent again."""
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is no folder.", next_command="gotocloud upload --help")
    from gotocloud.aws.transfer.upload import Upload
    from gotocloud.cli.views.transfer import TransferWatch
    from gotocloud.transfer.exclusion import Exclusion
    from gotocloud.transfer.report import Options

    excluded = Exclusion(exclude or ())
    prefix = _prefix(to, folder)
    place = _bucket(bucket, project, typed_again(context, "upload").removeprefix("gotocloud "))
    narrate(f"{folder} -> s3://{place.name}/{prefix}/")
    options = Options(
        dry_run=dry_run,
        verify=verify,
        overwrite=overwrite,
        exclude=excluded,
        accept_left_out=accept_left_out,
    )
    again = typed_again(context, "upload")
    with TransferWatch(quiet=dry_run) as watch:
        work = Upload(place, folder, prefix, options, watch)
        outcome = _undisturbed(work.run, again)
    report = _Report("uploaded", f"s3://{place.name}/{prefix}/", again, dry_run=dry_run)
    report.show(outcome, as_json=as_json)
    report.refuse_problems(outcome, accept="--accept-left-out")
    if not as_json:
        if not dry_run:
            narrate(f"On the cluster these files lie in {LUSTRE_MOUNT}/{prefix}.")
        started = shell_line("gotocloud", "start", *([project] if project else []))
        suggest(again if dry_run else started)


@app.command(epilog="Example: gotocloud download results --from Refine3D/job021")
def download(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder to download to; made if missing.")],
    project: ProjectOption = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="Folder in the bucket. Default: the name of the folder."),
    ] = None,
    exclude: Exclude = None,
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
        raise InputError(f"{str(folder)!r} is no folder.", next_command="gotocloud download --help")
    from gotocloud.aws.transfer.download import Download
    from gotocloud.cli.views.transfer import TransferWatch
    from gotocloud.transfer.exclusion import Exclusion
    from gotocloud.transfer.report import Options

    excluded = Exclusion(exclude or ())
    prefix = _prefix(source, folder)
    place = _bucket(bucket, project, typed_again(context, "download").removeprefix("gotocloud "))
    _require_objects(place, prefix)
    narrate(f"s3://{place.name}/{prefix}/ -> {folder}")
    options = Options(dry_run=dry_run, verify=verify, overwrite=overwrite, exclude=excluded)
    again = typed_again(context, "download")
    with TransferWatch(quiet=dry_run) as watch:
        work = Download(place, folder, f"{prefix}/", options, watch)
        outcome = _undisturbed(work.run, again)
    report = _Report("downloaded", str(folder), again, dry_run=dry_run)
    report.show(outcome, as_json=as_json)
    report.refuse_problems(outcome)
    if dry_run and not as_json:
        suggest(again)


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
            advice="Name a folder in the bucket: --to for an upload, --from for a download.",
        )
    return prefix


def _bucket(given: str | None, project: str | None, verb: str) -> Bucket:
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.transfer.engine import Bucket
    from gotocloud.aws.transfer.place import project_bucket

    cloud = StandardCloud()
    if given:
        return Bucket(given, cloud.region)
    names = project_bucket(cloud, project, verb)
    making = shell_line("gotocloud", "setup", names.project)
    return Bucket(names.bucket, cloud.region, missing=making)


def _require_objects(place: Bucket, prefix: str) -> None:
    from gotocloud.aws.transfer.listing import is_there, top_folders
    from gotocloud.errors import unknown_name

    if not is_there(place, f"{prefix}/"):
        raise unknown_name(
            f"folder in s3://{place.name}",
            prefix,
            top_folders(place),
            advice="Select one with --from.",
        )


def _undisturbed(run: Callable[[], TransferOutcome], again: str) -> TransferOutcome:
    """Run a transfer; a keyboard interrupt becomes an error with the command to continue."""
    try:
        return run()
    except KeyboardInterrupt:
        raise GoToCloudError(
            "Stopped. What is complete stays and is not copied again; nothing bills but what is "
            "stored.",
            next_command=again,
        ) from None


@dataclass(frozen=True)
class _Report:
    """What came of a transfer, as people read it.

    Args:
        done: The verb, for example "uploaded".
        place: Where to.
        again: The command, as it can be typed again.
    """

    done: str
    place: str
    again: str
    dry_run: bool

    def show(self, outcome: TransferOutcome, *, as_json: bool) -> None:
        """Print the result on stdout."""
        if as_json:
            print_json({"place": self.place, "dry_run": self.dry_run, **outcome.as_data()})
            return
        if self.dry_run:
            show_plan(outcome, SHOWN)
        if (accepted := len(outcome.left_out) - len(outcome.newly_left_out)) > 0:
            narrate(f"{number_of(accepted, 'name')} left out, as accepted; --json has the list.")
        typer.echo(self._sentence(outcome))

    def refuse_problems(self, outcome: TransferOutcome, *, accept: str = "") -> None:
        """Let a transfer that is not complete fail.

        Args:
            accept: The option that accepts what is left out, where there is one.

        Raises:
            GoToCloudError: with what was left out and is not accepted, and all problems.
        """
        problems, new = outcome.problems, outcome.newly_left_out
        if not problems and not new:
            return
        parts = [number_of(len(problems), "problem")] if problems else []
        parts += [f"{number_of(len(new), 'name')} left out"] if new else []
        only_new = new and not problems and accept
        raise GoToCloudError(
            f"{' and '.join(parts)}; everything else {self._state}.",
            problems=[*_listed(problems), *_listed(new)],
            next_command=f"{self.again} {accept}" if only_new else self.again,
        )

    @property
    def _state(self) -> str:
        return f"would be {self.done}" if self.dry_run else f"is {self.done}"

    def _sentence(self, outcome: TransferOutcome) -> str:
        from gotocloud.formats import size_text

        verb = f"would be {self.done}" if self.dry_run else self.done
        parts = [
            f"{len(outcome.copies)} {verb} ({size_text(outcome.copied_size)})",
            f"{outcome.unchanged} unchanged ({size_text(outcome.unchanged_size)})",
        ]
        if outcome.excluded:
            parts.append(f"{outcome.excluded} excluded")
        if outcome.left_out:
            parts.append(f"{len(outcome.left_out)} left out")
        if outcome.resumed_size:
            parts.append(f"{size_text(outcome.resumed_size)} of it was there from an earlier run")
        if outcome.aborted:
            parts.append(f"{number_of(outcome.aborted, 'unfinished upload')} removed")
        return "; ".join(parts) + "."


def _listed(problems: Sequence[TransferProblem]) -> list[str]:
    more = len(problems) - SHOWN
    return [
        *(str(one) for one in problems[:SHOWN]),
        *([f"and {more} more; --json has them all"] * (more > 0)),
    ]
