"""The batch script of one attempt at a job: values in, text out.

The script prints what runs where and at what price, and runs the program's commands one after
the other. It marks a success itself. After every other end it calls `gotocloud resume`, which
distinguishes a lost machine from an error of the program. If that fails too, the script marks
the job as failed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gotocloud.printed import lines_of
from gotocloud.slurm.script_parts import BEGINNING, HOSTS, MODULES
from gotocloud.slurm.submissions import CONTROL_FOLDER, control_folder
from gotocloud.slurm.workload import Command, Ending, Markers

COMMENT_PREFIX = "gotocloud:"
"""Begins Slurm's comment of our jobs; the attempt's token follows."""

_PLAIN_VALUE = re.compile(r"[\w./:@+,=-]+")


class MpiLauncher(StrEnum):
    """Which mpirun starts the ranks."""

    OPEN_MPI = "openmpi"
    INTEL_MPI = "intelmpi"


@dataclass(frozen=True, kw_only=True)
class BatchJob:
    """Everything that a batch script contains.

    Args:
        project: RELION's project folder, absolute.
        job: The job's folder as seen from there, "Class2D/job012/".
        commands: What runs.
        markers: The files that show how the job ended.
        attempt: Number of the attempt, from 1.
        token: What Slurm's comment carries, so that the attempt can be found again.
        queue: Slurm's partition.
        layout: Ranks of each machine, the leader on the first. RELION counts GPUs in this
            order, and the leader uses none: so the first machine has one rank more
            (https://github.com/3dem/relion/issues/156).
        ranks: MPI ranks over all machines; 1 is no MPI.
        threads: Threads of each rank.
        vcpus: Virtual CPUs of a machine.
        gpus_per_node: GPUs to ask for on each machine.
        exclusive: Whether the job has its machines to itself.
        modules: Environment modules that provide the executables.
        module_folder: Where they are, if that is not on the node's path; may be empty.
        mpi: The mpirun that they bring.
        instance_type: EC2's name of the machines.
        spot: Whether they may be taken away.
        price: What a machine costs, in words: "3.912 USD per hour (…)", or "unknown".
        reason: Why this queue and shape, in one sentence.
        gotocloud: How nodes call `gotocloud`.
    """

    project: str
    job: str
    commands: Sequence[Command]
    markers: Markers
    attempt: int
    token: str
    queue: str
    layout: tuple[int, ...]
    ranks: int
    threads: int
    vcpus: int
    gpus_per_node: int = 0
    exclusive: bool = True
    modules: Sequence[str] = ()
    module_folder: str = ""
    mpi: MpiLauncher = MpiLauncher.OPEN_MPI
    instance_type: str = "unknown"
    spot: bool = False
    price: str = "unknown"
    reason: str = ""
    gotocloud: str = "gotocloud"

    @property
    def control(self) -> str:
        """Folder of the attempt's markers, as seen from the project folder."""
        return control_folder(self.job, self.attempt)

    @property
    def nodes(self) -> int:
        """Machines."""
        return len(self.layout)


def facts_copy(job: str) -> str:
    """Where nodes find the cluster's facts, as seen from the project folder."""
    return f"{job}{CONTROL_FOLDER}/cluster.json"


def sbatch_options(job: BatchJob) -> tuple[str, ...]:
    """Options of sbatch that hold paths: on its command line nothing needs quoting.

    Slurm replaces % and backslashes in the whole path of a log, folders included
    (https://slurm.schedmd.com/sbatch.html, "Filename pattern"); where a project folder has one,
    only the script itself writes the logs.
    """
    folder = f"{job.project}/{job.job}"
    plain = not set("%\\") & set(folder)
    out, err = (folder + "run.out", folder + "run.err") if plain else ("/dev/null", "/dev/null")
    return (f"--chdir={job.project}", f"--output={out}", f"--error={err}")


def batch_script(job: BatchJob) -> str:
    """The whole script."""
    return "\n".join(
        (
            "#!/bin/bash",
            f"# Attempt {job.attempt} at {_one_line(job.job)}, written by `gotocloud submit`.",
            *(f"#SBATCH {option}" for option in _header(job)),
            "",
            *_values(job),
            BEGINNING,
            *_modules(job),
            *(lines_of(HOSTS[job.mpi]) if _uses_mpi(job) else ()),
            *_commands(job),
            "finished=yes",
            "",
        )
    )


def _header(job: BatchJob) -> list[str]:
    tasks = max(job.layout)
    options = [
        f"--job-name={_plain(job.job.rstrip('/'))}",
        f"--comment={_plain(COMMENT_PREFIX + job.token)}",
        f"--partition={_plain(job.queue)}",
        f"--nodes={job.nodes}",
        f"--ntasks-per-node={tasks}",
        f"--cpus-per-task={max(1, min(job.threads, job.vcpus // tasks))}",
    ]
    if job.gpus_per_node:
        # Bound to tasks, every GPU would look like number 0, and RELION would plan as if all
        # ranks shared one: https://github.com/3dem/relion/issues/1074.
        options.append(f"--gpus-per-node={job.gpus_per_node}")
    if job.exclusive:
        options.append("--exclusive")
    # A requeued job runs this script again from its first line, with SLURM_RESTART_COUNT set,
    # and would empty its logs: https://slurm.schedmd.com/sbatch.html (--requeue).
    return [*options, "--requeue", "--open-mode=append"]


def _values(job: BatchJob) -> list[str]:
    values = {
        "gotocloud": job.gotocloud,
        "project": job.project,
        "job": job.job,
        "success": job.markers.endings[Ending.SUCCESS],
        "failure": job.markers.endings[Ending.FAILURE],
        "aborted": job.markers.endings[Ending.ABORTED],
        "abort_now": job.markers.abort_now,
        "attempt": str(job.attempt),
        "control": job.control,
        "facts": facts_copy(job.job),
        "machines": f"{job.nodes} x {job.instance_type}{', spot' if job.spot else ''}",
        "shape": _shape(job),
        "price": job.price,
        "reason": job.reason,
    }
    return [f"{name}={_quoted(_one_line(value))}" for name, value in values.items()]


def _shape(job: BatchJob) -> str:
    ranks = f"{job.ranks} MPI rank{'s' * (job.ranks != 1)}"
    threads = f"{job.threads} thread{'s' * (job.threads != 1)}"
    gpus = f", {job.gpus_per_node} GPUs a node" if job.gpus_per_node else ""
    return f"{ranks} x {threads}{gpus}"


def _uses_mpi(job: BatchJob) -> bool:
    return job.ranks > 1 and any(command.mpi for command in job.commands)


def _modules(job: BatchJob) -> list[str]:
    if not job.modules:
        return []
    names = " ".join(shlex.quote(name) for name in job.modules)
    machine = f"export GOTOCLOUD_INSTANCE_TYPE={shlex.quote(job.instance_type)}"
    folder = [f"module use {shlex.quote(job.module_folder)}"] if job.module_folder else []
    return [machine, MODULES, *folder, f"load {names}"]


def _commands(job: BatchJob) -> list[str]:
    counts = " ".join(str(count) for count in job.layout)
    lines = [f"place {counts}"] if _uses_mpi(job) else []
    for number, command in enumerate(job.commands, start=1):
        launcher = ""
        if job.ranks > 1 and command.mpi:
            launcher = f'mpirun -n {job.ranks} "${{launch[@]}}" '
        lines += [
            f"command_{number}() {{",
            "  # shellcheck disable=all # the program's own line",
            f"  {launcher}{command.text}",
            "}",
        ]
    for number, command in enumerate(job.commands, start=1):
        if command.program:
            lines.append(f"need {shlex.quote(command.program)}")
        lines.append(f"run command_{number}")
    return lines


def _plain(value: str) -> str:
    """A value in an #SBATCH line, which Slurm splits in its own way."""
    return value if _PLAIN_VALUE.fullmatch(value) else re.sub(r"[^\w./:@+,=-]", "_", value)


def _quoted(value: str) -> str:
    """Always in quotes: shellcheck takes a bare dash for arithmetic."""
    return "'" + value.replace("'", "'\"'\"'") + "'"


def _one_line(value: str) -> str:
    return " ".join(value.split("\n"))
