from __future__ import annotations

import pytest

from gotocloud.proving.assumptions import Assumption, Here
from gotocloud.proving.stages import ProofStage
from gotocloud.proving.verdicts import ProbeAnswer, Verdict, judge


def row(here: Here = Here.CONFIRMS) -> Assumption:
    return Assumption(
        "id", ProofStage.GROUP, "It works.", "probe", "yes", "repair it", "docs", here
    )


@pytest.mark.parametrize("here", Here)
def test_on_aws_an_answer_counts_whatever_the_local_one_is_worth(here: Here) -> None:
    for agrees, verdict in ((True, Verdict.CONFIRMED), (False, Verdict.DIFFERS)):
        assert judge(row(here), ProbeAnswer("so", agrees), local=False).verdict is verdict


@pytest.mark.parametrize(
    ("here", "agrees", "verdict"),
    [
        (Here.CONFIRMS, True, Verdict.CONFIRMED),
        (Here.CONFIRMS, False, Verdict.DIFFERS),
        (Here.ANSWERS, True, Verdict.NOT_CONFIRMED_HERE),
        (Here.ANSWERS, False, Verdict.DIFFERS),
        (Here.ABSENT, True, Verdict.NOT_CONFIRMED_HERE),
        (Here.ANSWERS, None, Verdict.UNKNOWN),
    ],
)
def test_the_local_aws_confirms_only_what_is_not_our_own_model(
    here: Here, agrees: bool | None, verdict: Verdict
) -> None:
    assert judge(row(here), ProbeAnswer("so", agrees), local=True).verdict is verdict


def test_a_stage_that_was_not_run_is_not_reached() -> None:
    assert judge(row(), None, local=False).verdict is Verdict.NOT_REACHED


def test_a_difference_shows_the_remedy_of_the_answer_before_that_of_the_row() -> None:
    assert judge(row(), ProbeAnswer("no", agrees=False), local=False).remedy == "repair it"
    own = judge(row(), ProbeAnswer("no", False, "raise the quota"), local=False)
    assert own.remedy == "raise the quota"
    assert judge(row(), ProbeAnswer("yes", agrees=True), local=False).remedy == ""


def test_what_only_a_person_can_see_stays_unconfirmed_on_aws_as_well() -> None:
    judged = judge(row(Here.ABSENT), ProbeAnswer("look", None, person=True), local=False)
    assert judged.verdict is Verdict.NOT_CONFIRMED_HERE
    assert judged.remedy == "repair it"
