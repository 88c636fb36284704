"""The way from a group's network to the software share, and back."""

from __future__ import annotations

from ipaddress import IPv4Network

from aws_cdk import CfnTag, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from gotocloud.constructs.policy import Statement
from gotocloud.constructs.sdk_calls import Call, SdkCalls
from gotocloud.constructs.zoned_network import ZonedNetwork
from gotocloud.platform.record import ShareRecord


class SharePeering(Construct):
    """A peering with the share VPC of another account, with routes both ways.

    CloudFormation accepts the peering with the acceptor role. The route back lies in the
    other account, where this stack has no resources: the deployment adds it with the same
    role, corrects it when the peering changes and takes it away with the stack.

    Args:
        name: Name in the console.
        network: The group's network.
        share: The share, from the record.
        share_account: Account of the share.
        acceptor_role_arn: Role of that account that accepts and routes back.
        calls: The stack's API calls.

    Raises:
        ValueError: if the two networks overlap.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        network: ZonedNetwork,
        share: ShareRecord,
        share_account: str,
        acceptor_role_arn: str,
        calls: SdkCalls,
    ) -> None:
        if network.cidr.overlaps(share.cidr):
            raise ValueError(f"{network.cidr} overlaps the share's network {share.cidr}")
        super().__init__(scope, construct_id)
        self.connection = ec2.CfnVPCPeeringConnection(
            self,
            "Connection",
            vpc_id=network.resource.ref,
            peer_vpc_id=share.vpc_id,
            peer_owner_id=share_account,
            peer_region=Stack.of(self).region,
            peer_role_arn=acceptor_role_arn,
            tags=[CfnTag(key="Name", value=name)],
        )
        ec2.CfnRoute(
            self,
            "ShareRoute",
            route_table_id=network.route_table.ref,
            destination_cidr_block=str(share.cidr),
            vpc_peering_connection_id=self.connection.ref,
        )
        self._route_back(calls, share.route_table_id, network.cidr, acceptor_role_arn)

    @property
    def connection_id(self) -> str:
        """Id of the peering connection."""
        return self.connection.ref

    def _route_back(
        self, calls: SdkCalls, route_table_id: str, cidr: IPv4Network, role_arn: str
    ) -> None:
        route = {"RouteTableId": route_table_id, "DestinationCidrBlock": str(cidr)}
        target = {**route, "VpcPeeringConnectionId": self.connection.ref}

        def call(action: str, parameters: dict[str, str], fine_too: str | None = None) -> Call:
            return Call(
                service="EC2",
                action=action,
                parameters=parameters,
                role_arn=role_arn,
                fine_too=fine_too,
            )

        identity = f"{route_table_id} {cidr}"
        made = calls.add(
            "ReturnRoute",
            identity=identity,
            # Also on an update: the share may have another route table, which has no route yet.
            make=call("createRoute", target, "RouteAlreadyExists"),
            undo=call("deleteRoute", route, r"InvalidRoute(TableID)?\.NotFound"),
        )
        # A route left over from an earlier peering counts as made; this points it at ours.
        aimed = calls.add("ReturnRouteTarget", identity=identity, make=call("replaceRoute", target))
        aimed.node.add_dependency(made)


def route_back_statement(acceptor_role_arn: str) -> Statement:
    """What a deployment role needs for the route back."""
    return Statement(
        sid="RouteBackFromShare", actions=["sts:AssumeRole"], resources=[acceptor_role_arn]
    )
