"""EC2 placement groups."""

from __future__ import annotations

from local_aws.resources.ec2_base import Ec2Resource


class PlacementGroup(Ec2Resource):
    """AWS::EC2::PlacementGroup; `Ref` gives its name, which EC2 makes up."""

    type = "AWS::EC2::PlacementGroup"
    supported = frozenset({"PartitionCount", "SpreadLevel", "Strategy", "Tags"})

    def create(self) -> None:
        self.physical_id = self.made_up_name(longest=255)
        given = self.given("PartitionCount", "SpreadLevel", "Strategy")
        tags = [{"ResourceType": "placement-group", "Tags": self.tags()}] if self.tags() else None
        self.ec2(
            "CreatePlacementGroup", GroupName=self.physical_id, TagSpecifications=tags, **given
        )
        self.attributes = {"GroupName": self.physical_id}

    def delete(self) -> None:
        self.ec2("DeletePlacementGroup", GroupName=self.physical_id)
