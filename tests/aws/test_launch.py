"""A stack stands in the end, whatever there was of it and wherever the process died."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from gotocloud.aws.launch import LaunchError, settle
from gotocloud.aws.listener import Listener
from gotocloud.aws.removal import remove
from gotocloud.aws.stacks import StackEvent
from gotocloud.errors import GoToCloudError
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.diagnosis import Cause
from gotocloud.projects.plans import StackPlan
from tests.aws.scripted import (
    GONE,
    GOOD,
    REGION,
    Dies,
    Killed,
    ScriptedCfn,
    ScriptedCloud,
    Stack,
    failing,
)

NAME = "gotocloud-cluster-ann-p"
PLAN = StackPlan(NAME, REGION, "1", "https://releases/1", "role", {"A": "1"}, {"t": "1"})
QUIET = Listener(sleep=lambda _: None)
RETRY = "gotocloud start p"
CREATING = 3


def run(cfn: ScriptedCfn, callbacks: Listener = QUIET) -> dict[str, str]:
    return settle(ScriptedCloud(cfn), PLAN, callbacks, retry=RETRY)


def found(*path: str) -> ScriptedCfn:
    """A CloudFormation that has the stack already, in the first of these states."""
    stack = Stack(NAME, 1, list(path))
    stack.move()
    return ScriptedCfn(stacks=[stack], made=1)


def standing(cfn: ScriptedCfn) -> list[str]:
    return [one.status for one in cfn.stacks if one.status]


def test_a_stack_is_made_with_everything_of_its_plan() -> None:
    cfn = ScriptedCfn()
    assert run(cfn) == {"Number": "1"}
    given = cfn.stacks[0].given
    assert given["TemplateURL"] == PLAN.template_url
    assert given["RoleARN"] == PLAN.role_arn
    assert given["Parameters"] == [{"ParameterKey": "A", "ParameterValue": "1"}]
    assert given["Tags"] == [{"Key": "t", "Value": "1"}]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE"])
def test_a_stack_that_stands_is_left_alone(status: str) -> None:
    cfn = found(status)
    assert run(cfn) == {"Number": "1"}
    assert cfn.made == 1


def test_a_stack_that_is_being_made_is_waited_for() -> None:
    cfn = found(*GOOD)
    assert run(cfn) == {"Number": "1"}
    assert cfn.made == 1


@pytest.mark.parametrize(
    "path",
    [
        ("ROLLBACK_COMPLETE",),
        ("CREATE_FAILED",),
        ("ROLLBACK_FAILED",),
        ("DELETE_FAILED",),
        ("REVIEW_IN_PROGRESS",),
        ("ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"),
        ("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", ""),
    ],
)
def test_what_failed_before_is_cleared_and_made_again(path: tuple[str, ...]) -> None:
    cfn = found(*path)
    assert run(cfn) == {"Number": "2"}
    assert standing(cfn) == ["CREATE_COMPLETE"]


def test_a_stack_that_may_hold_data_is_never_touched() -> None:
    cfn = found("UPDATE_ROLLBACK_FAILED")
    with pytest.raises(GoToCloudError, match="left as it is"):
        run(cfn)
    assert standing(cfn) == ["UPDATE_ROLLBACK_FAILED"]


def test_a_failure_is_explained_and_nothing_of_it_is_left() -> None:
    cfn = ScriptedCfn(creations=[failing("The maximum number of addresses has been reached.")])
    with pytest.raises(LaunchError, match="nothing of it is billed") as caught:
        run(cfn)
    assert caught.value.cause is Cause.QUOTA
    assert "maximum number of addresses" in caught.value.problems[0]
    assert standing(cfn) == []


def test_a_rollback_that_cannot_be_removed_is_reported_as_still_billed() -> None:
    cfn = ScriptedCfn(
        creations=[failing("Internal Failure")],
        deletions=[("DELETE_IN_PROGRESS", "DELETE_FAILED|subnet has dependencies")],
    )
    with pytest.raises(GoToCloudError, match="may be billed") as caught:
        run(cfn)
    assert any("subnet has dependencies" in problem for problem in caught.value.problems)


def test_the_same_command_in_two_windows_makes_one_stack() -> None:
    cfn = ScriptedCfn()
    other = ScriptedCloud(cfn)

    def meanwhile() -> None:
        cfn.at_call = lambda: None
        other.cfn.create_stack(StackName=NAME)

    calls = count(1)
    # After the look at the stack, before its creation.
    cfn.at_call = lambda: meanwhile() if next(calls) == CREATING else None
    assert run(cfn) == {"Number": "1"}
    assert cfn.made == 1


def test_every_event_is_reported_once_even_of_a_quick_stack() -> None:
    seen: list[StackEvent] = []
    run(ScriptedCfn(creations=[("CREATE_COMPLETE",)]), Listener(event=seen.append))
    run(ScriptedCfn(), Listener(event=seen.append, sleep=lambda _: None))
    assert [event.status for event in seen] == [
        "CREATE_COMPLETE",
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]


def test_a_removal_does_not_report_again_how_the_stack_was_made() -> None:
    seen: list[StackEvent] = []
    cfn = found("CREATE_COMPLETE")
    stack = DeployedStack(NAME, "CREATE_COMPLETE", stack_id=cfn.stacks[0].stack_id)
    assert cfn.stacks[0].events
    remove(ScriptedCloud(cfn), stack, Listener(event=seen.append, sleep=lambda _: None))
    assert [event.status[:7] for event in seen] == ["DELETE_"] * len(seen) != []


def test_a_stack_that_is_not_there_is_removed_already() -> None:
    cfn = found(*GOOD)
    remove(ScriptedCloud(cfn), DeployedStack("gotocloud-cluster-of-another"), QUIET)
    assert standing(cfn) == ["CREATE_IN_PROGRESS"]


def test_a_wait_without_end_states_that_aws_goes_on() -> None:
    cfn = found(*["CREATE_IN_PROGRESS"] * 100)
    with pytest.raises(GoToCloudError, match="AWS goes on with it, and bills for it"):
        run(cfn, Listener(sleep=lambda _: None, stack_timeout_s=20))


def test_what_is_only_to_be_followed_is_never_launched() -> None:
    empty = StackPlan(NAME, REGION, "", "", "", {}, {})
    with pytest.raises(GoToCloudError, match="was removed while it was made"):
        settle(ScriptedCloud(ScriptedCfn()), empty, QUIET, retry=RETRY)


HISTORIES: dict[str, Callable[[], ScriptedCfn]] = {
    "nothing": ScriptedCfn,
    "being made": lambda: found(*GOOD),
    "rolled back": lambda: found("ROLLBACK_COMPLETE"),
    "rolling back": lambda: found("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"),
    "being removed": lambda: found(*GONE),
    "fails once": lambda: ScriptedCfn(creations=[failing("Internal Failure")]),
    "fails once and is hard to remove": lambda: ScriptedCfn(
        creations=[failing("Internal Failure")],
        deletions=[("DELETE_IN_PROGRESS", "DELETE_FAILED")],
    ),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_killed_anywhere_it_converges_when_run_again(history: str) -> None:
    """Before and after every call of CloudFormation; AWS goes on while nobody looks."""
    whole = Dies()
    cfn = HISTORIES[history]()
    cfn.at_call = whole
    for _ in range(3):
        try:
            run(cfn)
            break
        except GoToCloudError:
            continue
    assert standing(cfn) == ["CREATE_COMPLETE"]
    for point in range(whole.count):
        cfn = HISTORIES[history]()
        cfn.at_call = Dies(point)
        for _ in range(5):
            try:
                run(cfn)
                break
            except (Killed, GoToCloudError):
                continue
        assert standing(cfn) == ["CREATE_COMPLETE"], f"killed at {point}"
