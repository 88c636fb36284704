"""Platforms for tests."""

from __future__ import annotations

from typing import Any

from gotocloud.platform.model import Platform


def group(number: int, /, **changes: Any) -> dict[str, Any]:
    """A correct group, as the file says it."""
    return {
        "name": f"group-{number}",
        "number": number,
        "account": f"{200_000_000_000 + number}",
        "regions": ["ap-northeast-1"],
        "scientists": ["scientist"],
        "monthly_budget_usd": 100,
        "alert_email": "lab@example.org",
    } | changes


def platform_data(*groups: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A correct platform file as data."""
    return {
        "name": "test",
        "management": {"account": "111111111111", "home_region": "ap-northeast-1"},
        "regions": ["ap-northeast-1", "us-east-1", "us-west-2", "eu-central-1"],
        "groups": list(groups) or [group(1)],
    } | changes


def platform(*groups: dict[str, Any], **changes: Any) -> Platform:
    """A correct platform."""
    return Platform.model_validate(platform_data(*groups, **changes))
