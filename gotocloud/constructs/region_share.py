"""The software as the groups of one region and shard reach it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.account import AccountRoles
from gotocloud.constructs.replication import Replication, ReplicationLog, SoftwareLocation
from gotocloud.constructs.sdk_calls import SdkCalls
from gotocloud.constructs.software_store import NFS, SoftwareStore
from gotocloud.constructs.zoned_network import ZonedNetwork
from gotocloud.contract.tags import SHARE_TAG, SOFTWARE_SHARE
from gotocloud.platform.addresses import share_subnets


class RegionShare(Construct):
    """A VPC without internet, with a replica of the software and what fills it.

    A file system has mount targets in one VPC only, and a VPC takes 125 peerings: so every
    shard of a region has a share VPC and a replica of its own.

    Args:
        name: Name in the console.
        cidr: Addresses of the share VPC.
        zone_ids: Zones that get a mount target.
        clients: Networks of the groups that may mount.
        master_arn: ARN of the master's DataSync location.
        replication_role: Role with which DataSync opens the replica.
        log: Where replication writes what it did.
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
        zone_ids: Sequence[str],
        clients: Sequence[IPv4Network],
        master_arn: str,
        replication_role: iam.IRole,
        log: ReplicationLog,
        roles: AccountRoles,
        calls: SdkCalls,
    ) -> None:
        super().__init__(scope, construct_id)
        self.network = ZonedNetwork(
            self,
            "Network",
            name=name,
            cidr=cidr,
            subnets=dict(zip(zone_ids, share_subnets(cidr, len(zone_ids)), strict=True)),
            internet=False,
            roles=roles,
            calls=calls,
        )
        for shared in (self.network.resource, self.network.route_table):
            Tags.of(shared).add(SHARE_TAG, SOFTWARE_SHARE)
        self.replica = SoftwareStore(
            self,
            "Replica",
            name=name,
            network=self.network,
            backed_up=False,
            writers=[replication_role],
        )
        for client in clients:
            self.replica.security_group.add_ingress_rule(
                ec2.Peer.ipv4(str(client)), NFS, "NFS for the groups of this share"
            )
        location = SoftwareLocation(
            self, "Location", store=self.replica, network=self.network, role=replication_role
        )
        self.replication = Replication(
            self, "Replication", name=name, master_arn=master_arn, replica=location, log=log
        )
