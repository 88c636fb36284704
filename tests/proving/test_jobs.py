from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gotocloud.proving import jobs
from gotocloud.proving.jobs import ProbeJobEnd, ended, gpus_of, hosts_of, why_it_waits
from gotocloud.proving.stages import ProofQueue

QUEUE = ProofQueue("prep-gpu", "g6.4xlarge", 4, spot=False)
OUTPUT = """rank 0 of 3 on node-1 sum 3
rank 1 of 3 on node-2 sum 3
rank 2 of 3 on node-3 sum 3
gpu node-1 GPU 0: NVIDIA L4 (UUID: GPU-1)
gpu node-2 GPU 0: NVIDIA L4 (UUID: GPU-2)
gotocloud-proof-exit 0
"""


def test_a_job_has_ended_when_its_last_line_is_there() -> None:
    assert ended("rank 0 of 3 on node-1 sum 3\n") is None
    job = ended(OUTPUT)
    assert job
    assert job.code == 0
    assert hosts_of(job) == (("node-1", "node-2", "node-3"), {3})
    assert gpus_of(job) == {"node-1": 1, "node-2": 1}


def test_three_ranks_on_one_machine_are_one_machine() -> None:
    job = ProbeJobEnd(0, tuple(f"rank {n} of 3 on head sum 3" for n in range(3)))
    assert hosts_of(job) == (("head",), {3})


def test_slurms_reason_is_shown_while_it_waits() -> None:
    assert why_it_waits("waits PENDING (BeginTime)\n") == "PENDING (BeginTime)"
    assert why_it_waits("") == "neither queued nor ended"


@pytest.mark.parametrize("name", ["spot", "mpi"])
def test_the_scripts_are_scripts(name: str) -> None:
    for text in (jobs.submit_script(name, QUEUE), jobs.look_script(name)):
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_a_job_is_submitted_once_whatever_happened_before(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/runuser").write_text("#!/bin/sh\necho 7\necho once >> submitted\n")
    (tmp_path / "bin/runuser").chmod(0o755)
    script = jobs.submit_script("mpi", QUEUE, str(tmp_path / "shared"))
    path = f"{tmp_path}/bin:/usr/bin:/bin"
    for _ in range(2):
        done = subprocess.run(
            ["sh"], input=script, text=True, capture_output=True, check=True, env={"PATH": path}
        )
        assert done.stdout == "7\n"
    assert (tmp_path / "shared/submitted").read_text() == "once\n"
    batch = (tmp_path / "shared/mpi.sh").read_text()
    assert "#SBATCH --partition=prep-gpu" in batch
    assert "#SBATCH --nodes=3" in batch
