"""What is paid: against a simulation of machines, and against brute force over catalogues."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from gotocloud.advisor.advice import Question, advise
from gotocloud.advisor.paid import (
    BOOT_S,
    INTERRUPTIONS_PER_NODE_HOUR,
    PASSES,
    TAIL_S,
    Overhead,
    overhead_of,
    paid,
)
from gotocloud.advisor.preference import Priority, preference
from gotocloud.advisor.records import BenchmarkRecord
from tests.advisor.measured import record


def simulated(
    chance: random.Random, in_job_s: float, nodes: int, around: Overhead, *, resumes: bool
) -> tuple[float, float]:
    """Seconds until the end and paid machine-seconds of one job, event by event."""
    rate = nodes * around.interruptions_per_node_hour / 3600
    clock = around.boot_s
    done = 0.0
    step = in_job_s / PASSES
    while True:
        until = chance.expovariate(rate) if rate else float("inf")
        if until >= in_job_s - done:
            clock += in_job_s - done
            break
        clock += until + around.boot_s
        # What was written last is kept; the iteration that ran is repeated.
        done = step * ((done + until) // step) if resumes else 0.0
    return clock, nodes * (clock + around.tail_s)


@pytest.mark.parametrize("resumes", [True, False])
@pytest.mark.parametrize("rate", [0.0, 3e-4, 0.02, 0.1])
def test_the_expected_time_and_cost_are_those_of_simulated_machines(
    rate: float, resumes: bool
) -> None:
    chance = random.Random(1)  # noqa: S311  # no secret
    around = Overhead(270, 600, interruptions_per_node_hour=rate)
    runs = [simulated(chance, 7200, 4, around, resumes=resumes) for _ in range(8000)]
    found = paid(7200, 4, around, resumes=resumes)
    assert found.hours * 3600 == pytest.approx(fmean(clock for clock, _ in runs), rel=0.02)
    assert found.node_seconds == pytest.approx(fmean(spent for _, spent in runs), rel=0.02)


def catalogue(chance: random.Random) -> list[BenchmarkRecord]:
    """Runs of one work on random machines with prices of their own, some with clocks."""
    return [
        record(
            instance_type=f"x{number}.large",
            nodes=chance.randint(1, 9),
            gpus=None,
            ranks=9,
            in_job_s=chance.uniform(200, 20_000),
            usd_per_node_hour=chance.uniform(0.2, 60),
            market=market,
            boot_s=chance.choice((None, chance.uniform(60, 900))),
            idle_tail_s=chance.choice((None, chance.uniform(0, 1200))),
        )
        for number, market in enumerate(
            chance.choice([["on-demand"], ["spot"]]) * chance.randint(1, 8)
        )
    ]


def by_hand(runs: list[BenchmarkRecord], choice: Priority, *, spot: bool) -> str:
    """The best instance type, by plain loops and another formula for interruptions."""
    boots = sorted(r.boot_s for r in runs if r.boot_s is not None)
    tails = sorted(r.idle_tail_s for r in runs if r.idle_tail_s is not None)

    def middle(values: list[float], usual: float) -> float:
        if not values:
            return usual
        half = len(values) // 2
        return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2

    best, least = "", float("inf")
    for run in runs:
        boot = run.boot_s if run.boot_s is not None else middle(boots, BOOT_S)
        tail = run.idle_tail_s if run.idle_tail_s is not None else middle(tails, TAIL_S)
        running, again = run.in_job_s, 0.0
        if spot:
            # A series instead of its sum: each repeated piece may be interrupted as well.
            piece = run.in_job_s
            for _ in range(40):
                times = run.nodes * INTERRUPTIONS_PER_NODE_HOUR * piece / 3600
                again += times
                piece = times * run.in_job_s / 50
                running += piece
        hours = (boot + running + again * boot) / 3600
        usd = run.nodes * (run.usd_per_node_hour or 0) * (hours + tail / 3600)
        if choice is Priority.PAPER:
            hours, usd = (
                run.in_job_s / 3600,
                run.in_job_s / 3600 * run.nodes * (run.usd_per_node_hour or 0),
            )
        score = {
            Priority.SPEED: hours,
            Priority.COST: usd,
        }.get(choice, (2 * hours) ** 2 + (usd / 10) ** 2)
        if score < least:
            best, least = run.instance_type, score
    return best


@pytest.mark.parametrize("choice", list(Priority))
def test_the_choice_is_that_of_brute_force_over_random_catalogues(choice: Priority) -> None:
    chance = random.Random(choice.value)  # noqa: S311  # no secret
    for _ in range(120):
        runs = catalogue(chance)
        spot = runs[0].market == "spot"
        question = Question("refine3d", preference=preference(priority=choice), spot=spot)
        best = advise(question, runs).best
        assert best is not None
        assert best.shape.instance_type == by_hand(runs, choice, spot=spot)


def test_boots_and_tails_can_turn_the_choice_and_the_papers_criterion_ignores_them() -> None:
    wide = record(instance_type="g5.12xlarge", nodes=8, gpus=32, ranks=33, in_job_s=120)
    small = record(instance_type="g6.4xlarge", nodes=1, gpus=1, ranks=3, in_job_s=1800)
    chosen = {
        choice: advise(
            Question("refine3d", preference=preference(priority=choice)), [wide, small]
        ).best
        for choice in ("cost", "paper")
    }
    assert chosen["paper"]
    assert chosen["paper"].shape.nodes == 8
    assert chosen["cost"]
    assert chosen["cost"].shape.nodes == 1


def test_failed_attempts_count_as_often_as_they_happened() -> None:
    runs = [record(in_job_s=3000.0), record(in_job_s=1000.0, outcome="failed")]
    around = overhead_of(runs, "g4dn.metal", spot=False)
    assert around.lost_share == pytest.approx(1 / 3)
    assert paid(3600, 1, around).hours * 3600 == pytest.approx(BOOT_S + 4800)


def test_interruptions_are_learned_from_own_spot_runs() -> None:
    runs = [record(market="spot", attempts=3, in_job_s=36_000.0, nodes=2)]
    around = overhead_of(runs, "g4dn.metal", spot=True)
    assert around.interruptions_per_node_hour == pytest.approx(2 / 20)
    assert overhead_of([], "x", spot=True).interruptions_per_node_hour == pytest.approx(3.06e-4)
    assert overhead_of(runs, "g4dn.metal", spot=False).interruptions_per_node_hour == 0
