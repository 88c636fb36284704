"""What every ParallelCluster offers, whether it is made here or exists already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.contract.names import SESSION_DOCUMENTS
from gotocloud.contract.tags import CLUSTER_TAG, HEAD_NODE, NODE_TYPE_TAG


class IParallelCluster(Protocol):
    """A ParallelCluster: what other constructs can use of it.

    Args:
        cluster_name: Its name.
        head_node_instance_id: EC2 instance id of its head node.
        head_node_public_ip: Public address of its head node.
        connections: Who may reach its head node.
    """

    @property
    def cluster_name(self) -> str: ...

    @property
    def head_node_instance_id(self) -> str: ...

    @property
    def head_node_public_ip(self) -> str: ...

    @property
    def connections(self) -> ec2.Connections: ...

    def grant_start_session(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a shell and port forwarding on the head node, through Session Manager."""
        ...


def session_grant(
    scope: Construct,
    grantee: iam.IGrantable,
    *,
    instance: str,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> iam.Grant:
    """Allow sessions through Session Manager.

    Args:
        scope: The cluster.
        grantee: Who gets the right.
        instance: Instance id, or "*" with conditions.
        conditions: What limits the instances.
    """
    stack = cdk.Stack.of(scope)
    documents = [
        stack.format_arn(
            service="ssm",
            # AWS's own documents belong to no account.
            account="" if document.startswith("AWS-") else None,
            resource="document",
            resource_name=document,
        )
        for document in SESSION_DOCUMENTS
    ]
    head_node = stack.format_arn(service="ec2", resource="instance", resource_name=instance)
    if not conditions:
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["ssm:StartSession"],
            resource_arns=[head_node, *documents],
        )
    # Documents carry no tags of a cluster, so they need a statement without the conditions.
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["ssm:StartSession"],
        resource_arns=[head_node],
        conditions={test: dict(keys) for test, keys in conditions.items()},
    ).combine(
        iam.Grant.add_to_principal(
            grantee=grantee, actions=["ssm:StartSession"], resource_arns=documents
        )
    )


@jsii.implements(ec2.IConnectable)
class ExistingCluster(Construct):
    """A cluster that exists already; see `ParallelCluster.from_cluster_attributes`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        head_node_instance_id: str | None = None,
        head_node_public_ip: str | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.cluster_name = cluster_name
        self._given = {
            "head_node_instance_id": head_node_instance_id,
            "head_node_public_ip": head_node_public_ip,
        }
        self._security_groups = list(security_groups)

    @property
    def head_node_instance_id(self) -> str:
        """EC2 instance id of its head node."""
        return self._attribute("head_node_instance_id")

    @property
    def head_node_public_ip(self) -> str:
        """Public address of its head node."""
        return self._attribute("head_node_public_ip")

    @property
    def connections(self) -> ec2.Connections:
        """Who may reach its head node, by the security groups that it was imported with."""
        if not self._security_groups:
            raise ValueError(self._unknown("security_groups"))
        return ec2.Connections(security_groups=self._security_groups)

    def grant_start_session(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a shell and port forwarding on the head node, through Session Manager.

        Without the instance id, ParallelCluster's tags show which instance is the head node.
        """
        if instance := self._given["head_node_instance_id"]:
            return session_grant(self, grantee, instance=instance)
        tags = {
            f"ssm:resourceTag/{CLUSTER_TAG}": self.cluster_name,
            f"ssm:resourceTag/{NODE_TYPE_TAG}": HEAD_NODE,
        }
        return session_grant(self, grantee, instance="*", conditions={"StringEquals": tags})

    def _attribute(self, name: str) -> str:
        value = self._given[name]
        if value is None:
            raise ValueError(self._unknown(name))
        return value

    def _unknown(self, name: str) -> str:
        return (
            f"{name} of the cluster {self.cluster_name!r} is not known here: give it to "
            "ParallelCluster.from_cluster_attributes"
        )
