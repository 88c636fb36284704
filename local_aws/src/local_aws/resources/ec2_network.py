"""EC2 networks: VPCs, subnets, route tables, routes, gateways, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource, ResourceError
from local_aws.resources.ec2_base import Ec2Resource

_TAGS = frozenset({"Tags"})


class Vpc(Ec2Resource):
    """AWS::EC2::VPC."""

    type = "AWS::EC2::VPC"
    changeable = frozenset({"EnableDnsHostnames", "EnableDnsSupport", "Tags"})
    supported = changeable | {"CidrBlock", "InstanceTenancy"}

    def create(self) -> None:
        made = self.ec2("CreateVpc", **self.given("CidrBlock", "InstanceTenancy"))["Vpc"]
        self.physical_id = made["VpcId"]
        self._configure()
        mine = [{"Name": "vpc-id", "Values": [self.physical_id]}]
        default = {"Name": "group-name", "Values": ["default"]}
        groups = self.ec2("DescribeSecurityGroups", Filters=[*mine, default])["SecurityGroups"]
        acls = self.ec2("DescribeNetworkAcls", Filters=mine)["NetworkAcls"]
        self.attributes = {
            "VpcId": self.physical_id,
            "CidrBlock": made["CidrBlock"],
            "DefaultSecurityGroup": groups[0]["GroupId"],
            "DefaultNetworkAcl": acls[0]["NetworkAclId"],
        }

    def _configure(self) -> None:
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            if name in self.properties:
                value = {"Value": self.properties[name]}
                self.ec2("ModifyVpcAttribute", VpcId=self.physical_id, **{name: value})
        self.tag()

    def update(self, before: Mapping[str, Any]) -> None:
        self._configure()
        self.retag(before)

    def delete(self) -> None:
        self.ec2("DeleteVpc", VpcId=self.physical_id)


class Subnet(Ec2Resource):
    """AWS::EC2::Subnet; honours zone IDs."""

    type = "AWS::EC2::Subnet"
    changeable = frozenset({"MapPublicIpOnLaunch", "Tags"})
    supported = changeable | {"AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "VpcId"}

    def create(self) -> None:
        given = self.given("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "VpcId")
        made = self.ec2("CreateSubnet", **given)["Subnet"]
        self.physical_id = made["SubnetId"]
        names = ("SubnetId", "AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "VpcId")
        self.attributes = {name: made[name] for name in names}
        self.update({})

    def update(self, before: Mapping[str, Any]) -> None:
        public = {"Value": self.properties.get("MapPublicIpOnLaunch", False)}
        self.ec2("ModifySubnetAttribute", SubnetId=self.physical_id, MapPublicIpOnLaunch=public)
        self.retag(before)

    def delete(self) -> None:
        self.ec2("DeleteSubnet", SubnetId=self.physical_id)


class RouteTable(Ec2Resource):
    """AWS::EC2::RouteTable."""

    type = "AWS::EC2::RouteTable"
    supported = frozenset({"VpcId", "Tags"})
    changeable = _TAGS

    def create(self) -> None:
        made = self.ec2("CreateRouteTable", **self.given("VpcId"))["RouteTable"]
        self.physical_id = made["RouteTableId"]
        self.attributes = {"RouteTableId": self.physical_id}
        self.tag()

    def delete(self) -> None:
        self.ec2("DeleteRouteTable", RouteTableId=self.physical_id)


class SubnetRouteTableAssociation(Ec2Resource):
    """AWS::EC2::SubnetRouteTableAssociation."""

    type = "AWS::EC2::SubnetRouteTableAssociation"
    supported = frozenset({"RouteTableId", "SubnetId"})

    def create(self) -> None:
        made = self.ec2("AssociateRouteTable", **self.given("RouteTableId", "SubnetId"))
        self.physical_id = made["AssociationId"]
        self.attributes = {"Id": self.physical_id}

    def delete(self) -> None:
        self.ec2("DisassociateRouteTable", AssociationId=self.physical_id)


_ROUTE_TARGETS = frozenset(
    {
        "EgressOnlyInternetGatewayId",
        "GatewayId",
        "InstanceId",
        "NatGatewayId",
        "NetworkInterfaceId",
        "TransitGatewayId",
        "VpcPeeringConnectionId",
    }
)


class Route(Ec2Resource):
    """AWS::EC2::Route; one through a peering needs a peering that is active."""

    type = "AWS::EC2::Route"
    changeable = _ROUTE_TARGETS
    supported = _ROUTE_TARGETS | {"DestinationCidrBlock", "RouteTableId"}

    def create(self) -> None:
        self._check_peering()
        self.ec2("CreateRoute", **self.properties)
        destination = self.properties["DestinationCidrBlock"]
        self.physical_id = f"{self.properties['RouteTableId']}|{destination}"
        self.attributes = {"CidrBlock": destination}

    def _check_peering(self) -> None:
        peering = self.properties.get("VpcPeeringConnectionId")
        if not peering:
            return
        requested = {"VpcPeeringConnectionIds": [peering]}
        found = self.look("ec2", "DescribeVpcPeeringConnections", **requested)
        if not found["VpcPeeringConnections"]:
            raise ResourceError(f"The vpcPeeringConnection ID '{peering}' does not exist")

    def update(self, before: Mapping[str, Any]) -> None:
        self._check_peering()
        self.ec2("ReplaceRoute", **self.properties)

    def delete(self) -> None:
        self.ec2("DeleteRoute", **self.given("DestinationCidrBlock", "RouteTableId"))


class InternetGateway(Ec2Resource):
    """AWS::EC2::InternetGateway."""

    type = "AWS::EC2::InternetGateway"
    supported = changeable = _TAGS

    def create(self) -> None:
        made = self.ec2("CreateInternetGateway")["InternetGateway"]
        self.physical_id = made["InternetGatewayId"]
        self.attributes = {"InternetGatewayId": self.physical_id}
        self.tag()

    def delete(self) -> None:
        self.ec2("DeleteInternetGateway", InternetGatewayId=self.physical_id)


class VpcGatewayAttachment(Ec2Resource):
    """AWS::EC2::VPCGatewayAttachment."""

    type = "AWS::EC2::VPCGatewayAttachment"
    supported = frozenset({"InternetGatewayId", "VpcId"})

    def create(self) -> None:
        self.ec2("AttachInternetGateway", **self.properties)
        self.physical_id = f"IGW|{self.properties['VpcId']}"
        self.attributes = {"AttachmentType": "IGW"}

    def delete(self) -> None:
        self.ec2("DetachInternetGateway", **self.properties)


class ElasticIp(Ec2Resource):
    """AWS::EC2::EIP; `Ref` gives the address."""

    type = "AWS::EC2::EIP"
    supported = frozenset({"Domain", "InstanceId", "Tags"})
    changeable = _TAGS

    def create(self) -> None:
        made = self.ec2("AllocateAddress", Domain=self.properties.get("Domain", "vpc"))
        self.notes["allocation"] = made["AllocationId"]
        self.physical_id = made["PublicIp"]
        self.attributes = {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}
        self.tag(made["AllocationId"])
        if instance := self.properties.get("InstanceId"):
            self.ec2("AssociateAddress", AllocationId=made["AllocationId"], InstanceId=instance)

    def update(self, before: Mapping[str, Any]) -> None:
        self.tag(self.attributes["AllocationId"])

    def delete(self) -> None:
        self.ec2("ReleaseAddress", AllocationId=self.attributes["AllocationId"])


class NatGateway(Ec2Resource):
    """AWS::EC2::NatGateway."""

    type = "AWS::EC2::NatGateway"
    supported = frozenset({"AllocationId", "ConnectivityType", "SubnetId", "Tags"})
    changeable = _TAGS

    def create(self) -> None:
        given = self.given("AllocationId", "ConnectivityType", "SubnetId")
        made = self.ec2("CreateNatGateway", **given)["NatGateway"]
        self.physical_id = made["NatGatewayId"]
        self.attributes = {"NatGatewayId": self.physical_id}
        self.tag()

    def delete(self) -> None:
        self.ec2("DeleteNatGateway", NatGatewayId=self.physical_id)


class RestrictedDefaultSecurityGroup(Resource):
    """Custom::VpcRestrictDefaultSG of the CDK: takes every rule from a VPC's default group."""

    type = "Custom::VpcRestrictDefaultSG"
    supported = frozenset({"Account", "DefaultSecurityGroupId", "ServiceToken"})

    def create(self) -> None:
        group = self.properties["DefaultSecurityGroupId"]
        self.physical_id = f"secgroup-default-rules-{group}"
        found = self.call("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]
        for verb, rules in (
            ("Ingress", found["IpPermissions"]),
            ("Egress", found["IpPermissionsEgress"]),
        ):
            if rules:
                operation = f"RevokeSecurityGroup{verb}"
                self.call("ec2", operation, GroupId=group, IpPermissions=rules)
