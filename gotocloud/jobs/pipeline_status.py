"""Let RELION's pipeline show a job as running that it holds for ended.

RELION looks for the exit markers of running processes only (3dem/relion, src/pipeliner.cpp,
`checkProcessCompletion`): a job that had failed and is resumed by hand would stay failed there,
however it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gotocloud.files import write_whole
from gotocloud.relion.pipeline import PIPELINE_FILE, ProcessStatus, read_pipeline, with_status
from gotocloud.relion.star import StarError
from gotocloud.waiting import poll

LOCK_FOLDER = ".relion_lock"
LOCK_FILE = "lock_default_pipeline.star"
CHANGED_FILE = ".pipeline_has_changed"
"""Names that RELION 3.1 to 5 use (src/pipeliner.cpp, `PipeLine::read`; src/pipeliner.h)."""

WAIT_S = 1.0
TRIES = 20
"""RELION itself holds its lock for moments; one that stays is of a RELION that was killed."""

_ENDED = (ProcessStatus.FAILED, ProcessStatus.ABORTED)


def show_running(project: Path, job: str) -> str:
    """Let RELION's pipeline show an ended job as running.

    Args:
        project: The project folder.
        job: "Class2D/job012/".

    Returns:
        What a person must do, if the pipeline could not be changed; else nothing.
    """
    try:
        if _status(project, job) not in _ENDED:
            return ""
        with _locked(project, job) as mine:
            if not mine:
                return (
                    f"RELION's pipeline is locked ({LOCK_FOLDER}) and still shows the job as "
                    "ended. Choose 'Mark as finished' in RELION once it has succeeded."
                )
            path = project / PIPELINE_FILE
            text = path.read_text(encoding="utf-8")
            write_whole(path, with_status(text, job, ProcessStatus.RUNNING))
            # An open window of RELION reads the pipeline again when it finds this file
            # (https://github.com/3dem/relion/blob/5.0.1/src/gui_mainwindow.cpp#L865).
            (project / CHANGED_FILE).touch()
    except (StarError, OSError, UnicodeError) as error:
        return f"RELION's pipeline cannot be changed ({error}) and still shows the job as ended."
    return ""


def _status(project: Path, job: str) -> ProcessStatus | None:
    if not (project / PIPELINE_FILE).is_file():
        return None
    return next((one.status for one in read_pipeline(project) if one.name == job), None)


@contextmanager
def _locked(project: Path, job: str) -> Iterator[bool]:
    """RELION's own lock: a folder that only one program can make."""
    folder = project / LOCK_FOLDER

    def make() -> bool | None:
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            return None
        return True

    mine = bool(poll(make, pause_s=WAIT_S, tries=TRIES))
    try:
        if mine:
            (folder / LOCK_FILE).write_text(f"gotocloud resume {job}\n", encoding="utf-8")
        yield mine
    finally:
        if mine:
            (folder / LOCK_FILE).unlink(missing_ok=True)
            folder.rmdir()
