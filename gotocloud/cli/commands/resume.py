"""`gotocloud resume`: restart interrupted jobs."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import DryRun
from gotocloud.cli.output import narrate
from gotocloud.errors import GoToCloudError, InputError

if TYPE_CHECKING:
    from gotocloud.relion.job import Job
    from gotocloud.slurm.resuming import Recovery, Report
    from gotocloud.slurm.submissions import Attempt

app = typer.Typer(help="Restart interrupted jobs from their last iteration.")

_TRIES = 5
"""A batch script has to wait while Slurm's controller starts again."""
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
        int | None, typer.Option(hidden=True, help="For batch scripts: what the job ended with.")
    ] = None,
    restarted: Annotated[
        bool, typer.Option("--restarted", hidden=True, help="For batch scripts: what runs now.")
    ] = False,
) -> None:
    """Restart interrupted jobs from their last complete iteration.

    A job that runs, waits or has succeeded stays as it is, so repeating this does no harm.
    """
    folders = [_folder(job) for job in jobs or ()]
    if every:
        folders += [one for one in found_jobs() if one not in folders]
    elif not folders:
        raise InputError(
            "Which job? Name its folder, or say --all.", next_command="gotocloud resume --all"
        )
    if ended is not None or restarted:
        _for_script(folders[0], ended)
        return
    recovery = _recovery(dry_run=dry_run)
    failures = [
        error for one in folders if (error := _look_after(one, recovery, by_hand=not every))
    ]
    if not folders:
        narrate("No job of this project was submitted by `gotocloud submit`.")
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise GoToCloudError(
            f"{len(failures)} jobs could not be restarted.", problems=[str(one) for one in failures]
        )


def found_jobs(project: Path | None = None) -> Iterator[Path]:
    """Folders of all jobs that were submitted: of this project, and of any that Slurm has."""
    from gotocloud.slurm import client
    from gotocloud.slurm.client import SlurmError
    from gotocloud.slurm.script import COMMENT_PREFIX
    from gotocloud.slurm.submissions import RECORD_FILE

    seen = set()
    for record in sorted((project or Path.cwd()).glob(f"*/job*/{RECORD_FILE}")):
        if not record.parents[1].is_symlink() and not record.parent.is_symlink():
            seen.add(record.parent)
            yield record.parent
    try:
        listed = client.jobs("%k|%j|%Z", "--states=all", "--me")
    except SlurmError:
        return
    for line in listed.splitlines():
        comment, name, work = [*line.strip().split("|", 2), "", ""][:3]
        folder = Path(work) / name
        ours = comment.startswith(COMMENT_PREFIX) and _is_own(folder / RECORD_FILE)
        if ours and folder not in seen:
            seen.add(folder)
            yield folder


def _is_own(record: Path) -> bool:
    """Whether this user wrote the record: its commands run without confirmation, and Slurm keeps
    folders in which another user may have put one since.
    """
    try:
        return record.is_file() and record.lstat().st_uid == os.getuid()
    except OSError:
        return False


def _folder(job: Path) -> Path:
    folder = job.parent if job.name == "job.star" else job
    if not folder.is_dir():
        raise InputError(
            f"There is no job folder {str(job)!r}; name one as RELION does, for example "
            "Refine3D/job025, from the project folder.",
            next_command="ls -d */job*",
        )
    return folder.absolute()


def _look_after(folder: Path, recovery: Recovery, *, by_hand: bool) -> GoToCloudError | None:
    from gotocloud.slurm.resuming import look_after

    try:
        report = look_after(folder, recovery, by_hand=by_hand)
    except GoToCloudError as error:
        return error
    sys.stdout.write(f"{report.job}: {report.text}\n")
    return None


def _for_script(folder: Path, status: int | None) -> None:
    """The answer to a batch script: only the script to continue with belongs on stdout."""
    # A file system that does not answer must not keep the machines for ever.
    signal.alarm(_LONGEST_S)
    from gotocloud.slurm.attempts import PAUSE_S
    from gotocloud.slurm.client import NoAnswerError

    for left in reversed(range(_TRIES)):
        try:
            report = _ask(folder, status)
        except NoAnswerError as error:
            if not left:
                raise
            narrate(f"{error.message} Next try in {PAUSE_S:g} s.")
            time.sleep(PAUSE_S)
            continue
        narrate(f" GoToCloud: {report.text}")
        if report.script:
            sys.stdout.write(f"{report.script}\n")
        return


def _ask(folder: Path, status: int | None) -> Report:
    from gotocloud.slurm.resuming import ended, restarted

    recovery = _recovery(tries=_TRIES)
    return restarted(folder, recovery) if status is None else ended(folder, status, recovery)


def _recovery(*, dry_run: bool = False, tries: int = 1) -> Recovery:
    from gotocloud.cli.commands.submit import checked, surroundings
    from gotocloud.relion.overrides import Overrides, overrides_of
    from gotocloud.relion.routing import route
    from gotocloud.slurm.attempts import attempt_of_route
    from gotocloud.slurm.resuming import Recovery

    around = surroundings()

    def reshape(job: Job, queue: str) -> Attempt:
        # Ranks and threads that were typed were meant for other machines.
        chosen = route(
            job, around.partitions, Overrides(queue=queue, module=overrides_of(job).module)
        )
        checked(job, chosen, around)
        return attempt_of_route(chosen, job, around, number=0, round_number=0)

    return Recovery(surroundings=around, reshape=reshape, dry_run=dry_run, tries=tries)
