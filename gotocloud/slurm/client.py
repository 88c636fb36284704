"""The only place that runs Slurm's commands; what they answer comes back as text.

Errors are in plain words: no Slurm here, slurmctld does not answer, or the message of the
command itself. Every call has a time limit.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from gotocloud.errors import GoToCloudError
from gotocloud.formats import whole_number
from gotocloud.printed import lines_of

TIMEOUT_S = 60.0
"""Longer than Slurm's own retries while slurmctld starts again."""

_DOWN = (
    "unable to contact slurm controller",
    "unable to contact slurm",
    "slurm_persist_conn_open",
    "connection refused",
    "connect failure",
    "zero bytes were transmitted",
    "socket timed out",
    "slurmctld is in standby mode",
)
_NO_CLUSTER = "could not establish a configuration source"
_UNKNOWN_JOB = ("invalid job id specified", "job_id specified is invalid")
_KEPT = frozenset({"SLURM_CONF", "SLURM_TIME_FORMAT"})
_INHERITED = ("SLURM_", "SBATCH_", "SALLOC_", "SRUN_", "PMI_", "PMIX_", "OMPI_COMM_", "PRTE_")
# Of our own batch script, which may submit the next attempt itself.
_OWN = frozenset({"GOTOCLOUD_RESTART", "BASH_ENV"})


class SlurmError(GoToCloudError):
    """Slurm refused, with its reason."""


class NoAnswerError(SlurmError):
    """Unknown whether it happened: slurmctld is down, or did not answer in time."""


def submit(script: Path, options: Sequence[str] = ()) -> str:
    """Submit a batch script.

    Args:
        script: The file.
        options: Further options for sbatch; they win over those in the script.

    Returns:
        The job's id.

    Raises:
        SlurmError: if Slurm refuses it; nothing was submitted.
        NoAnswerError: if it may have been submitted.
    """
    answer = _run(("sbatch", "--parsable", *options, str(script)))
    identifier = lines_of(answer.strip())[-1].partition(";")[0] if answer.strip() else ""
    if whole_number(identifier) is None:
        raise NoAnswerError(f"sbatch answered {answer.strip()!r}, which is no job id.")
    return identifier


def jobs(form: str, *options: str) -> str:
    """The output of `squeue`, one line a job in the given `--format`; ended jobs on request.

    Slurm drops an ended job after MinJobAge, five minutes by default:
    https://slurm.schedmd.com/slurm.conf.html (MinJobAge).
    """
    return _run(("squeue", "--noheader", f"--format={form}", *options))


def partitions(form: str, *options: str) -> str:
    """The output of `sinfo` in the given `--format`, without a header."""
    return _run(("sinfo", "--noheader", f"--format={form}", *options))


def accounted(fields: str, *options: str) -> str | None:
    """The output of `sacct`, parsable, without a header; None where nothing is accounted."""
    try:
        return _run(("sacct", "--noheader", "--parsable2", f"--format={fields}", *options))
    except SlurmError as error:
        if "accounting" in error.message.lower() or isinstance(error, NoAnswerError):
            return None
        raise


def job(identifier: str) -> dict[str, str] | None:
    """All fields of `scontrol show job`; None if Slurm no longer has the job."""
    try:
        text = _run(("scontrol", "--oneliner", "show", "job", identifier))
    except SlurmError as error:
        if any(words in error.message.lower() for words in _UNKNOWN_JOB):
            return None
        raise
    return parse_job(text)


def parse_job(text: str) -> dict[str, str]:
    """The `Key=value` pairs of `scontrol --oneliner show job`; a value may hold blanks."""
    found: dict[str, str] = {}
    key = ""
    for word in text.split():
        name, equals, value = word.partition("=")
        if equals and name[:1].isalpha() and name.replace(":", "").replace("/", "").isalnum():
            key = name
            found[key] = value
        elif key:
            found[key] += f" {word}"
    return found


def node_states(nodes: str) -> dict[str, str]:
    """State of each node of a list such as "a[1-3]", for example "allocated" or "down*"."""
    text = partitions("%N %T", "--Node", f"--nodes={nodes}")
    return dict(line.split()[:2] for line in lines_of(text) if len(line.split()) > 1)


def hostnames(nodes: str) -> tuple[str, ...]:
    """The nodes of a list such as "a[1-3]", in Slurm's order."""
    return tuple(_run(("scontrol", "show", "hostnames", nodes)).split())


def answering_nodes(nodes: Sequence[str], timeout_s: float = 30.0) -> frozenset[str]:
    """Which nodes of our own allocation still run something; empty if unknown.

    Works only inside a job: it starts a step of one task on each node, and counts those that
    have answered in time.
    """
    count = str(len(nodes))
    # A step shares no processor with RELION's own step unless it overlaps, and would wait for
    # its end: https://slurm.schedmd.com/srun.html (--overlap).
    command = (
        *("srun", "--overlap", f"--nodes={count}", f"--ntasks={count}", "--ntasks-per-node=1"),
        *("--cpus-per-task=1", "--gres=none", "--mpi=none", "--quiet", "--unbuffered"),
        *("/bin/sh", "-c", 'echo "$SLURMD_NODENAME"'),
    )
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return frozenset()
    try:
        message, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        message, _ = process.communicate()
    return frozenset(message.decode(errors="replace").split()) & frozenset(nodes)


def syntax_error(script: Path) -> str | None:
    """What bash finds wrong with a script before anything of it has run; None if nothing."""
    done = subprocess.run(
        ["bash", "-n", str(script)], capture_output=True, text=True, errors="replace", check=False
    )
    return _short(done.stderr) if done.returncode else None


def find(comment: str) -> str | None:
    """The job with a comment, running, waiting or just ended; None if Slurm has none.

    Raises:
        SlurmError: if Slurm does not answer.
    """
    for line in lines_of(jobs("%i %k", "--states=all", "--me")):
        identifier, _, message = line.strip().partition(" ")
        if message == comment:
            return identifier
    return None


def update(identifier: str, **changes: str) -> None:
    """Change a job, for example `Requeue="0"`."""
    _run(("scontrol", "update", f"JobId={identifier}", *(f"{k}={v}" for k, v in changes.items())))


def cancel(identifier: str, *, only_pending: bool = False) -> None:
    """Cancel a job; one that has ended is no error."""
    state = ("--state=PENDING",) if only_pending else ()
    try:
        _run(("scancel", *state, identifier))
    except SlurmError as error:
        if not any(words in error.message.lower() for words in _UNKNOWN_JOB):
            raise


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what a running job has put there.

    `sbatch` reads options from variables such as SBATCH_* and SLURM_*, and they override those
    in a script: inside a job it would pass on the old job's GPUs, tasks and restarts. See
    https://slurm.schedmd.com/sbatch.html, "Input environment variables".
    """
    return {
        name: value
        for name, value in environment.items()
        if name in _KEPT or (name not in _OWN and not name.startswith(_INHERITED))
    }


def _run(command: Sequence[str]) -> str:
    tool = command[0]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            env=clean_environment(os.environ),
            check=False,
        )
    except FileNotFoundError as error:
        raise SlurmError(
            f"There is no {tool} on this machine, so there is no Slurm here. "
            "Jobs are submitted on the head node of a cluster.",
            next_command="gotocloud ssh",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise NoAnswerError(
            f"{tool} has not answered within {TIMEOUT_S:g} s.", next_command="scontrol ping"
        ) from error
    # Python's text mode would make a line end of each carriage return, which a name may hold.
    output, message = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    if done.returncode:
        raise _failure(tool, (message or output).strip())
    return output


def _failure(tool: str, message: str) -> SlurmError:
    if any(words in message.lower() for words in _DOWN):
        return NoAnswerError(
            f"Slurm's controller (slurmctld) does not answer; {tool}: {_short(message)}",
            next_command="scontrol ping",
        )
    if _NO_CLUSTER in message.lower():
        return SlurmError(
            f"{tool} failed. Run this on a cluster's head node.",
            next_command="gotocloud ssh",
        )
    return SlurmError(f"{tool} failed: {_short(message)}")


def _short(message: str) -> str:
    lines = [line.strip() for line in lines_of(message) if line.strip()]
    return "; ".join(lines[-3:]) or "it gave no reason."
