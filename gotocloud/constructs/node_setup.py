"""What the nodes of a cluster get besides their configuration, as constructs of the CDK."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from gotocloud.cluster_configs.node_scripts import software_script
from gotocloud.cluster_configs.site import NodeExtras, NodeScript

POLICY_PATH = "/parallelcluster/"
"""Of an account's own policies, ParallelCluster's default role may attach those on this path only.
Source: the condition on `iam:PolicyARN` in
https://docs.aws.amazon.com/parallelcluster/latest/ug/iam-roles-in-parallelcluster-v3.html"""


@dataclass(frozen=True, kw_only=True)
class NodeSetup:
    """What one kind of nodes gets besides its configuration.

    Args:
        scripts: In the order in which they run, once ParallelCluster has set the node up.
        readable_buckets: Buckets that the nodes may read, such as those of the scripts.
        managed_policies: Policies of the nodes' role.
        security_groups: Besides the security group that ParallelCluster makes.
    """

    scripts: Sequence[NodeScript] = ()
    readable_buckets: Sequence[s3.IBucket] = ()
    managed_policies: Sequence[iam.IManagedPolicy] = ()
    security_groups: Sequence[ec2.ISecurityGroup] = ()


def extras(*setups: NodeSetup | None) -> NodeExtras:
    """Several setups, in order, as the values that a configuration needs."""
    given = [setup for setup in setups if setup]
    return NodeExtras(
        scripts=[one for setup in given for one in setup.scripts],
        security_group_ids=[
            one.security_group_id for setup in given for one in setup.security_groups
        ],
        readable_buckets=[one.bucket_name for setup in given for one in setup.readable_buckets],
        policy_arns=[one.managed_policy_arn for setup in given for one in setup.managed_policies],
    )


@dataclass(frozen=True, kw_only=True)
class SoftwareMount:
    """Ready-made software that every node mounts; values may be CDK tokens.

    Args:
        file_system_id: EFS with the software; it may be of another account and VPC.
        mount_targets: "zone-id=ip,…", from which a node picks the one of its own zone.
        bucket: Bucket that holds the node script; nodes may read it.
        script_url: s3:// URL of `mount-software.sh`.
    """

    file_system_id: str
    mount_targets: str
    bucket: s3.IBucket
    script_url: str

    @property
    def setup(self) -> NodeSetup:
        """What every node gets for it."""
        script = software_script(self.script_url, self.file_system_id, self.mount_targets)
        return NodeSetup(scripts=[script], readable_buckets=[self.bucket])


class NodePermissions:
    """What is granted to one kind of nodes, as a policy that their role gets.

    Args:
        cluster: The cluster.
        construct_id: Id of the policy, which the first grant makes.
        nodes: The nodes' parts of the configuration; grants are added to them.
    """

    def __init__(
        self, cluster: Construct, construct_id: str, nodes: Sequence[dict[str, Any]]
    ) -> None:
        self._cluster = cluster
        self._construct_id = construct_id
        self._policy: iam.ManagedPolicy | None = None
        self._own_roles = False
        for node in nodes:
            access = node.get("Iam", {})
            if "AdditionalIamPolicies" in access:
                policies = _Policies(access["AdditionalIamPolicies"], self)
                access["AdditionalIamPolicies"] = cdk.Lazy.any(policies)
            else:
                self._own_roles = True

    @property
    def grantee(self) -> iam.IGrantable:
        """What takes the grants.

        Raises:
            ValueError: if nodes have a role of their own, which takes them instead.
        """
        if self._own_roles:
            raise ValueError(
                f"nodes of {self._cluster.node.path} have a role of their own: grant to that role"
            )
        if self._policy is None:
            self._policy = iam.ManagedPolicy(self._cluster, self._construct_id, path=POLICY_PATH)
        return self._policy

    @property
    def granted(self) -> list[dict[str, str]]:
        """The policy as the configuration names it; nothing without a grant."""
        return [{"Policy": self._policy.managed_policy_arn}] if self._policy else []


@jsii.implements(cdk.IStableAnyProducer)
class _Policies:
    """`AdditionalIamPolicies` of a node: a grant may come until the template is written."""

    def __init__(self, given: Sequence[dict[str, str]], permissions: NodePermissions) -> None:
        self._given = list(given)
        self._permissions = permissions

    def produce(self) -> Any:
        return [*self._given, *self._permissions.granted]
