"""Measure what `gotocloud submit` adds to plain `sbatch`.

    make bench-submit
    python benchmarks/submit.py --runs 9

Both submit a job to a real Slurm on this machine in turn (A B A B …), so that a drift of the
machine's speed touches both: RELION's filled-in script through `gotocloud submit`, and the very
script that this writes through `sbatch`, into a queue that is closed. Wall clock depends on what
else the machine does, processor time hardly. Results go to the terminal and to build/submit.json.
It needs root and Debian's Slurm, as the rehearsed cluster does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gotocloud.rehearsal.slurm.cluster import RehearsalCluster

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "gotocloud" / "node" / "relion-submit-template.sh"
AIM_MS = 500.0
"""Added to a click; a scientist sees RELION's window redraw after about a second."""

JOB_STAR = """
data_job

_rlnJobTypeLabel relion.class2d.em
_rlnJobIsContinue 0

data_joboptions_values

loop_
_rlnJobOptionVariable #1
_rlnJobOptionValue #2
do_queue "Yes"
queuename "class2d"
use_gpu "Yes"
gpu_ids ""
nr_mpi "1"
nr_threads "1"
"""
COMMAND = (
    "`which relion_refine` --o {job}run --i particles.star --iter 25 --K 50 --j 1 "
    '--gpu "" --pipeline_control {job}'
)


@dataclass(frozen=True)
class SubmitRun:
    """One run of one command, with all that it starts."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class SubmitResult:
    """Medians of both."""

    ours_s: float
    sbatch_s: float
    ours_cpu_s: float
    sbatch_cpu_s: float
    runs: int

    @property
    def ratio(self) -> float:
        return self.ours_s / self.sbatch_s

    @property
    def added_ms(self) -> float:
        return (self.ours_s - self.sbatch_s) * 1000


def make_job(project: Path, number: int) -> Path:
    """A job as RELION leaves it for its queue command; the filled-in script."""
    job = f"Class2D/job{number:03d}/"
    folder = project / job
    folder.mkdir(parents=True)
    (folder / "job.star").write_text(JOB_STAR)
    filled = TEMPLATE.read_text().replace("XXXnameXXX", job)
    filled = filled.replace("XXXcommandXXX", COMMAND.format(job=job))
    script = folder / "run_submit.script"
    script.write_text(filled)
    return script.relative_to(project)


def timed(command: Sequence[str], project: Path, environment: dict[str, str]) -> SubmitRun:
    """Time one command."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return SubmitRun(wall_s, cpu_s)


def measure(cluster: RehearsalCluster, project: Path, runs: int) -> SubmitResult:
    """Both in turn, after one of each that does not count."""
    environment = cluster.environment()
    gotocloud = str(Path(sys.executable).with_name("gotocloud"))
    subprocess.run(
        ["scontrol", "update", "PartitionName=class2d", "State=DOWN"], env=environment, check=True
    )
    (project / "particles.star").write_text("")
    ours, plain = [], []
    for number in range(1, runs + 2):
        script = make_job(project, number)
        ours.append(timed([gotocloud, "submit", str(script)], project, environment))
        written = script.with_name("gotocloud_attempt_1.sh")
        plain.append(timed(["sbatch", str(written)], project, environment))
    return SubmitResult(
        ours_s=statistics.median(one.wall_s for one in ours[1:]),
        sbatch_s=statistics.median(one.wall_s for one in plain[1:]),
        ours_cpu_s=statistics.median(one.cpu_s for one in ours[1:]),
        sbatch_cpu_s=statistics.median(one.cpu_s for one in plain[1:]),
        runs=runs,
    )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="bench-submit-") as scratch:
        project = Path(scratch) / "project"
        project.mkdir()
        cluster = RehearsalCluster.start(Path(scratch) / "slurm", owner=os.getpid())
        try:
            result = measure(cluster, project, runs)
        finally:
            cluster.stop()
    verdict = "as aimed" if result.added_ms <= AIM_MS else "MISSED"
    print(
        f"gotocloud submit {result.ours_s * 1000:.0f} ms, sbatch {result.sbatch_s * 1000:.0f} ms: "
        f"ratio {result.ratio:.1f}, {result.added_ms:.0f} ms more "
        f"(aim: at most {AIM_MS:.0f} ms, {verdict}; medians of {runs})\n"
        f"processor time {result.ours_cpu_s * 1000:.0f} and {result.sbatch_cpu_s * 1000:.0f} ms; "
        f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    report = {
        **asdict(result),
        "ratio": result.ratio,
        "added_ms": result.added_ms,
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }
    path = ROOT / "build" / "submit.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
