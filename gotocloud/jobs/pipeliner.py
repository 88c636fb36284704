"""Add and run jobs with RELION's own pipeliner."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.formats import whole_number
from gotocloud.printed import lines_of
from gotocloud.relion.pipeline import PIPELINE_FILE, read_pipeline
from gotocloud.relion.star import StarError, read_star

CHECK_EVERY_S = 2
"""How often the pipeliner looks whether a job has ended."""

_SHOWN_LINES = 5


@dataclass(frozen=True)
class Pipeliner:
    """The pipeliner of one project.

    Args:
        project: The folder with `default_pipeline.star`.
        log: Where its output goes.
    """

    project: Path
    log: Path

    def check(self) -> None:
        """Refuse to begin where it cannot work.

        Raises:
            InputError: if the folder is no RELION project.
            GoToCloudError: if RELION is not installed or not loaded.
        """
        if not (self.project / PIPELINE_FILE).is_file():
            raise InputError(
                f"{self.project} is no RELION project: it has no {PIPELINE_FILE}.",
                advice="Type it in the project's folder.",
            )
        if not shutil.which("relion_pipeliner"):
            raise GoToCloudError(
                "There is no relion_pipeliner on this machine's path.",
                next_command="module load relion",
            )

    def next_number(self) -> int:
        """The number that RELION gives to the next job."""
        general = read_star(self.project / PIPELINE_FILE).table("pipeline_general")
        text = general.value("_rlnPipeLineJobCounter") or "1"
        number = whole_number(text)
        if number is None:
            raise StarError(f"{PIPELINE_FILE}: _rlnPipeLineJobCounter is {text[:40]!r}, no number.")
        return number

    def has(self, job: str) -> bool:
        """Whether a job is in the pipeline."""
        return any(process.name == job for process in read_pipeline(self.project))

    def add(self, description: Path) -> None:
        """Add a job that a `job.star` describes; it is scheduled and does not run yet.

        Raises:
            GoToCloudError: if RELION refuses, with the end of its output.
        """
        self._run("--addJobFromStar", str(description))

    def run(self, job: str, schedule: str) -> None:
        """Run a scheduled job and wait until it has ended.

        Args:
            job: RELION's name of it.
            schedule: A name that no other run of the pipeliner has.

        Raises:
            GoToCloudError: if RELION refuses, with the end of its output.
        """
        self._run(
            *("--RunJobs", job, "--schedule", schedule, "--sec_wait_after", str(CHECK_EVERY_S))
        )

    def _run(self, *words: str) -> None:
        command = ("relion_pipeliner", *words)
        with self.log.open("ab") as log:
            log.write(f"$ {shell_line(*command)}\n".encode())
            log.flush()
            done = subprocess.run(
                command,
                cwd=self.project,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            text = self.log.read_text(errors="replace").replace("\r", "\n")
            raise GoToCloudError(
                f"relion_pipeliner failed (exit code {done.returncode}).",
                problems=lines_of(text)[-_SHOWN_LINES:],
                next_command=shell_line("less", self.log),
            )
