"""Debian's RELION writes job files, logs and optimiser files; they are read here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gotocloud.findings import errors
from gotocloud.rehearsal.slurm.dataset import make_dataset
from gotocloud.relion.job import read_job
from gotocloud.relion.optimisers import choose_optimiser, newest_optimiser
from gotocloud.relion.particles import read_particles
from gotocloud.relion.pipeline import ProcessStatus, read_pipeline
from gotocloud.relion.rules import check
from gotocloud.relion.run_log import ExitStatus, exit_status, read_run_log
from gotocloud.slurm.causes import cause_of
from tests.needs import need_relion
from tests.relion.relion31 import make_project
from tests.relion.samples import job_files

AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
CLASSES = (
    *("--K", "2", "--tau2_fudge", "2", "--ctf", "--flatten_solvent", "--zero_mask"),
    *("--oversampling", "1", "--psi_step", "24", "--offset_range", "3", "--offset_step", "2"),
    *("--norm", "--scale", "--particle_diameter", "100", "--pool", "3", "--j", "1"),
)


@pytest.fixture(autouse=True)
def relion_is_here() -> None:
    need_relion()


def refine(project: Path, job: str, *arguments: str, ranks: int) -> subprocess.Popen[bytes]:
    """Start `relion_refine_mpi` as RELION does; its output goes into the job's log."""
    folder = project / job
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mpirun", "--oversubscribe", "-n", str(ranks), "relion_refine_mpi", *arguments]
    with (folder / "run.out").open("ab") as out, (folder / "run.err").open("ab") as err:
        return subprocess.Popen(
            [*command, "--pipeline_control", f"{job}/"],
            cwd=project,
            env={**os.environ, **AS_ROOT},
            stdout=out,
            stderr=err,
            start_new_session=True,
        )


def test_relion_itself_writes_the_job_files_of_3_1(tmp_path: Path) -> None:
    made = [folder / "job.star" for folder in make_project(tmp_path)]
    kept = job_files("3.1")
    assert [path.parent.name for path in made] == [path.parent.name for path in kept]
    for path, other in zip(made, kept, strict=True):
        assert dict(read_job(path).options) == dict(read_job(other).options)
        assert errors(check(read_job(path))) == ()
    processes = read_pipeline(tmp_path)
    assert {one.status for one in processes} == {ProcessStatus.SCHEDULED}
    assert [one.type and one.type.label for one in processes] == [
        read_job(path).label for path in made
    ]


def test_a_killed_classification_continues_from_what_is_whole(tmp_path: Path) -> None:
    data = make_dataset(tmp_path, particles=120)
    found = read_particles(data.particles)
    assert (found.particles, found.box_px) == (120, 32)
    folder = tmp_path / "Class2D" / "job002"
    arguments = ("--i", data.particles.name, "--o", "Class2D/job002/run", *CLASSES)
    running = refine(tmp_path, "Class2D/job002", *arguments, "--iter", "9", ranks=2)
    second = folder / "run_it002_optimiser.star"
    deadline_s = time.monotonic() + 120
    while not second.exists() and running.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert exit_status(folder) is ExitStatus.NONE
    newest = choose_optimiser(folder)
    assert newest.iteration >= 1
    (folder / f"run_it{newest.iteration + 1:03}_optimiser.star").touch()
    choice = choose_optimiser(folder)
    assert choice.path == newest.path
    assert any("is empty" in one.reason for one in choice.skipped)
    goes_on = ("--continue", f"Class2D/job002/{newest.path.name}" if newest.path else "")
    last = str(newest.iteration + 1)
    options = ("--o", "Class2D/job002/run", "--iter", last, "--j", "1")
    assert refine(tmp_path, "Class2D/job002", *goes_on, *options, ranks=2).wait(120) == 0
    log = read_run_log(folder)
    assert (log.starts, log.iterations_done, log.ranks) == (2, newest.iteration + 1, 2)
    assert exit_status(folder) is ExitStatus.SUCCESS
    done = newest_optimiser(folder)
    assert done is not None
    assert done.name == f"run_it{newest.iteration + 1:03}_optimiser.star"


def test_relion_refuses_what_the_rule_about_halves_forbids(tmp_path: Path) -> None:
    data = make_dataset(tmp_path, particles=20)
    arguments = ("--i", data.particles.name, "--ref", data.reference.name, "--auto_refine")
    job = "Refine3D/job003"
    running = refine(
        tmp_path, job, *arguments, "--split_random_halves", "--o", f"{job}/run", ranks=2
    )
    assert running.wait(60) != 0
    assert "at least 3 MPI processes" in (tmp_path / job / "run.err").read_text()


SHORT_OF_MEMORY = """
[ "$OMPI_COMM_WORLD_RANK" != 1 ] || echo $$ >{group}/cgroup.procs
exec relion_refine_mpi --i particles.star --o run --iter 1 --K 1 --particle_diameter 100 --ctf
"""


def test_a_rank_that_the_kernel_kills_for_its_memory_is_named(
    tmp_path: Path, small_group: Path
) -> None:
    make_dataset(tmp_path, particles=30, box_px=24)
    done = subprocess.run(
        [
            *("mpirun", "--oversubscribe", "-n", "3"),
            *("bash", "-c", SHORT_OF_MEMORY.format(group=small_group)),
        ],
        cwd=tmp_path,
        env={**os.environ, **AS_ROOT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode
    assert re.fullmatch(
        r"rank 1 on \S+ was killed \(signal 9\): most often too little memory",
        cause_of(done.stderr) or "",
    ), done.stderr
