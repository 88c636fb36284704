"""The jobs of a proof: their scripts, and what their output shows. Text in, facts out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gotocloud.printed import lines_of
from gotocloud.proving.stages import MPI_NODES, ProofQueue

FOLDER = "/fsx/gotocloud-proof"
RESULT = "result.txt"
"""Written by the MPI job; the bucket must get it without a command."""

_END = "gotocloud-proof-exit"
_WALLTIME_MINUTES = 20

MPI_SOURCE = r"""
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv) {
    int rank, ranks, one = 1, sum = 0, length;
    char host[MPI_MAX_PROCESSOR_NAME];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Get_processor_name(host, &length);
    printf("rank %d of %d on %s sum %d\n", rank, ranks, host, sum);
    MPI_Finalize();
    return 0;
}
"""

_LIFECYCLE = (
    'token=$(curl -sf -m 5 -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" '
    "http://169.254.169.254/latest/api/token || true)\n"
    'echo "lifecycle $(curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" '
    'http://169.254.169.254/latest/meta-data/instance-life-cycle || echo unknown)"'
)
"""Whether this machine is spot. Source: EC2 user guide, instance metadata categories."""


@dataclass(frozen=True)
class ProbeJobEnd:
    """A job that has ended.

    Args:
        code: Its exit code.
        lines: What it printed.
    """

    code: int
    lines: tuple[str, ...]


def submit_script(name: str, queue: ProofQueue, folder: str = FOLDER) -> str:
    """The shell script that submits a job once, whatever happened before; prints its id.

    The job belongs to the image's own user: Open MPI refuses to run as root.

    Args:
        name: "spot" or "mpi".
        queue: Where it runs.
        folder: Folder that all nodes share.
    """
    nodes = MPI_NODES if name == "mpi" else 1
    work = _mpi_work(folder) if name == "mpi" else _LIFECYCLE
    return f"""set -eu
mkdir -p {folder}
chmod 1777 {folder}
cd {folder}
if [ -s {name}.id ]; then cat {name}.id; exit 0; fi
cat > mpi.c <<'SOURCE'
{MPI_SOURCE.strip()}
SOURCE
cat > {name}.sh <<'SCRIPT'
#!/bin/bash -l
#SBATCH --job-name=gotocloud-proof-{name}
#SBATCH --partition={queue.name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --time={_WALLTIME_MINUTES}
#SBATCH --output={folder}/{name}.out
set -e
trap 'echo "{_END} $?"' EXIT
{work}
SCRIPT
user=$(id -un 1000)
runuser -l "$user" -c 'cd {folder} && sbatch --parsable {name}.sh' > {name}.new
mv {name}.new {name}.id
cat {name}.id
"""


def _mpi_work(folder: str) -> str:
    return f"""module load openmpi 2>/dev/null || true
cd {folder}
mpicc mpi.c -o mpi-proof
mpirun -np {MPI_NODES} ./mpi-proof
srun --ntasks={MPI_NODES} bash -c 'nvidia-smi -L 2>/dev/null | sed "s/^/gpu $(hostname) /"' || true
date > {RESULT}"""


def look_script(name: str, folder: str = FOLDER) -> str:
    """The shell script that prints what there is of a job: its output, or why it waits."""
    return f"""cd {folder}
if grep -q '^{_END} ' {name}.out 2>/dev/null; then cat {name}.out; exit 0; fi
bash -lc "squeue -h -j $(cut -d';' -f1 {name}.id) -o 'waits %T %R'" || true
"""


def ended(text: str) -> ProbeJobEnd | None:
    """The job that this output is of; None while it has not ended."""
    found = re.search(rf"^{_END} (\d{{1,18}})$", text, re.MULTILINE)
    return ProbeJobEnd(int(found[1]), tuple(lines_of(text))) if found else None


def why_it_waits(text: str) -> str:
    """Slurm's state and reason in the output of a job that has not ended."""
    found = re.search(r"^waits (.+)$", text, re.MULTILINE)
    return found[1].strip() if found else "neither queued nor ended"


def hosts_of(job: ProbeJobEnd) -> tuple[tuple[str, ...], set[int]]:
    """The machines of an MPI job, and the sums that its ranks computed."""
    rows = [
        re.fullmatch(r"rank \d{1,18} of \d{1,18} on (?P<host>\S+) sum (?P<sum>\d{1,18})", line)
        for line in job.lines
    ]
    found = [row for row in rows if row]
    return tuple(sorted({row["host"] for row in found})), {int(row["sum"]) for row in found}


def gpus_of(job: ProbeJobEnd) -> dict[str, int]:
    """GPUs of each machine that a job saw."""
    counts: dict[str, int] = {}
    for line in job.lines:
        if found := re.fullmatch(r"gpu (?P<host>\S+) GPU \d{1,9}: .*", line):
            counts[found["host"]] = counts.get(found["host"], 0) + 1
    return counts
