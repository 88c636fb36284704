"""What the EC2 models have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class Ec2Resource(Resource):
    """A taggable EC2 resource."""

    def ec2(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call the EC2 API."""
        return self.call_as("ec2", operation, parameters)

    def tag(self, resource_id: str = "") -> None:
        """Put the tags of the stack and of the template on the resource."""
        if tags := self.tags():
            self.ec2("CreateTags", Resources=[resource_id or self.physical_id], Tags=tags)

    def retag(self, before: Mapping[str, Any]) -> None:
        """Follow a change of the template's tags."""
        kept = {tag["Key"] for tag in self.tags()}
        gone = [{"Key": tag["Key"]} for tag in before.get("Tags", []) if tag["Key"] not in kept]
        if gone:
            self.ec2("DeleteTags", Resources=[self.physical_id], Tags=gone)
        self.tag()

    def update(self, before: Mapping[str, Any]) -> None:
        self.retag(before)
