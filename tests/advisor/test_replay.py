"""A replayed run, against a second program that steps from second to second."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gotocloud.advisor.idling import MOST_MINUTES, QueueGaps, idle_minutes, idle_usd
from gotocloud.advisor.paid import LOOK_S
from gotocloud.advisor.replay import ReplayJob, gaps_s, replay

USD = {"a": 1.0, "b": 8.5}

JOBS = st.lists(
    st.tuples(
        st.sampled_from(("", "a", "b")),
        st.integers(1, 3),
        st.integers(0, 400),
        st.sampled_from((0, 0, 5, 59, 60, 61, 300)),
    ),
    max_size=12,
)


def by_seconds(
    jobs: list[ReplayJob], idle_s: dict[str, float], boot_s: int
) -> tuple[int, float, int]:
    """Seconds, US dollars and starts: machines as counters of how long they have been idle."""
    clock, usd, starts = 0, 0.0, 0
    idle: dict[str, list[int]] = {name: [] for name in idle_s}

    def tick(seconds: float, busy: str = "", count: int = 0) -> None:
        nonlocal clock, usd
        for _ in range(int(seconds)):
            clock += 1
            for name, counters in idle.items():
                for place in range(len(counters)):
                    usd += USD[name] / 3600
                    working = name == busy and place < count
                    counters[place] = 0 if working else counters[place] + 1
                gone = [one for one in counters if one > idle_s[name]]
                # The second in which it is gone was counted; until Slurm looks it is paid.
                usd += len(gone) * (LOOK_S - 1) * USD[name] / 3600
                idle[name] = [one for one in counters if one <= idle_s[name]]

    for job in jobs:
        tick(job.pause_s)
        if not job.queue:
            tick(job.in_job_s)
            continue
        on = idle[job.queue]
        lacking = max(0, job.nodes - len(on))
        starts += lacking
        # Machines that wait for others belong to the job already.
        on[: job.nodes] = [0] * min(len(on), job.nodes)
        on.extend([0] * lacking)
        if job.nodes < len(on):
            on.sort(key=lambda one: one != 0)
        tick((boot_s if lacking else 0) + job.in_job_s, job.queue, job.nodes)
        on = idle[job.queue]
        on[: job.nodes] = [0] * job.nodes
    for name, counters in idle.items():
        usd += sum((idle_s[name] - one + LOOK_S) * USD[name] / 3600 for one in counters)
    return clock, usd, starts


@settings(deadline=None, max_examples=150)
@given(JOBS, st.integers(1, 5), st.integers(1, 3), st.sampled_from((0, 30, 273)))
def test_a_replay_is_that_of_machines_second_by_second(
    drawn: list[tuple[str, int, int, int]], minutes_a: int, minutes_b: int, boot_s: int
) -> None:
    jobs = [
        ReplayJob(f"job{n}", queue, nodes, seconds, USD.get(queue, 0), pause)
        for n, (queue, nodes, seconds, pause) in enumerate(drawn)
    ]
    idle_s = {"a": 60.0 * minutes_a, "b": 60.0 * minutes_b}
    found = replay(jobs, idle_s, boot_s=boot_s)
    clock, usd, starts = by_seconds(jobs, idle_s, boot_s)
    assert found.hours * 3600 == pytest.approx(clock)
    assert found.paid_usd == pytest.approx(usd, abs=1e-6)
    assert found.starts == starts


def sequence(gaps: list[float], usd: float, queue: str = "q") -> list[ReplayJob]:
    """Jobs of ten seconds with such gaps between them."""
    return [ReplayJob(f"job{n}", queue, 1, 10, usd, gap) for n, gap in enumerate([0.0, *gaps])]


@pytest.mark.parametrize("seed", range(12))
def test_the_idle_time_is_that_of_brute_force_over_replays(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # no secret
    gaps = [
        round(chance.choice((5, 40, 150, 400, 2500)) * chance.uniform(0.5, 1.5)) for _ in "x" * 25
    ]
    usd, boot_s = chance.uniform(0.5, 40), chance.choice((60, 273, 900))
    jobs = sequence([float(gap) for gap in gaps], usd)
    queue = QueueGaps(gaps_s(jobs)["q"], boot_s, usd)
    paid = {
        minutes: replay(jobs, {"q": 60.0 * minutes}, boot_s=boot_s).paid_usd
        for minutes in range(1, MOST_MINUTES + 1)
    }
    assert paid[idle_minutes([queue])] == pytest.approx(min(paid.values()))
    # Not only the best one: every difference is that of the replays.
    for minutes in (1, 7, 60):
        differs = idle_usd(queue, 60.0 * minutes) - idle_usd(queue, 60.0)
        assert differs == pytest.approx(paid[minutes] - paid[1], abs=1e-9)


def test_one_time_for_several_queues_is_that_of_brute_force_over_replays() -> None:
    near, far = sequence([90.0] * 9, 1.0, "near"), sequence([4000.0] * 9, 0.2, "far")
    queues = [QueueGaps(gaps_s(jobs)[name], 273, jobs[0].usd_per_node_hour)
              for name, jobs in (("near", near), ("far", far))]  # fmt: skip

    def paid(minutes: int) -> float:
        return sum(
            replay(jobs, {name: 60.0 * minutes}).paid_usd
            for name, jobs in (("near", near), ("far", far))
        )

    assert [idle_minutes([one]) for one in queues] == [2, 1]
    assert paid(idle_minutes(queues)) == pytest.approx(min(map(paid, range(1, 61))))


def test_gaps_without_memory_are_waited_for_only_if_they_are_shorter_than_a_start() -> None:
    """Exponential gaps: waiting pays for ever, or not at all; the break-even is the start."""
    chance = random.Random(5)  # noqa: S311  # no secret
    for mean, minutes in ((60.0, MOST_MINUTES), (1200.0, 1)):
        gaps = tuple(chance.expovariate(1 / mean) for _ in range(20_000))
        found = idle_minutes([QueueGaps(gaps, 273, 5.0)])
        assert (found > 5) if minutes > 1 else (found == 1)


def test_waiting_that_is_worth_something_keeps_cheap_machines_on_for_longer() -> None:
    gaps = (20.0,) * 5 + (500.0,) * 5
    small, large = QueueGaps(gaps, 273, 0.7), QueueGaps(gaps, 273, 60.0)
    assert idle_minutes([small]) == idle_minutes([large]) == 1
    assert idle_minutes([small], usd_per_hour_waited=20) == 9
    assert idle_minutes([large], usd_per_hour_waited=20) == 1
