"""EC2 network interfaces and the addresses on them."""

from __future__ import annotations

from local_aws.resources.ec2_base import Ec2Resource


class NetworkInterface(Ec2Resource):
    """AWS::EC2::NetworkInterface."""

    type = "AWS::EC2::NetworkInterface"
    supported = frozenset(
        {"Description", "GroupSet", "PrivateIpAddress", "SourceDestCheck", "SubnetId", "Tags"}
    )
    changeable = frozenset({"Tags"})

    def create(self) -> None:
        made = self.ec2(
            "CreateNetworkInterface",
            SubnetId=self.properties["SubnetId"],
            Groups=self.properties.get("GroupSet"),
            **self.given("Description", "PrivateIpAddress"),
        )["NetworkInterface"]
        self.physical_id = made["NetworkInterfaceId"]
        self.attributes = {
            "Id": self.physical_id,
            "PrimaryPrivateIpAddress": made["PrivateIpAddress"],
        }
        if "SourceDestCheck" in self.properties:
            self.ec2(
                "ModifyNetworkInterfaceAttribute",
                NetworkInterfaceId=self.physical_id,
                SourceDestCheck={"Value": self.properties["SourceDestCheck"]},
            )
        self.tag()

    def delete(self) -> None:
        self.ec2("DeleteNetworkInterface", NetworkInterfaceId=self.physical_id)


class AddressAssociation(Ec2Resource):
    """AWS::EC2::EIPAssociation; `Ref` gives the association's id."""

    type = "AWS::EC2::EIPAssociation"
    supported = frozenset({"AllocationId", "InstanceId", "NetworkInterfaceId", "PrivateIpAddress"})

    def create(self) -> None:
        made = self.ec2("AssociateAddress", **self.properties)
        self.physical_id = made["AssociationId"]

    def delete(self) -> None:
        self.ec2("DisassociateAddress", AssociationId=self.physical_id)
