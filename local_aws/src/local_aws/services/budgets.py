"""Budgets: moto keeps the subscribers of a notification, and has no call that lists them."""

from __future__ import annotations

import json
from typing import Any

from moto.budgets import responses
from moto.budgets.exceptions import NotFoundException


def apply() -> None:
    """Add what is missing to moto's Budgets."""
    responses.BudgetsResponse.describe_subscribers_for_notification = (  # type: ignore[attr-defined]
        describe_subscribers_for_notification
    )


def describe_subscribers_for_notification(self: Any) -> str:
    """DescribeSubscribersForNotification."""
    budgets = self.backend.budgets[self._get_param("AccountId")]
    name, wanted = self._get_param("BudgetName"), self._get_param("Notification")
    if name not in budgets:
        raise NotFoundException(f"Unable to find budget: {name}")
    for one in budgets[name].notifications:
        if _same(one.details, wanted):
            return json.dumps({"Subscribers": one.subscribers})
    raise NotFoundException(f"Unable to find notification for budget {name}")


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two notifications are one, whether or not defaults and states are written out."""
    keys = ("NotificationType", "ComparisonOperator", "Threshold")
    return all(str(one.get(key)) == str(other.get(key)) or _number(one, other, key) for key in keys)


def _number(one: dict[str, Any], other: dict[str, Any], key: str) -> bool:
    return key == "Threshold" and float(one[key]) == float(other[key])
