"""`gotocloud jobs`: the jobs, why they wait or failed, how far they are, what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import Json
from gotocloud.cli.output import narrate, print_json, print_plain, table

if TYPE_CHECKING:
    from gotocloud.slurm.job_rows import JobRow

app = typer.Typer(help="Show the jobs in the queue.")

_COLUMNS = (
    *("job", "Slurm", "queue", "machines", "state", "iteration", "resolution", "time"),
    *("cost so far", "why it waits or failed"),
)
_PLAIN_FROM = 100
"""Rows from which a framed table takes longer than everything else."""


@app.command(epilog="Example: gotocloud jobs --all")
def jobs(
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Jobs of every user, and those of this project that have ended."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show your jobs: state, why they wait, iteration, resolution, time and cost so far."""
    from gotocloud.jobs.watching import job_rows

    rows = job_rows(Path.cwd(), everything=everything)
    if as_json:
        print_json({"jobs": [row.as_dict() for row in rows]})
        return
    _show(rows, everything=everything)


def _show(rows: Sequence[JobRow], *, everything: bool) -> None:
    if not rows:
        narrate("There are no jobs." if everything else "You have no jobs in the queue.")
        return
    lines = [_line(row) for row in rows]
    if len(lines) > _PLAIN_FROM:
        print_plain(_COLUMNS, lines)
    else:
        table(_COLUMNS, lines)
    running = sum(1 for row in rows if row.has_machines)
    waiting = sum(1 for row in rows if row.waits)
    typer.echo(f"{running} running, {waiting} waiting.")
    narrate("Costs are those of the jobs' own hours;")
    narrate("machines are also billed while they start and until they have been idle for a while.")
    for row in rows:
        if row.standstill:
            narrate(str(row.standstill))
    if left := sum(1 for row in rows if not row.looked_up):
        narrate(f"Records and logs of {left} more jobs were not looked up.")


def _line(row: JobRow) -> tuple[str, ...]:
    return (
        row.name,
        row.slurm_id,
        row.queue,
        str(row.nodes or ""),
        row.state
        + (f" (start {row.attempts})" if row.attempts > 1 else "")
        + (", but its log stands still" if row.standstill else ""),
        row.progress,
        f"{row.resolution_angstrom:.2f} Å" if row.resolution_angstrom else "",
        _time(row.elapsed_s),
        _cost(row),
        row.why,
    )


def _time(elapsed_s: float | None) -> str:
    return "" if not elapsed_s else str(timedelta(seconds=round(elapsed_s)))


def _cost(row: JobRow) -> str:
    if not row.looked_up:
        return "not looked up"
    return str(row.cost) if row.attempts else ""
