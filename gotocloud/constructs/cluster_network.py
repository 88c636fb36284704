"""The network that exists as long as the cluster does."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws, CfnTag, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, DependencyGroup, IDependable


@dataclass(frozen=True, kw_only=True)
class GroupNetwork:
    """The group's own network, as its user stack made it; every value may be a CDK token.

    Args:
        vpc: The group's VPC.
        cidr: Its addresses.
        zone_id: Zone ID of its subnets.
        public_subnet: Subnet with a route to the internet.
        share_cidr: Addresses of the software share.
        peering_id: Peering connection with the software share.
    """

    vpc: ec2.IVpc
    cidr: str
    zone_id: str
    public_subnet: ec2.ISubnet
    share_cidr: str
    peering_id: str


class ClusterNetwork(Construct):
    """The private subnet of the compute nodes, with its ways out.

    Nodes with EFA cannot have public addresses, so they reach the internet through a NAT
    gateway, the software through the peering, and S3 and DynamoDB through gateway endpoints.

    The group's VPC has such endpoints already, but the route tables of an endpoint belong to
    the endpoint, and the group's are not this stack's to change. A VPC takes several gateway
    endpoints for one service as long as their route tables differ; they cost nothing. Quotas
    (AWS, "PrivateLink quotas" and "Amazon VPC quotas", read November 2026; all adjustable):
    20 gateway endpoints a region let nine clusters stand beside the group's own two, but of
    5 Elastic IPs a region each cluster needs two, one here and one for its head node.

    Args:
        group: The group's network.
        compute_cidr: Addresses of the new subnet; may be a CDK token.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, group: GroupNetwork, compute_cidr: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.group = group
        self.subnet = ec2.CfnSubnet(
            self,
            "ComputeSubnet",
            vpc_id=group.vpc.vpc_id,
            cidr_block=compute_cidr,
            availability_zone_id=group.zone_id,
            map_public_ip_on_launch=False,
            tags=[self._name("compute")],
        )
        self.route_table = ec2.CfnRouteTable(
            self, "RouteTable", vpc_id=group.vpc.vpc_id, tags=[self._name("compute")]
        )
        association = ec2.CfnSubnetRouteTableAssociation(
            self,
            "RouteTableAssociation",
            subnet_id=self.subnet_id,
            route_table_id=self.route_table.ref,
        )
        self.compute_subnet = ec2.Subnet.from_subnet_attributes(
            self,
            "Compute",
            subnet_id=self.subnet_id,
            availability_zone=group.zone_id,
            route_table_id=self.route_table.ref,
        )
        self.ways_out: IDependable = DependencyGroup(
            association,
            self._to_internet(),
            self._to_share(),
            self._to_service("S3Endpoint", "s3"),
            self._to_service("DynamoDbEndpoint", "dynamodb"),
        )
        """Depend on this to have every way out, and to keep it while being deleted."""

    @property
    def subnet_id(self) -> str:
        """The subnet of compute nodes and Lustre."""
        return self.subnet.ref

    def _to_internet(self) -> ec2.CfnRoute:
        address = ec2.CfnEIP(
            self, "NatAddress", domain="vpc", tags=[self._name("compute nodes' way out")]
        )
        gateway = ec2.CfnNatGateway(
            self,
            "NatGateway",
            subnet_id=self.group.public_subnet.subnet_id,
            allocation_id=address.attr_allocation_id,
            connectivity_type="public",
            tags=[self._name("compute nodes' way out")],
        )
        for billed in (address, gateway):
            billed.apply_removal_policy(RemovalPolicy.DESTROY)
        return ec2.CfnRoute(
            self,
            "InternetRoute",
            route_table_id=self.route_table.ref,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=gateway.ref,
        )

    def _to_share(self) -> ec2.CfnRoute:
        return ec2.CfnRoute(
            self,
            "ShareRoute",
            route_table_id=self.route_table.ref,
            destination_cidr_block=self.group.share_cidr,
            vpc_peering_connection_id=self.group.peering_id,
        )

    def _to_service(self, construct_id: str, service: str) -> ec2.CfnVPCEndpoint:
        return ec2.CfnVPCEndpoint(
            self,
            construct_id,
            vpc_id=self.group.vpc.vpc_id,
            service_name=f"com.amazonaws.{Aws.REGION}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=[self.route_table.ref],
        )

    def _name(self, what: str) -> CfnTag:
        return CfnTag(key="Name", value=f"{Aws.STACK_NAME} {what}")
