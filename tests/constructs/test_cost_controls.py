from __future__ import annotations

from decimal import Decimal

import pytest

from gotocloud.constructs.cost_controls import CostControls
from tests.constructs.samples import only, sample_stack

pytestmark = pytest.mark.cdk


def test_the_group_is_warned_at_50_80_and_100_per_cent_and_of_the_forecast() -> None:
    stack = sample_stack()
    CostControls(
        stack, "Costs", name="b", monthly_usd=Decimal(3000), alert_email="a@b.org", tags={}
    )
    budget = only(stack, "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 3000, "Unit": "USD"}
    assert budget["Budget"]["TimeUnit"] == "MONTHLY"
    alerts = budget["NotificationsWithSubscribers"]
    assert [
        (a["Notification"]["NotificationType"], a["Notification"]["Threshold"]) for a in alerts
    ] == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert all(
        a["Subscribers"] == [{"Address": "a@b.org", "SubscriptionType": "EMAIL"}] for a in alerts
    )


def test_the_groups_own_tags_are_cost_allocation_tags_too() -> None:
    costs = CostControls(
        sample_stack(),
        "Costs",
        name="b",
        monthly_usd=Decimal(1),
        alert_email="a@b.org",
        tags={"team": "x"},
    )
    assert costs.tag_keys == ("gtc:iam-user", "gtc:method", "gtc:project", "gtc:account", "team")


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        CostControls(
            sample_stack(),
            "Costs",
            name="b",
            monthly_usd=Decimal(0),
            alert_email="a@b.org",
            tags={},
        )
