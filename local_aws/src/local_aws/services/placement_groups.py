"""EC2 placement groups, which moto lacks: names with a strategy."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

_GROUPS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
"""(account, region) -> name -> the group."""


def apply() -> None:
    """Add the operations to moto's EC2."""
    for operation in (create_placement_group, delete_placement_group, describe_placement_groups):
        setattr(EC2Response, operation.__name__, operation)


def _groups(response: Any) -> dict[str, dict[str, Any]]:
    return _GROUPS.setdefault((response.current_account, response.region), {})


def create_placement_group(self: Any) -> ActionResult:
    """CreatePlacementGroup."""
    name, groups = self._get_param("GroupName"), _groups(self)
    if name in groups:
        raise EC2ClientError(
            "InvalidPlacementGroup.Duplicate", f"The placement group {name} already exists."
        )
    strategy = self._get_param("Strategy", "cluster")
    made = {"GroupName": name, "Strategy": strategy, "State": "available"}
    groups[name] = made
    return ActionResult({"PlacementGroup": made})


def delete_placement_group(self: Any) -> ActionResult:
    """DeletePlacementGroup."""
    name, groups = self._get_param("GroupName"), _groups(self)
    _require_group(name, groups)
    del groups[name]
    return EmptyResult()


def describe_placement_groups(self: Any) -> ActionResult:
    """DescribePlacementGroups."""
    names, groups = self._get_param("GroupNames", []), _groups(self)
    for name in names:
        _require_group(name, groups)
    return ActionResult({"PlacementGroups": [groups[name] for name in names or groups]})


def _require_group(name: str, groups: dict[str, Any]) -> None:
    if name not in groups:
        raise EC2ClientError(
            "InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown."
        )
