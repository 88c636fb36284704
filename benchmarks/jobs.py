"""Measure how long `gotocloud jobs` takes with an empty queue and with a long one.

    python benchmarks/jobs.py [--jobs 1000]

A real Slurm is started on this machine (as `gotocloud rehearse up --with-slurm` does). Two
figures are measured, each as the median of several runs:

- the whole command, against plain `squeue` on the same queue: with no job, and with many that
  wait, each with a folder, a record and a log of its own;
- reading what is shown of many jobs that all run, with logs of 1 MB, against one such job:
  only a bounded number is read, of each log only its end.

Needs root and Debian's slurm-wlm. Results go to the terminal and to build/benchmarks-jobs.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from gotocloud.jobs.workload import workload_of
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.slurm.job_rows import LOOKED_UP, RowSources, queued_rows
from gotocloud.slurm.queue_state import QueuedJob
from gotocloud.slurm.submissions import Attempt, AttemptState, Submission, save

ROOT = Path(__file__).parent.parent
RUNS = 7
LOG_MB = 1
PROGRESS = b'   3/  9 sec ....................~~(,_,">' + b" " * 30 + b"\r"
ITERATION = b" Expectation iteration 12 of 25\n"


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000)
    count = parser.parse_args().jobs
    with tempfile.TemporaryDirectory(prefix="gotocloud-bench-") as folder:
        project = Path(folder) / "project"
        make_project(project, count)
        results = {
            **whole_command(Path(folder) / "slurm", project, count),
            **reading(project, count),
        }
    out = ROOT / "build" / "benchmarks-jobs.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n")
    for name, value in results.items():
        print(f"{name:58} {value:10.3f}")


def make_project(project: Path, count: int) -> None:
    """Folders of so many jobs, each with a record of two attempts and a log."""
    log = PROGRESS * (LOG_MB * 1_000_000 // len(PROGRESS)) + ITERATION
    for number in range(1, count + 1):
        folder = project / "Class2D" / f"job{number:03d}"
        folder.mkdir(parents=True)
        plain = Attempt(
            number=1,
            round=1,
            token=f"lost{number}",
            queue="class2d-spot",
            layout=(5, 4, 4, 4, 4, 4, 4, 4),
            ranks=33,
            threads=6,
            vcpus=48,
            price_usd_per_hour=1.6888,
            state=AttemptState.ENDED,
            started_at_s=1000.0,
            ended_at_s=4600.0,
        )
        now = replace(plain, number=2, token=f"now{number}", state=AttemptState.SUBMITTED)
        save(
            folder,
            Submission(
                workload="relion",
                job=f"Class2D/{folder.name}/",
                label="relion.class2d",
                stamp="s",
                attempts=(plain, now),
            ),
        )
        # Most of the jobs wait and have no log yet; as many as are read have a full one.
        if number <= LOOKED_UP + 1:
            (folder / "run.out").write_bytes(log)


def whole_command(directory: Path, project: Path, count: int) -> dict[str, float]:
    """Seconds of `gotocloud jobs` and of `squeue`, with an empty and a long queue."""
    cluster = RehearsalCluster.start(directory, owner=os.getpid())
    environment = cluster.environment()
    jobs = [shutil.which("gotocloud") or "gotocloud", "jobs"]
    squeue = ["squeue", "--me"]
    try:
        empty = medians([jobs, squeue], environment)
        submit(project, count, environment)
        full = medians([jobs, squeue], environment)
        shown = subprocess.run([*jobs, "--json"], env=environment, capture_output=True, check=True)
        if (found := len(json.loads(shown.stdout)["jobs"])) != count:
            sys.exit(f"{found} of {count} jobs were shown")
    finally:
        cluster.stop()
    return {
        "gotocloud jobs, empty queue, s": empty[0],
        "squeue, empty queue, s": empty[1],
        f"gotocloud jobs, {count} waiting, s": full[0],
        f"squeue, {count} waiting, s": full[1],
        f"gotocloud jobs, {count} waiting / empty queue": full[0] / empty[0],
        f"added by {count} jobs, ms a job": (full[0] - empty[0]) / count * 1000,
    }


def submit(project: Path, count: int, environment: dict[str, str]) -> None:
    """Put jobs that wait into the queue."""
    script = project / "script"
    script.write_text("#!/bin/bash\n")

    def one(number: int) -> None:
        name = f"Class2D/job{number:03d}"
        subprocess.run(
            [
                "sbatch",
                "--hold",
                "--partition=class2d",
                f"--chdir={project}",
                f"--job-name={name}",
                f"--comment=gotocloud:now{number}",
                str(script),
            ],
            env=environment,
            check=True,
            capture_output=True,
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(1, count + 1)))


def reading(project: Path, count: int) -> dict[str, float]:
    """Seconds to read what is shown of one running job and of many."""
    jobs = [running(project, number) for number in range(1, count + 1)]
    around = RowSources({}, lambda _type, _spot: 1.0, workload_of)
    one = timed(lambda: queued_rows(jobs[:1], around))
    many = timed(lambda: queued_rows(jobs, around))
    return {
        "rows of 1 running job, 1 MB log, s": one,
        f"rows of {count} running jobs, 1 MB logs, s": many,
        f"the same, of {LOOKED_UP} that are looked up, ms each": many
        / min(count, LOOKED_UP)
        * 1000,
    }


def running(project: Path, number: int) -> QueuedJob:
    """A running job as squeue prints it."""
    return QueuedJob(
        slurm_id=str(number),
        state="RUNNING",
        partition="class2d",
        reason="",
        nodes=8,
        elapsed_s=60,
        user="ubuntu",
        node_list="",
        submitted="",
        token=f"now{number}",
        name=f"Class2D/job{number:03d}",
        directory=str(project),
    )


def medians(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> list[float]:
    """Median seconds of commands that are run in turn, so that drift touches all alike."""
    taken: list[list[float]] = [[] for _ in commands]
    for _ in range(RUNS):
        for command, times in zip(commands, taken, strict=True):
            began = time.perf_counter()
            subprocess.run(command, env=environment, check=True, capture_output=True)
            times.append(time.perf_counter() - began)
    return [statistics.median(times) for times in taken]


def timed(work: Callable[[], object]) -> float:
    """Median seconds of a piece of work."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    main()
