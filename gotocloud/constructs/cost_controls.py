"""A budget that warns, and the tags by which costs are distinguished."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from gotocloud.contract.tags import COST_TAGS

PERCENTAGES = (50, 80, 100)
"""Shares of the budget at which the group gets a message."""


class CostControls(Construct):
    """A monthly budget of a group's account, with alerts by e-mail.

    Nothing is stopped. Alerts come at 50, 80 and 100 per cent of what was spent, and when
    AWS forecasts more than 100 per cent for the month.

    The tags become columns of the cost report once they are activated. Only the
    account that pays can do that, and only a day after a tag was first seen on something
    that costs money; so the stack cannot, and its output `CostAllocationTags` names the
    keys for docs/cost-allocation-tags.md.

    Args:
        name: Name of the budget.
        monthly_usd: What the group means to spend in a month, in USD.
        alert_email: Who gets the messages.
        tags: The group's own tags, besides those of every project.

    Raises:
        ValueError: if the budget is not more than zero.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        monthly_usd: Decimal,
        alert_email: str,
        tags: Mapping[str, str],
    ) -> None:
        if monthly_usd <= 0:
            raise ValueError(f"a budget of {monthly_usd} USD cannot be watched; it must be above 0")
        super().__init__(scope, construct_id)
        subscriber = budgets.CfnBudget.SubscriberProperty(
            address=alert_email, subscription_type="EMAIL"
        )
        alerts = [("ACTUAL", share) for share in PERCENTAGES] + [("FORECASTED", 100)]
        self.budget = budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=float(monthly_usd), unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=share,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind, share in alerts
            ],
        )
        self.tag_keys = (*COST_TAGS, *sorted(tags))
