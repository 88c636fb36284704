"""`gotocloud resume`: restart interrupted jobs from their last iteration."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import DryRun
from gotocloud.cli.output import narrate
from gotocloud.errors import GoToCloudError, InputError

if TYPE_CHECKING:
    from gotocloud.slurm.case import Restarter

app = typer.Typer(help="Restart interrupted jobs from their last iteration.")

_LONGEST_S = 900


@app.command(epilog="Example: gotocloud resume Refine3D/job025")
def resume(
    jobs: Annotated[
        list[Path] | None, typer.Argument(help="Job folders, as RELION names them.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every job of this project and of Slurm's queue.")
    ] = False,
    dry_run: DryRun = False,
    ended: Annotated[
        int | None,
        typer.Option(hidden=True, help="For scripts: status of the commands."),
    ] = None,
    restarted: Annotated[
        bool, typer.Option("--restarted", hidden=True, help="For batch scripts: what runs now.")
    ] = False,
) -> None:
    """Restart interrupted jobs from their last complete iteration.

    A job that runs, waits or has succeeded stays as it is.
    """
    from gotocloud.jobs.restarting import job_folder, restarter
    from gotocloud.jobs.watching import submitted_jobs

    folders = [job_folder(job) for job in jobs or ()]
    if every:
        folders += [one for one in submitted_jobs(Path.cwd()) if one not in folders]
    elif not folders:
        raise InputError(
            "No job is named. Name its folder, or add --all.", next_command="gotocloud resume --all"
        )
    if ended is not None or restarted:
        _for_script(folders[0], ended)
        return
    found = restarter(dry_run=dry_run, tries=1)
    failures = [error for one in folders if (error := _look_after(one, found, by_hand=not every))]
    if not folders:
        narrate("No job of this project was submitted by `gotocloud submit`.")
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise GoToCloudError(
            f"{len(failures)} jobs could not be restarted.",
            problems=[str(one) for one in failures],
        )


def _look_after(folder: Path, found: Restarter, *, by_hand: bool) -> GoToCloudError | None:
    from gotocloud.slurm.resuming import look_after

    try:
        report = look_after(folder, found, by_hand=by_hand)
    except GoToCloudError as error:
        return error
    sys.stdout.write(f"{report.job}: {report.text}\n")
    return None


def _for_script(folder: Path, status: int | None) -> None:
    """For a batch script: stdout holds only the script that it runs next."""
    # A file system that does not answer must not keep the machines for ever.
    signal.alarm(_LONGEST_S)
    from gotocloud.jobs.restarting import for_script

    report = for_script(folder, status, narrate)
    narrate(f" GoToCloud: {report.text}")
    if report.script:
        sys.stdout.write(f"{report.script}\n")
