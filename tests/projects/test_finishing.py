from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gotocloud.contract.project_names import ProjectNames
from gotocloud.projects.finishing import Finish, Holdings, spent
from gotocloud.projects.states import State

NAMES = ProjectNames("ann", "222222222222", "p")


def cost(*amounts: str, unit: str = "USD") -> dict[str, Any]:
    return {
        "ResultsByTime": [
            {"Total": {"UnblendedCost": {"Amount": amount, "Unit": unit}}} for amount in amounts
        ]
    }


def test_costs_of_all_months_are_added_up() -> None:
    assert spent(cost("1.5", "2.25")) == Decimal("3.75")


@pytest.mark.parametrize("answer", [{}, cost("0", "0"), cost("3", unit="EUR")])
def test_costs_that_are_not_known_are_not_made_up(answer: dict[str, Any]) -> None:
    assert spent(answer) is None


def test_what_is_kept_and_what_is_deleted_is_reported() -> None:
    plan = Finish(NAMES, State.READY, "bucket", Holdings(1, 2, 0, 0, 5))
    assert "is DELETED with everything" in plan.lines(keep_data=False)[0]
    assert "is KEPT: 1 objects, 2 versions, 5 bytes" in plan.lines(keep_data=True)[0]
    assert plan.lines(keep_data=True)[2] == "cost so far: not known"


def test_a_project_without_stack_and_bucket_is_nothing() -> None:
    assert Finish(NAMES, State.ABSENT, "", None).nothing
    assert not Finish(NAMES, State.ABSENT, "bucket", None).nothing
