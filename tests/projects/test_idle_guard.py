"""What the idle guard decides, whatever it sees and in whatever order."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.projects.idle_guard import (
    DEADLINE_WARNINGS_MINUTES,
    IDLE_MINUTES,
    LONGEST_RETRY_HOURS,
    MOST_GAP_MINUTES,
    SHORTEST_WARNING_MINUTES,
    WARNING_MINUTES,
    Action,
    Decision,
    Memory,
    decide,
    failed,
    still_used,
)
from gotocloud.projects.observation import Observation
from gotocloud.projects.pausing import UnfinishedJob

START_S = 1_800_000_000.0
JOB = UnfinishedJob("7", "RUNNING", "ubuntu", "refine3d", "2", "None", "Refine3D/job001/")


def quiet(minute: float, **changes: Any) -> Observation:
    """A head node on which nobody does anything."""
    given_: dict[str, Any] = {
        "at_s": START_S + 60 * minute,
        "boot": "b",
        "jobs": (),
        "desktops": 0,
        "shells": 0,
        "gpu_percent": 0,
        "cpu_s": 6 * minute,
        "network_bytes": int(6e4 * minute),
    }
    return Observation(**{**given_, **changes})


def at(minute: float) -> float:
    return START_S + 60 * minute


class Guard:
    """Looks again and again, and remembers."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.told: list[tuple[float, Decision]] = []

    def look(self, seen: Observation, deadline_s: float | None = None) -> Decision:
        kept = json.loads(json.dumps(self.memory.as_dict()))
        decision = decide(Memory.from_dict(kept), seen, deadline_s)
        self.memory = decision.memory
        self.told.append((seen.at_s, decision))
        return decision

    def times(self, action: Action) -> list[float]:
        return [(when - START_S) / 60 for when, one in self.told if one.action is action]


def test_an_idle_cluster_is_warned_once_and_then_paused() -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES + 5, 5):
        guard.look(quiet(minute))
    assert guard.times(Action.WARN) == [IDLE_MINUTES - WARNING_MINUTES]
    assert guard.times(Action.PAUSE) == [IDLE_MINUTES]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"jobs": (JOB,)}, "1 jobs, the first 7"),
        ({"jobs": None}, "Slurm does not report"),
        ({"desktops": 1}, "1 desktop is connected"),
        ({"desktops": None}, "DCV does not report"),
        ({"shells": 2}, "2 times a shell is open"),
        ({"shells": None}, "whether a shell"),
        ({"gpu_percent": 60}, "GPU is at 60 %"),
        ({"gpu_percent": None}, "load of the head node's GPU is unknown"),
        ({"cpu_s": 1e6}, "cores"),
        ({"cpu_s": None}, "load is not known"),
        ({"network_bytes": 10**12}, "MB/s"),
        ({"boot": "another"}, "restarted"),
    ],
)
def test_every_use_and_everything_unknown_keeps_the_cluster_and_begins_the_count_again(
    change: dict[str, Any], said: str
) -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES, 5):
        guard.look(quiet(minute))
    decision = guard.look(quiet(IDLE_MINUTES, **change))
    assert decision.action is Action.KEEP
    assert said in decision.message
    assert guard.memory.idle_since_s is None
    after = quiet(IDLE_MINUTES + 5)
    if "cpu_s" in change or "network_bytes" in change or "boot" in change:
        after = replace(after, **change)
    assert guard.look(after).action is Action.KEEP


def test_time_without_a_look_is_not_idle_time() -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES, 5):
        guard.look(quiet(minute))
    late = IDLE_MINUTES - 5 + MOST_GAP_MINUTES + 1
    assert guard.look(quiet(late)).message.startswith("idle for 0 of")


def test_a_clock_that_goes_back_begins_the_count_again() -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES, 5):
        guard.look(quiet(minute))
    assert guard.look(quiet(3)).message.startswith("idle for 0 of")


def test_a_cluster_with_a_time_stays_until_then_however_idle_it_is() -> None:
    guard, end = Guard(), 480
    for minute in range(0, end, 5):
        guard.look(quiet(minute), at(end))
    assert guard.times(Action.PAUSE) == []
    assert guard.times(Action.WARN) == [end - one for one in DEADLINE_WARNINGS_MINUTES]
    assert guard.look(quiet(end), at(end)).action is Action.PAUSE


def test_at_the_end_of_its_time_jobs_are_waited_for_and_no_more_let_in() -> None:
    guard, end = Guard(), 120
    for minute in range(0, end, 5):
        guard.look(quiet(minute, jobs=(JOB,), desktops=1), at(end))
    assert guard.look(quiet(end, jobs=(JOB,)), at(end)).action is Action.CLOSE
    waiting = guard.look(quiet(end + 5, jobs=(JOB,)), at(end))
    assert (waiting.action, waiting.reopen) == (Action.KEEP, False)
    assert "waiting for 1 jobs" in waiting.message
    # A connected desktop was warned, and does not hold up the end.
    assert guard.look(quiet(end + 10, desktops=1), at(end)).action is Action.PAUSE


def test_more_time_gives_the_queues_back() -> None:
    guard, end = Guard(), 120
    for minute in range(0, end, 5):
        guard.look(quiet(minute), at(end))
    guard.look(quiet(end, jobs=(JOB,)), at(end))
    longer = guard.look(quiet(end + 5, jobs=(JOB,)), at(end + 300))
    assert (longer.action, longer.reopen) == (Action.KEEP, True)
    assert not guard.look(quiet(end + 10), at(end + 300)).reopen


def test_a_time_that_was_over_before_anybody_was_warned_is_reported_first() -> None:
    guard = Guard()
    assert guard.look(quiet(0), at(-60)).action is Action.WARN
    assert guard.look(quiet(5), at(-60)).action is Action.KEEP
    assert guard.look(quiet(SHORTEST_WARNING_MINUTES), at(-60)).action is Action.PAUSE


def test_a_slurm_that_does_not_answer_at_the_end_keeps_the_cluster() -> None:
    guard = Guard()
    for minute in range(0, 300, 5):
        guard.look(quiet(minute, jobs=None), at(60))
    assert guard.times(Action.PAUSE) == guard.times(Action.CLOSE) == []


def test_a_pause_that_was_cut_off_is_undone_once_a_person_comes_back() -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES + 5, 5):
        guard.look(quiet(minute))
    assert guard.memory.closed
    back = guard.look(quiet(IDLE_MINUTES + 5, desktops=1))
    assert (back.action, back.reopen) == (Action.KEEP, True)


def test_a_pause_that_was_cut_off_is_repeated_while_no_one_comes_back() -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES + 5, 5):
        guard.look(quiet(minute))
    assert guard.look(quiet(IDLE_MINUTES + 5)).action is Action.PAUSE


def test_after_a_pause_that_failed_it_waits_longer_and_longer_but_goes_on_trying() -> None:
    guard, tries = Guard(), []
    for minute in range(0, 60 * 120, 5):
        if guard.look(quiet(minute)).action is Action.PAUSE:
            tries.append(minute)
            guard.memory = failed(guard.memory, quiet(minute), at(minute))
    waits = [(b - a) / 60 for a, b in pairwise(tries)]
    assert waits == [min(2**n, LONGEST_RETRY_HOURS) for n in range(len(waits))]
    assert len(waits) > 5


def test_a_person_who_comes_back_during_the_proof_stops_an_idle_pause_but_not_a_deadline() -> None:
    seen = quiet(0, desktops=1)
    assert still_used(seen, by_deadline=False) == ("1 desktop is connected",)
    assert still_used(seen, by_deadline=True) == ()
    # Proving itself keeps processor and network busy.
    assert still_used(quiet(0, cpu_s=1e9), by_deadline=False) == ()


looks = st.lists(
    st.tuples(
        st.sampled_from([1, 5, 5, 5, 5, 5, 19, 21, 200]),
        st.sampled_from([{}] * 12 + [{"desktops": 1}, {"jobs": (JOB,)}, {"jobs": None}]),
        st.sampled_from([None] * 5 + [-1000, 0, 30, 100]),
        st.booleans(),
    ),
    min_size=20,
    max_size=150,
)


@given(looks=looks, deadlines=st.booleans())
def test_nothing_is_paused_without_a_warning_or_while_it_is_used(
    looks: list[tuple[int, dict[str, Any], int | None, bool]], deadlines: bool
) -> None:
    guard, minute = Guard(), 0.0
    warned_at: float | None = None
    used_at = -1e9
    until: float | None = None
    for gap, change, left, fails in looks:
        minute += gap
        if deadlines and left is not None:
            until, warned_at = at(minute + left), None
        decision = guard.look(quiet(minute, **change), until)
        jobs = change.get("jobs", ())
        if change or gap > MOST_GAP_MINUTES:
            used_at = minute
            warned_at = warned_at if until else None
        if decision.action is Action.WARN:
            warned_at = minute if warned_at is None else warned_at
        if decision.action is Action.PAUSE:
            assert jobs == ()
            assert warned_at is not None
            assert minute - warned_at >= SHORTEST_WARNING_MINUTES
            if until is None:
                assert minute - used_at >= IDLE_MINUTES
            else:
                assert at(minute) >= until
            if fails:
                guard.memory = failed(guard.memory, quiet(minute), at(minute))
        if decision.action is Action.CLOSE:
            assert until is not None
            assert at(minute) >= until
        # What was closed stays remembered until it is given back or the cluster is paused.
        if guard.told[-2:-1] and guard.told[-2][1].memory.closed and not guard.memory.closed:
            assert decision.reopen or fails or guard.told[-2][1].action is Action.PAUSE


def test_warnings_before_the_end_show_how_long_is_left_and_how_to_keep_it() -> None:
    guard, end = Guard(), 480
    for minute in range(0, end, 5):
        guard.look(quiet(minute), at(end))
    told = [one.message for _, one in guard.told if one.action is Action.WARN]
    assert [text.split(". ")[0] for text in told] == [
        f"The time of this cluster ends in {one} minutes" for one in DEADLINE_WARNINGS_MINUTES
    ]
    assert all("gotocloud start --keep-for HOURS" in text for text in told)
    assert "ends now." in Guard().look(quiet(0), at(0)).message


@pytest.mark.parametrize(
    ("left", "text"), [(119, "119 minutes"), (120, "2.0 hours"), (300, "5.0 hours")]
)
def test_a_cluster_that_is_kept_shows_how_long(left: int, text: str) -> None:
    found = Guard().look(quiet(0), at(left))
    assert (found.action, found.message) == (Action.KEEP, f"kept for {text} more, idle or not")


def test_every_decision_at_the_end_has_its_reason() -> None:
    guard = Guard()
    guard.look(quiet(0), at(0))
    assert "just been warned" in guard.look(quiet(5), at(0)).message
    assert "Slurm does not report" in guard.look(quiet(6, jobs=None), at(0)).message
    closing = guard.look(quiet(7, jobs=(JOB,)), at(0))
    assert (closing.action, str(JOB) in closing.message) == (Action.CLOSE, True)
    assert "no job is left" in guard.look(quiet(SHORTEST_WARNING_MINUTES), at(0)).message


def test_a_warning_of_a_deadline_that_is_gone_does_not_count_for_idleness() -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES + 5, 5):
        guard.look(quiet(minute), at(IDLE_MINUTES + 10))
    assert guard.memory.warned_s is not None
    assert guard.look(quiet(IDLE_MINUTES + 5)).action is Action.WARN
    assert (guard.memory.deadline_s, guard.memory.warned_minutes) == (None, None)
    assert guard.memory.warned_s == at(IDLE_MINUTES + 5)


@pytest.mark.parametrize(("failures", "text"), [(1, "1 attempt"), (2, "2 attempts")])
def test_after_failed_pauses_it_shows_how_many_and_when_it_tries_again(
    failures: int, text: str
) -> None:
    guard = Guard()
    guard.look(quiet(0))
    for _ in range(failures):
        guard.memory = failed(guard.memory, quiet(0), at(0))
    assert guard.memory.closed is False
    found = guard.look(quiet(5))
    assert found.action is Action.KEEP
    assert text in found.message
    assert (f"{60 * 2 ** (failures - 1) - 5} minutes") in found.message


def test_use_clears_what_is_remembered_of_failures_and_warnings() -> None:
    guard = Guard()
    guard.look(quiet(0))
    guard.memory = replace(failed(guard.memory, quiet(0), at(0)), warned_s=at(0))
    used = guard.look(quiet(5, desktops=1))
    assert (used.action, used.memory.failures, used.memory.retry_s) == (Action.KEEP, 0, 0.0)
    assert used.memory.warned_s is None
