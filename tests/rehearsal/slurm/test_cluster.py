"""A rehearsed Slurm: its partitions and nodes, power saving, MPI and sudden deaths."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gotocloud.rehearsal.slurm.cluster import RehearsalCluster

WITHIN_S = 60.0


def said(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def submitted(folder: Path, text: str) -> str:
    script = folder / "job.sh"
    script.write_text("#!/bin/bash\n" + text)
    return said("sbatch", "--parsable", f"--output={folder}/out", str(script)).strip()


def state(job: str) -> str:
    return said("scontrol", "--oneliner", "show", "job", job).partition("JobState=")[2].split()[0]


def test_nodes_are_named_and_sized_as_parallelcluster_makes_them(
    head_node: RehearsalCluster,
) -> None:
    rows = said("sinfo", "-h", "-N", "-o", "%N|%P|%c|%m|%G|%f").splitlines()
    assert (
        "class2d-spot-dy-g4dn-12xlarge-8|class2d-spot|48|186777|gpu:t4:4"
        "|dynamic,g4dn.12xlarge,g4dn-12xlarge,efa,gpu"
    ) in rows
    assert (
        "polish-dy-c6i-32xlarge-1|polish|128|249036|(null)|dynamic,c6i.32xlarge,c6i-32xlarge,efa"
    ) in rows
    assert len(rows) == len(head_node.node_names)


def test_a_job_starts_its_nodes_and_runs_mpi_on_them(
    head_node: RehearsalCluster, tmp_path: Path
) -> None:
    job = submitted(
        tmp_path,
        "#SBATCH -p refine3d -N 2 --ntasks 17 --gres=gpu:8\n"
        "echo $CUDA_VISIBLE_DEVICES on $(hostname)\n"
        "mpirun -n 17 sh -c 'echo rank $OMPI_COMM_WORLD_RANK on $(hostname)'\n"
        f"touch /dev/shm/seen; mpirun -n 1 ls -A {head_node.layout.sessions} >{tmp_path}/mpi\n",
    )
    until(lambda: state(job) == "COMPLETED")
    # Another cluster on this machine has nodes of the same names: they must share nothing.
    assert not Path("/dev/shm/seen").exists()
    assert "ompi.refine3d-dy-g4dn-metal-1" in (tmp_path / "mpi").read_text()
    lines = (tmp_path / "out").read_text().splitlines()
    assert lines[0] == "0,1,2,3,4,5,6,7 on refine3d-dy-g4dn-metal-1"
    assert "17 ranks were requested and granted; this machine runs 3" in lines[1]
    assert sorted(lines[2:]) == [
        "rank 0 on refine3d-dy-g4dn-metal-1",
        "rank 1 on refine3d-dy-g4dn-metal-2",
        "rank 2 on refine3d-dy-g4dn-metal-1",
    ]


def test_a_killed_node_takes_its_processes_along_and_slurm_fails_the_job(
    head_node: RehearsalCluster, tmp_path: Path
) -> None:
    head_node.warm("refine3d")
    job = submitted(
        tmp_path,
        "#SBATCH -p refine3d -N 2 --ntasks 17 --no-requeue\n"
        # mpirun may notice before Slurm does; the job itself stays.
        "mpirun -n 17 sh -c 'echo running; sleep 321'; sleep 322\n",
    )
    out = tmp_path / "out"
    until(lambda: out.exists() and out.read_text().count("running") == 3)
    head_node.kill_node("refine3d-dy-g4dn-metal-2")
    until(lambda: "NodeDown" in said("scontrol", "show", "job", job))
    until(lambda: state(job) == "NODE_FAIL")
    assert "sleep 321" not in said("ps", "axww", "-o", "args")
    until(lambda: "idle~" in said("sinfo", "-h", "-n", "refine3d-dy-g4dn-metal-2", "-o", "%t"))


def test_an_unknown_node_cannot_be_killed(slurm: RehearsalCluster) -> None:
    with pytest.raises(Exception, match="No running node named 'refine3d-1'"):
        slurm.kill_node("refine3d-1")
