"""The idle guard where nothing shows whether a cluster is used: it keeps it, but not in silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gotocloud.projects.cluster_end import guard_notice
from gotocloud.projects.idle_guard import (
    ALARM_AGAIN_HOURS,
    DOUBT_HOURS,
    IDLE_MINUTES,
    LONGEST_RETRY_HOURS,
    Action,
    Memory,
    failed,
)
from gotocloud.projects.observation import AT_WORK, BUSY_PEOPLE_CORES, unseen
from tests.projects.test_idle_guard import JOB, Guard, at, quiet

DAY_MINUTES = 24 * 60
CONFIGURING = replace(JOB, state="CONFIGURING", reason="None")
WAITING = replace(JOB, state="PENDING", reason="Resources")


def alarms(guard: Guard) -> list[float]:
    """Hours after which people heard of it."""
    return [round((when - at(0)) / 3600, 1) for when, one in guard.told if one.alarm]


DOUBTS: list[tuple[str, dict[str, Any], str]] = [
    ("Slurm is down", {"jobs": None}, "Slurm does not report"),
    ("accounting is slow", {"jobs": None}, "Slurm does not report"),
    ("Lustre hangs", {"lustre": False}, "Lustre does not answer"),
    ("a job configures for hours", {"jobs": (CONFIGURING,)}, "configuring"),
    ("a job waits for machines that never come", {"jobs": (WAITING,)}, "pending, Resources"),
    ("DCV does not answer", {"desktops": None}, "DCV does not report"),
    ("the driver of the GPU is broken", {"gpu_percent": None}, "GPU is unknown"),
    ("the load cannot be read", {"cpu_s": None}, "load is not known"),
]


@pytest.mark.parametrize(
    ("change", "said"), [one[1:] for one in DOUBTS], ids=[one[0] for one in DOUBTS]
)
def test_in_doubt_a_cluster_is_never_paused_and_its_people_hear_of_it_in_time(
    change: dict[str, Any], said: str
) -> None:
    guard = Guard()
    for minute in range(0, 2 * DAY_MINUTES, 5):
        guard.look(quiet(minute, **change))
    assert guard.times(Action.PAUSE) == []
    assert alarms(guard) == [DOUBT_HOURS + ALARM_AGAIN_HOURS * n for n in range(4)]
    text = next(one.alarm for _, one in guard.told if one.alarm)
    assert said in text
    assert "gotocloud pause" in text


def test_a_look_at_which_nothing_could_be_seen_is_doubt_too() -> None:
    guard = Guard()
    for minute in range(0, 3 * 60, 5):
        assert guard.look(unseen(at(minute))).action is Action.KEEP
    assert alarms(guard) == [DOUBT_HOURS]


@pytest.mark.parametrize("state", sorted(AT_WORK))
def test_a_job_that_runs_for_days_is_use_and_no_alarm(state: str) -> None:
    guard = Guard()
    for minute in range(0, 2 * DAY_MINUTES, 5):
        guard.look(quiet(minute, jobs=(replace(JOB, state=state),)))
    assert (guard.times(Action.PAUSE), alarms(guard)) == ([], [])


def test_people_at_work_silence_the_alarm_also_while_slurm_is_down() -> None:
    guard = Guard()
    for minute in range(0, DAY_MINUTES, 5):
        guard.look(quiet(minute, jobs=None, desktops=1))
    assert alarms(guard) == []


@pytest.mark.parametrize("change", [{"jobs": None}, {"lustre": False}])
def test_a_cluster_that_is_kept_on_purpose_alarms_only_after_its_hours(
    change: dict[str, Any],
) -> None:
    guard = Guard()
    for minute in range(0, DAY_MINUTES, 5):
        guard.look(quiet(minute, **change), deadline_s=at(10 * 60))
    assert alarms(guard) == [10.0 + DOUBT_HOURS]
    assert guard.times(Action.PAUSE) == []


def test_pauses_that_fail_again_and_again_are_heard_of() -> None:
    guard = Guard()
    for minute in range(0, 2 * DAY_MINUTES, 5):
        decision = guard.look(quiet(minute))
        if decision.action is Action.PAUSE:
            guard.memory = failed(decision.memory, quiet(minute), at(minute))
    assert len(guard.times(Action.PAUSE)) > 3
    assert alarms(guard)
    assert alarms(guard)[0] <= IDLE_MINUTES / 60 + DOUBT_HOURS + 0.2
    assert "attempts to pause failed" in next(one.alarm for _, one in guard.told if one.alarm)


def test_when_it_is_over_the_next_doubt_begins_to_count_again() -> None:
    guard = Guard()
    for minute in range(0, 110, 5):
        guard.look(quiet(minute, jobs=None))
    guard.look(quiet(110))
    for minute in range(115, 115 + 110, 5):
        guard.look(quiet(minute, jobs=None))
    assert alarms(guard) == []


@pytest.mark.parametrize("where", ["screen", "tmux", "nohup", "a desktop"])
def test_a_local_computation_that_waits_for_files_most_of_the_time_is_use(where: str) -> None:
    """Its cores are below what the whole machine's load would show."""
    guard = Guard()
    for minute in range(0, DAY_MINUTES, 5):
        used_s = 60 * minute * BUSY_PEOPLE_CORES * 1.5
        guard.look(quiet(minute, people_cpu_s=used_s))
    assert guard.times(Action.PAUSE) == []
    assert "programs of people use 0.15 cores" in guard.told[-1][1].message
    assert alarms(guard) == []


def test_a_desktops_session_without_a_viewer_is_no_use() -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES + 5, 5):
        guard.look(quiet(minute, people_cpu_s=60 * minute * BUSY_PEOPLE_CORES * 0.5))
    assert guard.times(Action.PAUSE) == [IDLE_MINUTES]


def test_programs_that_end_take_their_time_with_them_and_nothing_is_used() -> None:
    guard = Guard()
    for minute in range(0, IDLE_MINUTES + 5, 5):
        guard.look(quiet(minute, people_cpu_s=10_000.0 - minute))
    assert guard.times(Action.PAUSE) == [IDLE_MINUTES]


def test_a_clock_that_jumps_pauses_nothing_early_and_delays_nothing_for_ever() -> None:
    guard = Guard()
    guard.memory = replace(Memory(), failures=3, retry_s=at(10**7))
    minutes = [*range(0, 60, 5), *range(10_000, 10_060, 5), *range(60, 100, 5)]
    for minute in minutes:
        guard.look(quiet(minute))
    assert guard.times(Action.PAUSE) == []
    for minute in range(100, 100 + (LONGEST_RETRY_HOURS + 3) * 60, 5):
        guard.look(quiet(minute))
    assert guard.times(Action.PAUSE)


def test_a_memory_of_an_earlier_release_is_read() -> None:
    kept = Memory(last=quiet(0)).as_dict()
    for name in ("doubtful_since_s", "alarm_s"):
        del kept[name]
    for name in ("people_cpu_s", "lustre"):
        del kept["last"][name]
    assert Memory.from_dict(kept) == Memory(last=quiet(0))


@pytest.mark.parametrize("kept", [None, b"", b"[]", b"nonsense", b'{"stack_id": "other"}'])
def test_no_notice_or_that_of_another_cluster_states_nothing(kept: bytes | None) -> None:
    assert guard_notice("mine", kept) == ""
