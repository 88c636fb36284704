"""RELION projects as they lie on disk, with the logs that a test wants."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path

from gotocloud.slurm.submissions import Attempt
from tests.needs import ROOT

JOBS = ROOT / "tests" / "relion" / "jobs" / "5.0"
NAME = "Refine3D/job012"
SUBMITTED = "Thu Nov  5 10:00:00 2026"
EXITED = datetime(2026, 11, 5, 11, 30)
NOTE = (
    " ++++ Executing new job on {}\n ++++ with the following command(s): \n"
    "`which relion_refine_mpi` --o Refine3D/job012/run --auto_refine\n ++++ \n"
)
_PIPELINE = """
# version 50001

data_pipeline_general

_rlnPipeLineJobCounter                       13

# version 50001

data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
_rlnPipeLineProcessTypeLabel #3
_rlnPipeLineProcessStatusLabel #4
{name}/ None relion.refine3d {status}
"""


def log(hosts: int = 2, gpus: int = 4, body: str = "") -> str:
    """A `run.out` of one follower for each GPU of each host."""
    ranks = hosts * gpus
    lines = [
        "RELION version: 5.0.1 ",
        " === RELION MPI setup ===",
        f" + Number of MPI processes             = {ranks + 1}",
        " + Number of threads per MPI process   = 6",
        " + Leader      (0) runs on host            = node-1",
        *(
            f" + Follower     {rank} runs on host            = node-{1 + (rank - 1) // gpus}"
            for rank in range(1, ranks + 1)
        ),
        *(
            f"  Thread {thread} on follower {rank} mapped to device {(rank - 1) % gpus}"
            for rank in range(1, ranks + 1)
            for thread in range(2)
        ),
    ]
    return "\n".join(lines) + "\n" + body


def bar(seconds: float) -> str:
    """A progress bar as RELION draws it, over itself."""
    return (
        " Expectation iteration 1\n"
        f'000/??? sec ~~(,_,">\r 1.00/{seconds:.2f} sec ..~~(,_,">'
        f'\r{seconds:.2f}/{seconds:.2f} sec {"." * 60}~~(,_,">\n'
    )


def refinement(
    project: Path,
    run_out: str,
    *,
    note: str = NOTE.format(SUBMITTED),
    status: str = "Succeeded",
    exit_file: str = "RELION_JOB_EXIT_SUCCESS",
    exited: datetime = EXITED,
) -> Path:
    """A project with one Refine3D of 5,000 particles; its folder."""
    folder = project / NAME
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(JOBS / NAME / "job.star", folder / "job.star")
    # RELION writes it as it starts the job.
    started = datetime.strptime(SUBMITTED, "%a %b %d %H:%M:%S %Y").timestamp()
    os.utime(folder / "job.star", (started, started))
    (project / "default_pipeline.star").write_text(_PIPELINE.format(name=NAME, status=status))
    (folder / "run.out").write_text(run_out)
    (folder / "note.txt").write_text(note)
    if exit_file:
        (folder / exit_file).touch()
        os.utime(folder / exit_file, (exited.timestamp(), exited.timestamp()))
    particles = project / "Select" / "job007" / "particles.star"
    particles.parent.mkdir(parents=True, exist_ok=True)
    particles.write_text(
        "\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnImageSize #2\n1 256\n\n"
        "data_particles\n\nloop_\n_rlnImageName #1\n"
        + "".join(f"{i:06d}@stack.mrcs\n" for i in range(5000))
    )
    return folder


def attempt(number: int, **changes: object) -> Attempt:
    """An attempt as `gotocloud submit` notes it: two g4dn.12xlarge on demand."""
    usual: dict[str, object] = {
        "number": number,
        "round": 1,
        "token": f"t{number}",
        "queue": "refine3d",
        "layout": (5, 4),
        "ranks": 9,
        "threads": 6,
        "vcpus": 48,
        "gpus_per_node": 4,
        "gpu_ids": "0:1:2:3",
        "instance_type": "g4dn.12xlarge",
        "price_usd_per_hour": 3.912,
        "submitted_at_s": 1_000_000.0,
    }
    return Attempt(**usual | changes)  # type: ignore[arg-type]
