from __future__ import annotations

from typing import Any

import boto3
import pytest

from gotocloud.projects.states import State, state_of


def statuses() -> list[str]:
    status: Any = boto3.client("cloudformation", "us-east-1").meta.service_model.shape_for(
        "StackStatus"
    )
    return list(status.enum)


@pytest.mark.parametrize("status", statuses())
def test_every_status_that_aws_has_has_a_meaning(status: str) -> None:
    state = state_of(status)
    assert (state in {State.MAKING, State.ENDING}) == (
        status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
    )
    if status.startswith("UPDATE") and status.endswith("FAILED"):
        assert state is State.BROKEN


def test_a_stack_that_does_not_exist_is_absent() -> None:
    assert state_of(None) is State.ABSENT


def test_what_is_not_understood_is_left_alone() -> None:
    assert state_of("SOMETHING_NEW") is State.BROKEN
