"""EC2 links: peerings, endpoints, flow logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import ResourceError
from local_aws.resources.ec2_base import Ec2Resource
from local_aws.resources.trust import account_may_assume, role_allows


class VpcPeeringConnection(Ec2Resource):
    """AWS::EC2::VPCPeeringConnection.

    Within an account CloudFormation accepts the peering by itself; across accounts it
    does so through `PeerRoleArn`, which must exist there and trust this account.
    """

    type = "AWS::EC2::VPCPeeringConnection"
    supported = frozenset(
        {"PeerOwnerId", "PeerRegion", "PeerRoleArn", "PeerVpcId", "Tags", "VpcId"}
    )
    changeable = frozenset({"PeerRoleArn", "Tags"})

    def create(self) -> None:
        given = self.given("PeerOwnerId", "PeerRegion", "PeerVpcId", "VpcId")
        self._check_acceptor()
        made = self.ec2("CreateVpcPeeringConnection", **given)["VpcPeeringConnection"]
        self.physical_id = made["VpcPeeringConnectionId"]
        self.attributes = {"Id": self.physical_id}
        self.tag()
        self._accept()

    def _accept(self) -> None:
        # Across accounts CloudFormation accepts with the permissions of the peer's role.
        role = "" if self._peer_account == self.site.account else self.properties["PeerRoleArn"]
        accepter = self.site.client(
            "ec2",
            account=self._peer_account,
            region=self.properties.get("PeerRegion", ""),
            acting=role or (self.site.acting if self.made_by_cloudformation else ""),
        )
        accepter.accept_vpc_peering_connection(VpcPeeringConnectionId=self.physical_id)

    @property
    def _peer_account(self) -> str:
        return str(self.properties.get("PeerOwnerId") or self.site.account)

    def _check_acceptor(self) -> None:
        if self._peer_account == self.site.account:
            return
        role = self.properties.get("PeerRoleArn")
        if not role:
            raise ResourceError(
                f"VpcPeeringConnection failed to stabilize: account {self._peer_account} "
                "must accept it, and no PeerRoleArn is given."
            )
        if f"::{self._peer_account}:" not in role:
            raise ResourceError(f"PeerRoleArn {role} is not of account {self._peer_account}.")
        if not account_may_assume(self.site, role, self.site.account):
            raise ResourceError(
                f"User: arn:aws:iam::{self.site.account}:root is not authorized to perform: "
                f"sts:AssumeRole on resource: {role}"
            )
        if not role_allows(self.site, role, "ec2:AcceptVpcPeeringConnection"):
            raise ResourceError(
                f"{role} is not authorized to perform: ec2:AcceptVpcPeeringConnection"
            )

    def delete(self) -> None:
        self.ec2("DeleteVpcPeeringConnection", VpcPeeringConnectionId=self.physical_id)


class VpcEndpoint(Ec2Resource):
    """AWS::EC2::VPCEndpoint."""

    type = "AWS::EC2::VPCEndpoint"
    changeable = frozenset(
        {"PolicyDocument", "RouteTableIds", "SecurityGroupIds", "SubnetIds", "Tags"}
    )
    supported = changeable | {"PrivateDnsEnabled", "ServiceName", "VpcEndpointType", "VpcId"}

    def create(self) -> None:
        policy = self.properties.get("PolicyDocument")
        made = self.ec2(
            "CreateVpcEndpoint",
            PolicyDocument=json.dumps(policy) if policy else None,
            **self.given(
                "PrivateDnsEnabled",
                "RouteTableIds",
                "SecurityGroupIds",
                "ServiceName",
                "SubnetIds",
                "VpcEndpointType",
                "VpcId",
            ),
        )["VpcEndpoint"]
        self.physical_id = made["VpcEndpointId"]
        self.attributes = {"Id": self.physical_id, "DnsEntries": []}
        self.tag()

    def update(self, before: Mapping[str, Any]) -> None:
        changes: dict[str, Any] = {}
        for name in ("RouteTableIds", "SubnetIds"):
            old, new = set(before.get(name, [])), set(self.properties.get(name, []))
            changes[f"Add{name}"] = sorted(new - old) or None
            changes[f"Remove{name}"] = sorted(old - new) or None
        if policy := self.properties.get("PolicyDocument"):
            changes["PolicyDocument"] = json.dumps(policy)
        self.ec2("ModifyVpcEndpoint", VpcEndpointId=self.physical_id, **changes)
        self.retag(before)

    def delete(self) -> None:
        self.ec2("DeleteVpcEndpoints", VpcEndpointIds=[self.physical_id])


class FlowLog(Ec2Resource):
    """AWS::EC2::FlowLog."""

    type = "AWS::EC2::FlowLog"
    supported = frozenset(
        {
            "DeliverLogsPermissionArn",
            "LogDestination",
            "LogDestinationType",
            "LogFormat",
            "LogGroupName",
            "MaxAggregationInterval",
            "ResourceId",
            "ResourceType",
            "Tags",
            "TrafficType",
        }
    )
    changeable = frozenset({"Tags"})

    def create(self) -> None:
        given = {key: value for key, value in self.properties.items() if key != "Tags"}
        made = self.ec2("CreateFlowLogs", ResourceIds=[given.pop("ResourceId")], **given)
        for failed in made.get("Unsuccessful", []):
            raise ResourceError(failed["Error"]["Message"])
        self.physical_id = made["FlowLogIds"][0]
        self.attributes = {"Id": self.physical_id}
        self.tag()

    def delete(self) -> None:
        self.ec2("DeleteFlowLogs", FlowLogIds=[self.physical_id])
