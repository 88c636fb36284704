"""`gotocloud submit`: what RELION calls on the head node instead of sbatch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gotocloud.cli.options import DryRun
from gotocloud.cli.output import narrate

app = typer.Typer(help="Submit a RELION job to Slurm, checked and routed.")


@app.command(epilog="Example: gotocloud submit Class2D/job012/run_submit.script")
def submit(
    script: Annotated[Path, typer.Argument(help="The script that RELION filled in.")],
    dry_run: DryRun = False,
) -> None:
    """Submit a RELION job to Slurm: checked, on the machines that suit it, and only once."""
    if dry_run:
        from gotocloud.jobs.submitting import planned_script

        sys.stdout.write(planned_script(script))
    else:
        submit_script(script)


def submit_script(script: Path) -> None:
    """Submit what RELION filled in, and print what sbatch would print.

    Raises:
        GoToCloudError: if it was not submitted.
    """
    from gotocloud.jobs.submitting import submit as submit_job

    done = submit_job(script)
    for message in done.messages:
        narrate(message)
    sys.stdout.write(f"Submitted batch job {done.slurm_id}\n")
