"""CloudWatch: moto keeps composite alarms, and has no operation that makes one."""

from __future__ import annotations

from moto.cloudwatch import responses


def apply() -> None:
    """Add PutCompositeAlarm, which moto's PutMetricAlarm can serve."""
    response = responses.CloudWatchResponse
    response.put_composite_alarm = response.put_metric_alarm  # type: ignore[attr-defined]
