"""The batch script of one attempt at a RELION job: values in, text out.

The script prints what runs where and at what price, runs RELION's commands one after the other,
and ends with a verdict. A success it states itself; every other end it hands to
`gotocloud resume`, which distinguishes a lost machine from an error of RELION. If that fails
too, the job fails visibly.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gotocloud.relion.commands import runs_mpi
from gotocloud.slurm.commands import controlled_from, program

CONTROL_FOLDER = ".gotocloud"
"""Folder in a job's folder: one folder of an attempt each, with its exit markers."""

COMMENT_PREFIX = "gotocloud:"
"""Begins Slurm's comment of our jobs; the attempt's token follows."""

_PLAIN_VALUE = re.compile(r"[\w./:@+,=-]+")

_BEGINNING = """\
finished=no

say() { printf ' GoToCloud: %s\\n' "$*"; }

fail() {
  printf ' GoToCloud: %s\\n' "$*" >&2
  exit 1
}

# The last word, whatever has happened. Slurm may be ending the job at the same time: what
# runs here ignores that, until Slurm kills it.
conclude() {
  local status=$?
  trap '' TERM
  trap - EXIT
  say "attempt $attempt ended on $(date '+%F at %T %Z'), after $SECONDS s, with exit status $status"
  printf '%s %s\\n' "$status" "$(date +%s)" >"${control}ended"
  if [ "$finished" = yes ] && [ ! -e "${control}RELION_JOB_EXIT_FAILURE" ] &&
    [ ! -e "${control}RELION_JOB_EXIT_ABORTED" ]; then
    touch -- "${job}RELION_JOB_EXIT_SUCCESS"
    exit 0
  fi
  [ "$status" -ne 0 ] || status=1
  if ! "$gotocloud" resume --ended "$status" -- "$job"; then
    touch -- "${job}RELION_JOB_EXIT_FAILURE"
    printf ' GoToCloud: the job failed, and %s could not say why.\\n' "$gotocloud" >&2
  fi
  exit "$status"
}

run() {
  "$1" || exit
  touch -- "${control}$1.done"
}

need() {
  command -v -- "$1" >/dev/null ||
    fail "There is no program $1 on this machine. Next: gotocloud software check"
}

cd -- "$project" || fail "The project folder $project is not there."
exec >>"${job}run.out" 2>>"${job}run.err"
[ ! -e "$facts" ] || export GOTOCLOUD_CLUSTER_FACTS=$project/$facts

# Slurm puts a job back that has lost its first machine: what runs now is decided again.
if [ "${SLURM_RESTART_COUNT:-0}" -gt "${GOTOCLOUD_RESTART:-0}" ]; then
  export GOTOCLOUD_RESTART=$SLURM_RESTART_COUNT
  if ! next=$("$gotocloud" resume --restarted -- "$job"); then
    touch -- "${job}RELION_JOB_EXIT_FAILURE"
    fail "The job was put back after its machine was lost, but could not be continued."
  fi
  [ -n "$next" ] || exit 0
  exec /bin/bash -- "$next"
fi

# Submitted without an answer, then given up: another attempt runs instead.
[ ! -e "${control}withdrawn" ] || exit 0

trap conclude EXIT
trap 'exit 143' TERM
mkdir -p -- "$control" || exit
ln -sfn ../../RELION_JOB_ABORT_NOW "${control}RELION_JOB_ABORT_NOW"
printf '%s %s %s\\n' "$SLURM_JOB_ID" "$(date +%s)" "$SLURM_JOB_NODELIST" >"${control}started"
say "attempt $attempt started on $(date '+%F at %T %Z') as Slurm job $SLURM_JOB_ID"
say "nodes: $SLURM_JOB_NODELIST ($machines), $shape"
say "price of a node: $price"
say "$reason"
if [ -e "${job}RELION_JOB_ABORT_NOW" ]; then
  touch -- "${control}RELION_JOB_EXIT_ABORTED"
  exit 1
fi
"""

_MODULES = """\
for setup in /etc/profile.d/modules.sh /usr/share/modules/init/bash /etc/profile.d/lmod.sh; do
  type module >/dev/null 2>&1 && break
  # shellcheck source=/dev/null
  [ ! -r "$setup" ] || . "$setup"
done

load() {
  local name
  for name; do
    # The desktop's own, which the job inherits, was chosen for the head node.
    module unload "${name%%/*}"
    module load "$name" || fail "The module $name cannot be loaded. Next: gotocloud software check"
  done
}
"""

# Ranks are not bound to cores: the threads of a rank would share them.
_HOSTS = {
    "openmpi": """\
place() {
  local host
  [ $# -gt 1 ] || return 0
  for host in $(scontrol show hostnames "$SLURM_JOB_NODELIST"); do
    printf '%s slots=%s\\n' "$host" "$1"
    shift
  done >"${control}hosts"
  launch+=(--hostfile "${control}hosts")
}
launch=(--map-by slot --bind-to none)
""",
    "intelmpi": """\
place() {
  local host
  for host in $(scontrol show hostnames "$SLURM_JOB_NODELIST"); do
    printf '%s:%s\\n' "$host" "$1"
    shift
  done >"${control}hosts"
  launch+=(-machinefile "${control}hosts")
}
launch=(-genv I_MPI_PIN 0)
""",
}


class Mpi(StrEnum):
    """Which mpirun starts the ranks."""

    OPEN_MPI = "openmpi"
    INTEL_MPI = "intelmpi"


@dataclass(frozen=True, kw_only=True)
class BatchJob:
    """Everything in a batch script.

    Args:
        project: RELION's project folder, absolute.
        job: RELION's name of the job, "Class2D/job012/".
        commands: What runs, as RELION wrote it or as an attempt needs it.
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
        module_folder: Where they are, if the node needs it; may be empty.
        mpi: The mpirun that they bring.
        instance_type: EC2's name of the machines.
        spot: Whether they may be taken away.
        price: What a machine costs, in words: "3.912 USD per hour (…)", or "unknown".
        reason: Why this queue and shape, in one sentence.
        gotocloud: How nodes call `gotocloud`.
    """

    project: str
    job: str
    commands: Sequence[str]
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
    mpi: Mpi = Mpi.OPEN_MPI
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


def control_folder(job: str, attempt: int) -> str:
    """Folder of an attempt's markers, as seen from the project folder; ends with a slash."""
    return f"{job}{CONTROL_FOLDER}/{attempt}/"


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
            _BEGINNING,
            *_modules(job),
            *(_HOSTS[job.mpi].splitlines() if _uses_mpi(job) else ()),
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
    return job.ranks > 1 and any(runs_mpi(command) for command in job.commands)


def _modules(job: BatchJob) -> list[str]:
    if not job.modules:
        return []
    names = " ".join(shlex.quote(name) for name in job.modules)
    machine = f"export GOTOCLOUD_INSTANCE_TYPE={shlex.quote(job.instance_type)}"
    folder = [f"module use {shlex.quote(job.module_folder)}"] if job.module_folder else []
    return [machine, _MODULES, *folder, f"load {names}"]


def _commands(job: BatchJob) -> list[str]:
    counts = " ".join(str(count) for count in job.layout)
    lines = [f"place {counts}"] if _uses_mpi(job) else []
    for number, command in enumerate(job.commands, start=1):
        launcher = ""
        if job.ranks > 1 and runs_mpi(command):
            launcher = f'mpirun -n {job.ranks} "${{launch[@]}}" '
        lines += [
            f"command_{number}() {{",
            "  # shellcheck disable=all # RELION's own words",
            f"  {launcher}{controlled_from(command, job.job, job.control)}",
            "}",
        ]
    for number, command in enumerate(job.commands, start=1):
        name = program(command)
        if name:
            lines.append(f"need {shlex.quote(name)}")
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
