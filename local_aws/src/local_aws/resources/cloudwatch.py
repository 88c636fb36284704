"""CloudWatch: alarms, composite alarms, dashboards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.engine.values import as_text
from local_aws.resources.base import Resource


class _AnyAlarm(Resource):
    """What both kinds of alarm have in common."""

    put: str

    def create(self) -> None:
        self.physical_id = self.properties.get("AlarmName") or self.made_up_name(longest=255)
        self.attributes = {"Arn": self.site.arn("cloudwatch", f"alarm:{self.physical_id}")}
        self._put()

    def _put(self) -> None:
        given = {key: value for key, value in self.properties.items() if key != "Tags"}
        given |= {"AlarmName": self.physical_id, "Tags": self.tags() or None}
        self.call_as("cloudwatch", self.put, given)

    def update(self, before: Mapping[str, Any]) -> None:
        self._put()

    def delete(self) -> None:
        self.call("cloudwatch", "DeleteAlarms", AlarmNames=[self.physical_id])


class Alarm(_AnyAlarm):
    """AWS::CloudWatch::Alarm."""

    type = "AWS::CloudWatch::Alarm"
    put = "PutMetricAlarm"
    changeable = frozenset(
        {
            "ActionsEnabled",
            "AlarmActions",
            "AlarmDescription",
            "ComparisonOperator",
            "DatapointsToAlarm",
            "Dimensions",
            "EvaluationPeriods",
            "InsufficientDataActions",
            "MetricName",
            "Metrics",
            "Namespace",
            "OKActions",
            "Period",
            "Statistic",
            "Tags",
            "Threshold",
            "TreatMissingData",
            "Unit",
        }
    )
    supported = changeable | {"AlarmName"}


class CompositeAlarm(_AnyAlarm):
    """AWS::CloudWatch::CompositeAlarm."""

    type = "AWS::CloudWatch::CompositeAlarm"
    put = "PutCompositeAlarm"
    changeable = frozenset(
        {"ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmRule", "OKActions", "Tags"}
    )
    supported = changeable | {"AlarmName"}


class Dashboard(Resource):
    """AWS::CloudWatch::Dashboard."""

    type = "AWS::CloudWatch::Dashboard"
    changeable = frozenset({"DashboardBody"})
    supported = changeable | {"DashboardName"}

    def create(self) -> None:
        self.physical_id = self.properties.get("DashboardName") or self.made_up_name(longest=255)
        self._put()

    def _put(self) -> None:
        body = as_text(self.properties["DashboardBody"])
        self.call("cloudwatch", "PutDashboard", DashboardName=self.physical_id, DashboardBody=body)

    def update(self, before: Mapping[str, Any]) -> None:
        self._put()

    def delete(self) -> None:
        self.call("cloudwatch", "DeleteDashboards", DashboardNames=[self.physical_id])
