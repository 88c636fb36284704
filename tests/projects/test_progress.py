from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gotocloud.projects.progress import (
    KEPT_RUNS,
    Making,
    advance,
    line,
    remember,
    remembered,
    time_left_s,
)

STATUSES = [
    "CREATE_IN_PROGRESS",
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "DELETE_IN_PROGRESS",
    "DELETE_COMPLETE",
    "DELETE_FAILED",
    "DELETE_SKIPPED",
]
events = st.lists(
    st.tuples(
        st.sampled_from("abcde"),
        st.sampled_from(["AWS::FSx::FileSystem", "AWS::EC2::EIP", "AWS::CloudFormation::Stack"]),
        st.sampled_from(STATUSES),
    )
)
seconds = st.floats(0.1, 5000)


@given(events)
def test_the_share_stays_between_nothing_and_all(told: list[tuple[str, str, str]]) -> None:
    making = Making(5)
    for event in told:
        making = advance(making, *event)
        assert 0 <= making.share <= 1
        assert not making.done & set(making.current)


def test_a_stack_that_is_made_ends_at_the_whole() -> None:
    making = Making(2)
    for name in ("a", "b"):
        making = advance(making, name, "AWS::EC2::EIP", "CREATE_IN_PROGRESS")
        making = advance(making, name, "AWS::EC2::EIP", "CREATE_COMPLETE")
    assert making.share == 1


def test_a_rollback_takes_back_what_was_made() -> None:
    making = advance(Making(2), "a", "AWS::EC2::EIP", "CREATE_COMPLETE")
    making = advance(making, "s", "AWS::CloudFormation::Stack", "ROLLBACK_IN_PROGRESS")
    making = advance(making, "a", "AWS::EC2::EIP", "DELETE_IN_PROGRESS")
    assert making.what == "removing an address"
    assert advance(making, "a", "AWS::EC2::EIP", "DELETE_COMPLETE").share == 0


def test_the_line_states_what_is_being_made() -> None:
    making = advance(Making(18), "l", "AWS::FSx::FileSystem", "CREATE_IN_PROGRESS")
    assert line(making, 130, ()) == "0 of 18, making the Lustre file system (2 min)"


def test_what_was_never_counted_is_reported_without_a_count() -> None:
    making = advance(Making(0), "s", "AWS::CloudFormation::Stack", "DELETE_IN_PROGRESS")
    making = advance(making, "b", "AWS::S3::Bucket", "DELETE_IN_PROGRESS")
    assert line(making, 3, ()) == "removing the bucket (3 s)"


def test_time_left_is_reported_only_when_it_was_learned() -> None:
    making = Making(1)
    assert "left" not in line(making, 10, ())
    assert "about 5 min left" in line(making, 300, [600, 590, 620])
    assert "left" not in line(making, 700, [600, 590, 620])


@given(st.lists(seconds), seconds)
def test_time_left_is_never_negative(earlier: list[float], elapsed: float) -> None:
    left = time_left_s(earlier, elapsed)
    assert left is None or left >= 0


@given(st.text())
def test_an_unreadable_memory_is_an_empty_one(text: str) -> None:
    assert isinstance(remembered(text), dict)


@given(st.lists(seconds, min_size=1, max_size=20))
def test_the_latest_runs_are_remembered(runs: list[float]) -> None:
    text = ""
    for one in runs:
        text = remember(remembered(text), "spa us-east-1", one)
    kept = remembered(text)["spa us-east-1"]
    assert kept == [round(one, 1) for one in runs[-KEPT_RUNS:]]
