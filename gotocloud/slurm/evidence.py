"""What is known of an attempt: its notes, its log, Slurm's state, which machines answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gotocloud.slurm import client
from gotocloud.slurm.client import SlurmError
from gotocloud.slurm.recovery import AttemptEvidence
from gotocloud.slurm.script_parts import STARTED
from gotocloud.slurm.submissions import Attempt, control_path
from gotocloud.slurm.workload import Markers


def gather(
    folder: Path,
    attempt: Attempt,
    markers: Markers,
    found: dict[str, str] | None,
    *,
    inside: bool,
) -> AttemptEvidence:
    """Everything that is known of an attempt.

    Args:
        folder: The job's folder.
        attempt: The attempt.
        markers: The program's exit markers.
        found: What Slurm shows of its job; None if Slurm has removed it.
        inside: Whether this runs in that very job, which can reach its machines itself.
    """
    evidence = AttemptEvidence(
        exit_status=attempt.exit_status,
        started=attempt.started_at_s is not None,
        endings=markers.of(control_path(folder, attempt)),
        slurm_state=(found or {}).get("JobState", "") or _accounted(attempt),
        slurm_reason=(found or {}).get("Reason", ""),
        log=log_since(folder, attempt),
    )
    if inside or attempt.exit_status:
        return replace(evidence, lost_nodes=_lost_nodes(attempt, inside=inside))
    return evidence


def _accounted(attempt: Attempt) -> str:
    """Slurm's last state of a job that its controller has removed, if it keeps accounts."""
    if not attempt.slurm_id:
        return ""
    try:
        states = client.accounted("State", f"--jobs={attempt.slurm_id}", "--allocations")
    except SlurmError:
        return ""
    words = (states or "").split()
    return words[0] if words else ""


def _lost_nodes(attempt: Attempt, *, inside: bool) -> tuple[str, ...]:
    """Machines of an attempt that are down; from inside it also those that do not answer."""
    if not attempt.node_list:
        return ()
    try:
        states = client.node_states(attempt.node_list)
        nodes = client.hostnames(attempt.node_list)
    except SlurmError:
        return ()
    down = {node for node, state in states.items() if is_lost(state)}
    if inside and not down and len(nodes) > 1:
        answering = client.answering_nodes(nodes)
        # Without any answer the call failed, not the machines.
        down = set(nodes) - answering if answering else set()
    return tuple(sorted(down))


def is_lost(state: str) -> bool:
    """Whether a node in a state of Slurm's (`sinfo %T`) is lost to its jobs."""
    return state.endswith("*") or state.startswith(("down", "fail", "unknown", "power"))


def output_of(folder: Path, attempt: Attempt) -> str:
    """What an attempt wrote into the job's log, from the line in which its script begins it."""
    try:
        text = (folder / "run.out").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    _, began, after = text.rpartition(STARTED.format(attempt=attempt.number))
    return after if began else ""


def log_since(folder: Path, attempt: Attempt, most_bytes: int = 65536) -> str:
    """The job's error log since an attempt began; only its end if that is long."""
    try:
        with (folder / "run.err").open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(min(attempt.log_start, size), size - most_bytes))
            return log.read().decode(errors="replace")
    except OSError:
        return ""
