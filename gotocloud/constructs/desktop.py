"""Access to the desktop on the head node: closed until a scientist opens it."""

from __future__ import annotations

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from gotocloud.contract.ports import DESKTOP_PORT
from gotocloud.contract.tags import ACCESS_TAG, DESKTOP_ACCESS


@jsii.implements(ec2.IConnectable)
class Desktop(Construct):
    """Security group of the desktop, with no rule in it.

    `gotocloud connect` opens it to the scientist's address, and to no other.

    Args:
        vpc: The group's VPC.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc) -> None:
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Desktop of the head node; closed until a scientist connects",
            # What the head node may send is in ParallelCluster's own security group.
            allow_all_outbound=False,
        )
        cdk.Tags.of(self.security_group).add(ACCESS_TAG, DESKTOP_ACCESS)
        self._connections = ec2.Connections(
            security_groups=[self.security_group], default_port=ec2.Port.tcp(DESKTOP_PORT)
        )

    @property
    def connections(self) -> ec2.Connections:
        """Who may reach the desktop, on its port."""
        return self._connections
