"""What an ended attempt was, and what follows: pure decisions.

A job that lost a machine continues on another one. An error of the program is final: it would
happen again, at the same price. A job that a person ended stays ended.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.slurm.submissions import Attempt
from gotocloud.slurm.workload import Ending

SPOT_INTERRUPTIONS = 3
"""After so many the job continues on demand: spot machines are short, and each start is paid."""

SAME_END = 2
"""So many attempts in a row that lose their machine in one iteration: the job itself does it,
unless they were on spot, where machines are taken away."""

MOST_INTERRUPTIONS = 6
"""Machines were lost on demand as well: the cause is another one, and a person must look."""

ACTIVE_STATES = frozenset(
    {
        *("PENDING", "RUNNING", "CONFIGURING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING"),
        *("STAGE_OUT", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"),
    }
)
"""States of Slurm in which a job runs or will run."""

WAITING_STATES = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"})
_LOST_STATES = frozenset({"NODE_FAIL", "BOOT_FAIL", "PREEMPTED"})

_ENDED_BY_SLURM = re.compile(
    r"\*\*\* (?P<what>JOB|STEP) \S+ ON \S+ CANCELLED AT \S+(?: DUE TO (?P<reason>[A-Z ]+))?"
)
_LAUNCHER_LOST = (
    # Open MPI 4 (orte/mca/errmgr/default_hnp) and 5 (PRRTE).
    "ORTE has lost communication with a remote daemon",
    "An ORTE daemon has unexpectedly failed after launch",
    "PRTE has lost communication with a remote daemon",
    "A PRTE daemon has unexpectedly failed after launch",
    # Slurm, src/srun/libsrun.
    "srun: error: Node failure on",
)


class AttemptOutcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """An error of the program, or of its input."""

    ABORTED = "aborted"
    """A person stopped it in the program."""

    CANCELLED = "cancelled"
    """A person cancelled it in Slurm."""

    TIME_LIMIT = "time limit"
    LOST = "machine lost"
    REFUSED = "refused"
    """Slurm did not accept it."""

    WITHDRAWN = "withdrawn"
    """Slurm may have accepted it, but it does nothing: another attempt runs instead."""


@dataclass(frozen=True, kw_only=True)
class AttemptEvidence:
    """What is known of an attempt that no longer runs.

    Args:
        exit_status: What its script ended with; None if it recorded nothing.
        started: Whether its script ever ran.
        endings: What the program's exit markers of this attempt show.
        slurm_state: Slurm's state of it; empty once Slurm has removed it.
        slurm_reason: Slurm's reason, for example "NodeDown".
        lost_nodes: Machines of it that are down or do not answer.
        log: Its error log since it began.
    """

    exit_status: int | None
    started: bool
    endings: frozenset[Ending] = frozenset()
    slurm_state: str = ""
    slurm_reason: str = ""
    lost_nodes: tuple[str, ...] = ()
    log: str = ""


@dataclass(frozen=True)
class AttemptVerdict:
    """How an attempt ended, and that in words."""

    outcome: AttemptOutcome
    detail: str


def judge(evidence: AttemptEvidence) -> AttemptVerdict:
    """How an attempt ended."""
    if Ending.ABORTED in evidence.endings:
        return AttemptVerdict(AttemptOutcome.ABORTED, "a person aborted it")
    if evidence.exit_status == 0 and Ending.FAILURE not in evidence.endings:
        return AttemptVerdict(AttemptOutcome.SUCCEEDED, "it ended without an error")
    by_slurm = _by_slurm(evidence)
    if by_slurm:
        return by_slurm
    if evidence.lost_nodes:
        return AttemptVerdict(AttemptOutcome.LOST, f"lost: {', '.join(evidence.lost_nodes)}")
    if any(words in evidence.log for words in _LAUNCHER_LOST):
        return AttemptVerdict(AttemptOutcome.LOST, "mpirun lost a machine")
    if evidence.exit_status is None:
        return _silent(evidence)
    if Ending.SUCCESS in evidence.endings and Ending.FAILURE not in evidence.endings:
        return AttemptVerdict(
            AttemptOutcome.SUCCEEDED,
            f"the program succeeded, but its command ended with status {evidence.exit_status}",
        )
    return AttemptVerdict(
        AttemptOutcome.FAILED, f"its command ended with status {evidence.exit_status}"
    )


def _by_slurm(evidence: AttemptEvidence) -> AttemptVerdict | None:
    """What Slurm shows, or wrote into the log when it ended the job."""
    words = _ENDED_BY_SLURM.findall(evidence.log)
    # A step's end (an `srun` of the job's own) is not the job's, unless a machine was lost.
    counted = [reason for what, reason in words if what == "JOB" or "NODE FAILURE" in reason]
    reason = counted[-1].strip() if counted else None
    state = evidence.slurm_state
    if state in _LOST_STATES or evidence.slurm_reason == "NodeDown":
        return AttemptVerdict(AttemptOutcome.LOST, f"Slurm shows {state or evidence.slurm_reason}")
    if reason is not None and reason.startswith(("NODE FAILURE", "PREEMPTION")):
        return AttemptVerdict(
            AttemptOutcome.LOST, f"Slurm ended it because of {reason.split(',')[0].lower()}"
        )
    if state in ("TIMEOUT", "DEADLINE") or (reason or "").startswith("TIME LIMIT"):
        return AttemptVerdict(AttemptOutcome.TIME_LIMIT, "it reached the time limit of its queue")
    if state == "CANCELLED" or reason == "":
        return AttemptVerdict(AttemptOutcome.CANCELLED, "it was cancelled in Slurm (scancel)")
    if state == "OUT_OF_MEMORY":
        return AttemptVerdict(AttemptOutcome.FAILED, "its machine had too little memory")
    return None


def _silent(evidence: AttemptEvidence) -> AttemptVerdict:
    """An attempt whose script recorded no end."""
    if not evidence.slurm_state:
        if evidence.started:
            return AttemptVerdict(
                AttemptOutcome.LOST, "it ended without a record, and Slurm has removed it"
            )
        return AttemptVerdict(
            AttemptOutcome.CANCELLED, "it never started, and Slurm has removed it"
        )
    if evidence.started and evidence.slurm_state == "COMPLETED":
        return AttemptVerdict(AttemptOutcome.LOST, "its script ended without a record")
    return AttemptVerdict(AttemptOutcome.FAILED, f"Slurm shows {evidence.slurm_state}")


@dataclass(frozen=True)
class JobOver:
    """The job is over.

    Args:
        ending: How.
        detail: Why.
    """

    ending: Ending
    detail: str


@dataclass(frozen=True)
class Again:
    """Another attempt follows.

    Args:
        queues: Where, the best first.
        detail: Why there.
    """

    queues: tuple[str, ...]
    detail: str


def next_step(
    verdict: AttemptVerdict,
    attempts: Sequence[Attempt],
    partitions: Sequence[Partition],
    *,
    can_continue: bool,
) -> JobOver | Again:
    """What follows from the last attempt of a round.

    Args:
        verdict: How it ended.
        attempts: All attempts of the round, the ended one last, each with its outcome.
        partitions: The cluster's queues.
        can_continue: Whether the next attempt continues where this one ended; a job that has to
            start again would pay for every interruption in full.
    """
    if verdict.outcome is AttemptOutcome.SUCCEEDED:
        return JobOver(Ending.SUCCESS, verdict.detail)
    if verdict.outcome in (AttemptOutcome.ABORTED, AttemptOutcome.CANCELLED):
        return JobOver(Ending.ABORTED, verdict.detail)
    if verdict.outcome is not AttemptOutcome.LOST:
        return JobOver(Ending.FAILURE, verdict.detail)
    interruptions = 1 + sum(one.outcome == AttemptOutcome.LOST for one in attempts[:-1])
    if interruptions >= MOST_INTERRUPTIONS:
        return JobOver(
            Ending.FAILURE, f"{verdict.detail}; that was interruption {interruptions}, the last"
        )
    if _repeated(attempts) < SAME_END:
        return _elsewhere(interruptions, attempts, partitions, can_continue=can_continue)
    last = attempts[-1]
    on_demand = _on_demand_twin(attempts[0].queue, partitions)
    where = f"{verdict.detail}; attempts {attempts[-2].number} and {last.number} both ended so"
    if last.spot and on_demand:
        return Again((on_demand,), f"{where} in iteration {last.iteration}: now on demand")
    return JobOver(
        Ending.FAILURE,
        f"{where} in iteration {last.iteration}, so a third would too. The iteration may need "
        "more memory than a machine has",
    )


def _repeated(attempts: Sequence[Attempt]) -> int:
    """How many of the last attempts ended in the iteration and in the way of the last one."""
    last = attempts[-1]
    if last.iteration is None:
        return 0
    same = takewhile(
        lambda one: (one.iteration, one.outcome) == (last.iteration, last.outcome),
        reversed(attempts),
    )
    return len([*same])


def _elsewhere(
    interruptions: int,
    attempts: Sequence[Attempt],
    partitions: Sequence[Partition],
    *,
    can_continue: bool,
) -> Again:
    by_name = {one.name: one for one in partitions}
    last = attempts[-1]
    home = by_name.get(attempts[0].queue)
    on_demand = _on_demand_twin(attempts[0].queue, partitions)
    stated = f"interruption {interruptions}"
    if not last.spot:
        queues = _unique((last.queue, on_demand))
        return Again(queues, f"{stated}, on demand: again there")
    if not can_continue:
        return Again(
            _unique((on_demand, last.queue)),
            f"{stated}: on demand, because the job has to start again from its beginning",
        )
    if interruptions >= SPOT_INTERRUPTIONS:
        return Again(_unique((on_demand, last.queue)), f"{stated} on spot: now on demand")
    others = _other_spot(attempts, home, partitions)
    if others:
        return Again(_unique((*others, last.queue)), f"{stated}: another spot type")
    return Again((last.queue,), f"{stated}: spot again, there is no other type")


def _on_demand_twin(queue: str, partitions: Sequence[Partition]) -> str | None:
    home = next((one for one in partitions if one.name == queue), None)
    if home is None:
        return None
    return next(
        (one.name for one in partitions if not one.spot and one.queue_name == home.queue_name), None
    )


def _other_spot(
    attempts: Sequence[Attempt], home: Partition | None, partitions: Sequence[Partition]
) -> tuple[str, ...]:
    """Spot queues whose machines have not been tried and give the job as much memory.

    First those that are at least half as large as the job's own queue; among them another
    family, since types of one family run short together; then what is most alike in size.
    """
    if home is None:
        return ()
    tried = {one.instance_type for one in attempts}
    fitting = [
        one
        for one in partitions
        if one.spot and one.instance_type not in tried and _as_good(one, home)
    ]

    def unlikeness(one: Partition) -> tuple[bool, bool, bool, int]:
        more = _size(one) - _size(home)
        return (
            2 * _size(one) < _size(home),
            _family(one) == _family(home),
            more < 0,
            abs(more),
        )

    return tuple(one.name for one in sorted(fitting, key=unlikeness))


def _family(partition: Partition) -> str:
    return partition.instance_type.partition(".")[0]


def _size(partition: Partition) -> int:
    return partition.max_nodes * (partition.gpus or partition.vcpus)


def _as_good(other: Partition, home: Partition) -> bool:
    if bool(other.gpus) != bool(home.gpus) or other.exclusive != home.exclusive:
        return False
    if home.gpus:
        comparable = other.gpu_memory_gib is not None and home.gpu_memory_gib is not None
        if comparable and (other.gpu_memory_gib or 0) < (home.gpu_memory_gib or 0):
            return False
        return other.memory_gib / other.gpus >= home.memory_gib / home.gpus
    return other.memory_gib / other.vcpus >= home.memory_gib / home.vcpus


def _unique(names: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
