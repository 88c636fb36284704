"""Systems Manager: parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class Parameter(Resource):
    """AWS::SSM::Parameter."""

    type = "AWS::SSM::Parameter"
    changeable = frozenset({"Value", "Description", "AllowedPattern", "Tags", "Tier", "Type"})
    supported = changeable | {"Name"}

    def create(self) -> None:
        self.physical_id = self.properties.get("Name") or self.made_up_name()
        tags = dict(self.properties.get("Tags", {}))
        merged = {**self.site.stack_tags, **tags}
        self._put(Tags=[{"Key": key, "Value": str(value)} for key, value in merged.items()])
        self._describe()

    def _put(self, **more: Any) -> None:
        given = self.given("Value", "Description", "AllowedPattern", "Tier", "Type")
        self.call("ssm", "PutParameter", Name=self.physical_id, **given, **more)

    def _describe(self) -> None:
        self.attributes = {"Type": self.properties["Type"], "Value": self.properties["Value"]}

    def update(self, before: Mapping[str, Any]) -> None:
        self._put(Overwrite=True)
        self._describe()

    def delete(self) -> None:
        self.call("ssm", "DeleteParameter", Name=self.physical_id)
