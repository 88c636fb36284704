"""A group's network in one region, connected with the software share."""

from __future__ import annotations

from ipaddress import IPv4Network

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from gotocloud.constructs.account import AccountRoles
from gotocloud.constructs.sdk_calls import SdkCalls
from gotocloud.constructs.zoned_network import ZonedNetwork
from gotocloud.platform.addresses import group_subnets


class GroupVpc(Construct):
    """One public subnet for head nodes, and ways to S3 and DynamoDB that cost nothing.

    The rest of the addresses belongs to clusters, which bring their private subnets along.

    Args:
        name: Name in the console.
        cidr: The group's network in the region.
        zone_id: Zone of the subnet.
        roles: The account's roles.
        calls: The stack's API calls.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        cidr: IPv4Network,
        zone_id: str,
        roles: AccountRoles,
        calls: SdkCalls,
    ) -> None:
        super().__init__(scope, construct_id)
        self.zone_id = zone_id
        self.network = ZonedNetwork(
            self,
            "Network",
            name=name,
            cidr=cidr,
            subnets={zone_id: group_subnets(cidr).public},
            internet=True,
            roles=roles,
            calls=calls,
        )
        self.s3_endpoint = self._endpoint("S3Endpoint", "s3")
        self.dynamodb_endpoint = self._endpoint("DynamoDbEndpoint", "dynamodb")

    @property
    def public_subnet(self) -> ec2.CfnSubnet:
        """The subnet of head nodes and NAT gateways."""
        return self.network.subnets[self.zone_id]

    def _endpoint(self, construct_id: str, service: str) -> ec2.CfnVPCEndpoint:
        return ec2.CfnVPCEndpoint(
            self,
            construct_id,
            vpc_id=self.network.resource.ref,
            service_name=f"com.amazonaws.{Stack.of(self).region}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=[self.network.route_table.ref],
        )
