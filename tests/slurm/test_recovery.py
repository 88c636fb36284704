"""What an ended attempt was, and where its job goes on."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gotocloud.cluster_configs.model import load_configuration
from gotocloud.cluster_configs.partitions import Partition, configured_partitions
from gotocloud.slurm.recovery import (
    MOST_INTERRUPTIONS,
    SPOT_INTERRUPTIONS,
    Again,
    AttemptEvidence,
    AttemptOutcome,
    AttemptVerdict,
    JobOver,
    judge,
    next_step,
)
from gotocloud.slurm.submissions import Attempt, AttemptState
from gotocloud.slurm.workload import Ending

CONFIGURATION = load_configuration("cryoem-spa")
PARTITIONS = configured_partitions(
    CONFIGURATION,
    {name for queue in CONFIGURATION.queues for name in queue.instance_types}
    | set(CONFIGURATION.head_node.instance_types),
)
BY_NAME = {one.name: one for one in PARTITIONS}
LOST = AttemptVerdict(AttemptOutcome.LOST, "lost: a machine")
KILLED = "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-22T19:00:15"


def attempt(queue: str, outcome: AttemptOutcome = AttemptOutcome.LOST, number: int = 1) -> Attempt:
    partition = BY_NAME[queue]
    return Attempt(
        number=number,
        round=1,
        token="t",
        queue=queue,
        layout=(1,),
        ranks=1,
        threads=1,
        vcpus=partition.vcpus,
        instance_type=partition.instance_type,
        spot=partition.spot,
        state=AttemptState.ENDED,
        outcome=outcome.value,
    )


RAN = AttemptEvidence(exit_status=1, started=True)


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (
            replace(RAN, exit_status=0, endings=frozenset({Ending.SUCCESS})),
            AttemptOutcome.SUCCEEDED,
        ),
        (replace(RAN, exit_status=0), AttemptOutcome.SUCCEEDED),
        (replace(RAN, exit_status=0, endings=frozenset({Ending.FAILURE})), AttemptOutcome.FAILED),
        (replace(RAN, endings=frozenset({Ending.SUCCESS})), AttemptOutcome.SUCCEEDED),
        (replace(RAN, endings=frozenset({Ending.SUCCESS, Ending.FAILURE})), AttemptOutcome.FAILED),
        (RAN, AttemptOutcome.FAILED),
        (replace(RAN, endings=frozenset({Ending.ABORTED})), AttemptOutcome.ABORTED),
        # RELION writes FAILURE when a rank does not answer, for example on a machine that died.
        (
            replace(RAN, endings=frozenset({Ending.FAILURE}), lost_nodes=("n2",)),
            AttemptOutcome.LOST,
        ),
        (
            replace(RAN, endings=frozenset({Ending.SUCCESS}), lost_nodes=("n2",)),
            AttemptOutcome.LOST,
        ),
        (
            replace(RAN, log="ORTE has lost communication with a remote daemon."),
            AttemptOutcome.LOST,
        ),
        (
            replace(RAN, log=f"{KILLED} DUE TO NODE FAILURE, SEE SLURMCTLD LOG ***"),
            AttemptOutcome.LOST,
        ),
        (replace(RAN, log=f"{KILLED} DUE TO TIME LIMIT ***"), AttemptOutcome.TIME_LIMIT),
        (replace(RAN, log=f"{KILLED} ***"), AttemptOutcome.CANCELLED),
        (replace(RAN, slurm_reason="NodeDown"), AttemptOutcome.LOST),
        (
            AttemptEvidence(exit_status=None, started=True, slurm_state="NODE_FAIL"),
            AttemptOutcome.LOST,
        ),
        (
            AttemptEvidence(exit_status=None, started=False, slurm_state="BOOT_FAIL"),
            AttemptOutcome.LOST,
        ),
        (
            AttemptEvidence(exit_status=None, started=True, slurm_state="TIMEOUT"),
            AttemptOutcome.TIME_LIMIT,
        ),
        (
            AttemptEvidence(exit_status=None, started=True, slurm_state="CANCELLED"),
            AttemptOutcome.CANCELLED,
        ),
        (
            AttemptEvidence(exit_status=None, started=False, slurm_state="CANCELLED"),
            AttemptOutcome.CANCELLED,
        ),
        (
            AttemptEvidence(exit_status=None, started=True, slurm_state="OUT_OF_MEMORY"),
            AttemptOutcome.FAILED,
        ),
        (
            AttemptEvidence(exit_status=None, started=False, slurm_state="FAILED"),
            AttemptOutcome.FAILED,
        ),
        (AttemptEvidence(exit_status=None, started=True), AttemptOutcome.LOST),
        (AttemptEvidence(exit_status=None, started=False), AttemptOutcome.CANCELLED),
    ],
)
def test_evidence_leads_to_an_outcome(evidence: AttemptEvidence, outcome: AttemptOutcome) -> None:
    assert judge(evidence).outcome is outcome


def test_only_the_last_end_in_the_log_counts() -> None:
    log = f"{KILLED} DUE TO NODE FAILURE ***\n{KILLED} ***"
    assert judge(replace(RAN, log=log)).outcome is AttemptOutcome.CANCELLED


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (AttemptOutcome.SUCCEEDED, Ending.SUCCESS),
        (AttemptOutcome.ABORTED, Ending.ABORTED),
        (AttemptOutcome.CANCELLED, Ending.ABORTED),
        (AttemptOutcome.FAILED, Ending.FAILURE),
        (AttemptOutcome.TIME_LIMIT, Ending.FAILURE),
        (AttemptOutcome.REFUSED, Ending.FAILURE),
    ],
)
def test_everything_but_a_lost_machine_is_final(outcome: AttemptOutcome, ending: Ending) -> None:
    step = next_step(
        AttemptVerdict(outcome, "so"), [attempt("class2d-spot")], PARTITIONS, can_continue=True
    )
    assert step == JobOver(ending, "so")


def chain(queue: str, *, can_continue: bool = True) -> list[str]:
    """The queues of a job whose machines are always lost."""
    attempts = [attempt(queue)]
    while True:
        step = next_step(LOST, attempts, PARTITIONS, can_continue=can_continue)
        if isinstance(step, JobOver):
            assert step.ending is Ending.FAILURE
            return [one.queue for one in attempts]
        attempts.append(attempt(step.queues[0], number=len(attempts) + 1))


def ended_in(iteration: int | None, queue: str, number: int) -> Attempt:
    return replace(attempt(queue, number=number), iteration=iteration)


@pytest.mark.parametrize(
    ("queue", "iterations", "ends"),
    [
        ("class2d", (7, 7), True),
        ("class2d", (3, 7, 7), True),
        # It got further, or nothing shows where it ended.
        ("class2d", (7, 8), False),
        ("class2d", (7, 8, 7), False),
        ("class2d", (None, None), False),
        ("class2d", (7,), False),
        # Spot machines are taken away: the next one is on demand.
        ("class2d-spot", (7, 7), False),
    ],
)
def test_two_attempts_that_end_in_one_iteration_are_not_repeated(
    queue: str, iterations: tuple[int | None, ...], ends: bool
) -> None:
    attempts = [ended_in(one, queue, number) for number, one in enumerate(iterations, 1)]
    step = next_step(LOST, attempts, PARTITIONS, can_continue=True)
    assert isinstance(step, JobOver) == ends
    if isinstance(step, JobOver):
        first, second = len(iterations) - 1, len(iterations)
        assert step.ending is Ending.FAILURE
        assert f"attempts {first} and {second} both ended so in iteration 7" in step.detail


def test_two_spot_attempts_that_end_in_one_iteration_are_followed_by_one_on_demand() -> None:
    attempts = [ended_in(7, "class2d-spot", 1), ended_in(7, "class3d-spot", 2)]
    step = next_step(LOST, attempts, PARTITIONS, can_continue=True)
    assert isinstance(step, Again)
    assert step.queues == ("class2d",)
    attempts.append(ended_in(7, "class2d", 3))
    assert isinstance(next_step(LOST, attempts, PARTITIONS, can_continue=True), JobOver)


def test_three_interruptions_end_on_demand() -> None:
    assert chain("class2d-spot") == [
        "class2d-spot",
        "class3d-spot",
        "refine3d-spot",
        *["class2d"] * 3,
    ]


@pytest.mark.parametrize("queue", sorted(BY_NAME))
@pytest.mark.parametrize("can_continue", [True, False])
def test_every_chain_ends(queue: str, can_continue: bool) -> None:
    queues = chain(queue, can_continue=can_continue)
    assert len(queues) == MOST_INTERRUPTIONS
    home = BY_NAME[queue]
    paid = [name for name in queues if not BY_NAME[name].spot]
    assert set(paid) == {home.queue_name}
    assert queues[SPOT_INTERRUPTIONS:] == paid[-(MOST_INTERRUPTIONS - SPOT_INTERRUPTIONS) :]


def test_a_job_that_must_start_again_goes_on_demand_at_once() -> None:
    assert chain("polish-spot", can_continue=False)[:2] == ["polish-spot", "polish"]


@pytest.mark.parametrize("queue", sorted(name for name in BY_NAME if name.endswith("-spot")))
def test_another_type_gives_a_job_no_less_memory(queue: str) -> None:
    step = next_step(LOST, [attempt(queue)], PARTITIONS, can_continue=True)
    assert isinstance(step, Again)
    home = BY_NAME[queue]
    for other in (BY_NAME[name] for name in step.queues):
        assert other.spot
        assert bool(other.gpus) == bool(home.gpus)
        assert (other.gpu_memory_gib or 0) >= (home.gpu_memory_gib or 0)
        share, own = other.gpus or other.vcpus, home.gpus or home.vcpus
        assert other.memory_gib / share >= home.memory_gib / own


def test_no_type_is_tried_twice_while_there_is_another() -> None:
    for queue in (name for name, one in BY_NAME.items() if one.spot):
        first, second, third = (BY_NAME[name].instance_type for name in chain(queue)[:3])
        others = {name for step in _others(queue) for name in [BY_NAME[step].instance_type]} - {
            first
        }
        assert (second != first) == bool(others)
        assert (third not in (first, second)) == (len(others) > 1)


def _others(queue: str) -> tuple[str, ...]:
    step = next_step(LOST, [attempt(queue)], PARTITIONS, can_continue=True)
    assert isinstance(step, Again)
    return step.queues


def test_attempts_that_slurm_refused_are_no_interruptions() -> None:
    attempts = [
        attempt("class2d-spot", AttemptOutcome.REFUSED),
        attempt("class2d-spot", AttemptOutcome.REFUSED),
        attempt("class2d-spot"),
    ]
    step = next_step(LOST, attempts, PARTITIONS, can_continue=True)
    assert isinstance(step, Again)
    assert step.detail.startswith("interruption 1:")


def test_a_queue_that_is_gone_is_no_reason_to_give_up() -> None:
    gone = replace(attempt("class2d-spot"), queue="former-spot")
    step = next_step(LOST, [gone], PARTITIONS, can_continue=True)
    assert isinstance(step, Again)
    assert step.queues == ("former-spot",)


def test_any_history_leads_somewhere() -> None:
    small: tuple[Partition, ...] = PARTITIONS[:6]
    names = [one.name for one in small]
    for history in itertools.product(names, repeat=3):
        step = next_step(LOST, [attempt(name) for name in history], small, can_continue=True)
        assert isinstance(step, Again)
        assert step.queues
