"""Budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class Budget(Resource):
    """AWS::Budgets::Budget."""

    type = "AWS::Budgets::Budget"
    supported = frozenset({"Budget", "NotificationsWithSubscribers", "ResourceTags"})
    changeable = supported

    def create(self) -> None:
        budget = {"BudgetName": self.made_up_name(longest=100), **self.properties["Budget"]}
        self.call(
            "budgets",
            "CreateBudget",
            AccountId=self.site.account,
            Budget=budget,
            **self.given("NotificationsWithSubscribers"),
        )
        self.physical_id = budget["BudgetName"]

    def update(self, before: Mapping[str, Any]) -> None:
        # moto has no UpdateBudget.
        self.delete()
        self.create()

    def delete(self) -> None:
        named = {"AccountId": self.site.account, "BudgetName": self.physical_id}
        self.call_as("budgets", "DeleteBudget", named)
