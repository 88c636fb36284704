"""What the state of a CloudFormation stack means for a scientist."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What can be done about a stack."""

    ABSENT = "absent"
    MAKING = "being made"
    READY = "ready"
    ENDING = "being removed"
    FAILED = "failed"
    """Never became ready, or could not be removed."""

    BROKEN = "broken"
    """Was ready once; whether it may be removed is for people to decide."""


NEVER_READY = frozenset(
    {
        "CREATE_FAILED",
        "CREATE_IN_PROGRESS",
        "REVIEW_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "ROLLBACK_IN_PROGRESS",
    }
)
"""Statuses of stacks in which nothing can have been written yet."""

_STATES = {
    "CREATE_COMPLETE": State.READY,
    "CREATE_FAILED": State.FAILED,
    "CREATE_IN_PROGRESS": State.MAKING,
    "DELETE_COMPLETE": State.ABSENT,
    "DELETE_FAILED": State.FAILED,
    "DELETE_IN_PROGRESS": State.ENDING,
    "IMPORT_COMPLETE": State.READY,
    "IMPORT_IN_PROGRESS": State.MAKING,
    "IMPORT_ROLLBACK_COMPLETE": State.READY,
    "IMPORT_ROLLBACK_FAILED": State.BROKEN,
    "IMPORT_ROLLBACK_IN_PROGRESS": State.MAKING,
    # A change set was made and never carried out: the stack is empty.
    "REVIEW_IN_PROGRESS": State.FAILED,
    "ROLLBACK_COMPLETE": State.FAILED,
    "ROLLBACK_FAILED": State.FAILED,
    "ROLLBACK_IN_PROGRESS": State.ENDING,
    "UPDATE_COMPLETE": State.READY,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": State.MAKING,
    "UPDATE_FAILED": State.BROKEN,
    "UPDATE_IN_PROGRESS": State.MAKING,
    "UPDATE_ROLLBACK_COMPLETE": State.READY,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": State.MAKING,
    "UPDATE_ROLLBACK_FAILED": State.BROKEN,
    "UPDATE_ROLLBACK_IN_PROGRESS": State.MAKING,
}


def state_of(status: str | None) -> State:
    """The state behind CloudFormation's status; None is a stack that does not exist.

    A status that is not known is `BROKEN`: nothing is removed that is not understood.
    """
    return State.ABSENT if status is None else _STATES.get(status, State.BROKEN)
