"""The construct that the CDK lacks: an AWS ParallelCluster."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.cluster_configs.engine import Engine, engine_of
from gotocloud.cluster_configs.fitting import fit, parse, problems
from gotocloud.cluster_configs.limits import cluster_name_problem
from gotocloud.cluster_configs.model import ClusterConfiguration
from gotocloud.cluster_configs.renderer import without_site
from gotocloud.cluster_configs.site import ClusterSite
from gotocloud.constructs.cluster_provider import ClusterProvider, IClusterProvider
from gotocloud.constructs.desktop import Desktop
from gotocloud.constructs.existing_cluster import (
    ExistingCluster,
    IParallelCluster,
    session_grant,
)
from gotocloud.constructs.node_setup import (
    NodePermissions,
    NodeSetup,
    SoftwareMount,
    extras,
)
from gotocloud.contract.head_node import LUSTRE_MOUNT
from gotocloud.contract.stacks import CLUSTER_RESOURCE
from gotocloud.errors import InputError

_ANY_IMAGE = "${Token[MachineImage]}"
"""Stands for the image until all has been checked: finding it may add constructs."""


class LustreFileSystem(Protocol):
    """Any FSx for Lustre: `gotocloud.constructs.Lustre`, `aws_fsx.LustreFileSystem`, or an
    imported one."""

    @property
    def file_system_id(self) -> str:
        """Id of the file system."""
        ...

    @property
    def connections(self) -> ec2.Connections:
        """Its security groups, which pass Lustre's ports among their members."""
        ...


@jsii.implements(ec2.IConnectable)
class ParallelCluster(Construct):
    """A ParallelCluster: a head node and Slurm queues, made by CloudFormation.

    CloudFormation gives the configuration to a ParallelCluster provider, which checks it and
    makes the cluster. It takes about ten minutes, and at most an hour.

    Args:
        configuration: What the cluster looks like: a `ClusterConfiguration`, or a configuration
            of ParallelCluster as a mapping or YAML text. It leaves its place open: region,
            subnets and everything below are added.
        vpc: The VPC of all nodes; SSH and the desktop are open to its addresses only.
        head_node_subnet: Subnet of the head node.
        compute_subnets: Subnets of the compute nodes, each with a way to AWS's services. Several
            are of different zones, which EFA and placement groups do not allow.
        cluster_name: Different from the stack's name. Default: made from the construct's path.
        provider: What makes the cluster. Default: `ClusterProvider.get_or_create`, one for each
            stack, with the newest ParallelCluster that GoToCloud supports.
        offered: Instance types that the zone offers, of which a `ClusterConfiguration` takes the
            first for each queue. Default: the zone offers all of them.
        lustre: File system that all nodes mount; nodes carry its security groups. Default: none;
            only the head node's own disk is shared.
        lustre_mount: Where they mount it. Default: "/fsx".
        desktop: Security group of a DCV desktop on the head node. Default: no desktop, unless
            the configuration has one.
        software: Software that every node mounts. Default: none.
        head_node: What else the head node gets, such as the policy of an idle guard.
            Default: nothing.
        compute_nodes: What else compute nodes get. Default: nothing.
        boundary: Permissions boundary of every role that ParallelCluster makes. Default: none.
        machine_image: Image of all nodes, made for the configuration's operating system and this
            ParallelCluster. Default: AWS's own.
        key_pair: Key pair for SSH. Default: none; Session Manager needs none.
        elastic_ip: Whether the head node gets an Elastic IP. Default: the subnet decides about
            its public address.
        tags: Tags of everything that ParallelCluster makes, besides those of the stack, which it
            takes over. Default: none.

    Raises:
        InputError: with every problem of name, configuration and place.
        GoToCloudError: if no head node or no queue can be had in the zone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: ClusterConfiguration | Mapping[str, Any] | str,
        vpc: ec2.IVpc,
        head_node_subnet: ec2.ISubnet,
        compute_subnets: Sequence[ec2.ISubnet],
        cluster_name: str | None = None,
        provider: IClusterProvider | None = None,
        offered: Container[str] | None = None,
        lustre: LustreFileSystem | None = None,
        lustre_mount: str = LUSTRE_MOUNT,
        desktop: Desktop | None = None,
        software: SoftwareMount | None = None,
        head_node: NodeSetup | None = None,
        compute_nodes: NodeSetup | None = None,
        boundary: iam.IManagedPolicy | None = None,
        machine_image: ec2.IMachineImage | None = None,
        key_pair: ec2.IKeyPair | None = None,
        elastic_ip: bool = False,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        raw = _without_site(configuration, offered)
        engine = provider.engine if provider else engine_of()
        stack = cdk.Stack.of(scope)
        every_node = [
            software.setup if software else None,
            NodeSetup(security_groups=lustre.connections.security_groups) if lustre else None,
        ]
        cidr, vpc_problems = _addresses(vpc)
        site = ClusterSite(
            engine=engine,
            region=stack.region,
            partition=stack.partition,
            head_subnet_id=head_node_subnet.subnet_id,
            compute_subnet_ids=[subnet.subnet_id for subnet in compute_subnets],
            allowed_cidr=cidr,
            head_node=extras(*every_node, head_node),
            compute=extras(*every_node, compute_nodes),
            desktop=desktop is not None,
            elastic_ip=elastic_ip,
            lustre_file_system_id=lustre.file_system_id if lustre else None,
            lustre_mount=lustre_mount,
            boundary_arn=boundary.managed_policy_arn if boundary else None,
            key_name=key_pair.key_pair_name if key_pair else None,
            image_id=_ANY_IMAGE if machine_image else None,
            tags=tags or {},
        )
        found = [*_name_problems(cluster_name, raw, engine, stack), *vpc_problems]
        if found := [*found, *problems(raw, site)]:
            raise InputError(f"The cluster {construct_id!r} cannot be made.", problems=found)
        super().__init__(scope, construct_id)
        head_group = desktop.security_group if desktop else self._head_node_group(vpc)
        fitted = fit(
            raw,
            replace(
                site,
                head_node=extras(NodeSetup(security_groups=[head_group]), *every_node, head_node),
                image_id=machine_image.get_image(self).image_id if machine_image else None,
            ),
        )
        queues = fitted["Scheduling"]["SlurmQueues"]
        self._head_node_permissions = NodePermissions(self, "HeadNodePolicy", [fitted["HeadNode"]])
        self._compute_permissions = NodePermissions(self, "ComputePolicy", queues)
        self.resource = self._resource(
            cluster_name or cdk.Names.unique_resource_name(self, max_length=40, separator="-"),
            fitted,
            provider or ClusterProvider.get_or_create(self),
        )
        # Nodes need their ways out, and a Lustre that answers, until they are gone.
        for subnet in (head_node_subnet, *compute_subnets):
            self.resource.node.add_dependency(subnet.internet_connectivity_established)
        if lustre:
            self.resource.node.add_dependency(*_unnamed_parts(lustre))
        self._connections = (
            desktop.connections
            if desktop
            else ec2.Connections(security_groups=[head_group], default_port=ec2.Port.SSH)
        )

    @property
    def cluster_name(self) -> str:
        """Name of the cluster."""
        return self.resource.ref

    @property
    def head_node_instance_id(self) -> str:
        """EC2 instance id of the head node."""
        return self.resource.get_att_string("headNode.instanceId")

    @property
    def head_node_private_ip(self) -> str:
        """Address of the head node in its subnet."""
        return self.resource.get_att_string("headNode.privateIpAddress")

    @property
    def head_node_public_ip(self) -> str:
        """Public address of the head node; CloudFormation fails where it is used without one."""
        return self.resource.get_att_string("headNode.publicIpAddress")

    @property
    def validation_messages(self) -> str:
        """The messages of ParallelCluster's validators about the configuration, as JSON."""
        return self.resource.get_att_string("validationMessages")

    @property
    def connections(self) -> ec2.Connections:
        """Who may reach the head node: its desktop, or SSH without a desktop."""
        return self._connections

    @property
    def head_node_permissions(self) -> iam.IGrantable:
        """The head node as a grantee: `bucket.grant_read(cluster.head_node_permissions)`.

        Raises:
            ValueError: if the configuration gives the head node a role of its own.
        """
        return self._head_node_permissions.grantee

    @property
    def compute_permissions(self) -> iam.IGrantable:
        """The compute nodes of all queues as a grantee.

        Raises:
            ValueError: if the configuration gives a queue a role of its own.
        """
        return self._compute_permissions.grantee

    def grant_start_session(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a shell and port forwarding on the head node, through Session Manager."""
        return session_grant(self, grantee, instance=self.head_node_instance_id)

    @staticmethod
    def from_cluster_name(
        scope: Construct, construct_id: str, cluster_name: str
    ) -> IParallelCluster:
        """A cluster of this account and region that exists already, by its name.

        Sessions can be granted; address and instance of its head node are not known.
        """
        return ExistingCluster(scope, construct_id, cluster_name=cluster_name)

    @staticmethod
    def from_cluster_attributes(
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        head_node_instance_id: str | None = None,
        head_node_public_ip: str | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
    ) -> IParallelCluster:
        """A cluster that exists already, with what is known of it.

        Args:
            cluster_name: Its name.
            head_node_instance_id: EC2 instance id of its head node.
            head_node_public_ip: Public address of its head node.
            security_groups: Security groups of its head node, for `connections`.
        """
        return ExistingCluster(
            scope,
            construct_id,
            cluster_name=cluster_name,
            head_node_instance_id=head_node_instance_id,
            head_node_public_ip=head_node_public_ip,
            security_groups=security_groups,
        )

    def _head_node_group(self, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            "HeadNodeSecurityGroup",
            vpc=vpc,
            description="Head node, beside the security group that ParallelCluster makes",
            # What the head node may send is in ParallelCluster's own security group.
            allow_all_outbound=False,
        )

    def _resource(
        self, cluster_name: str, configuration: dict[str, Any], provider: IClusterProvider
    ) -> cdk.CustomResource:
        return cdk.CustomResource(
            self,
            "Resource",
            resource_type=CLUSTER_RESOURCE,
            service_token=provider.token,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            # No service timeout: CloudFormation hands it to the provider, which takes every
            # key that it does not know for an argument of pcluster and fails. Without one,
            # CloudFormation waits for an hour, which is also the longest it would wait.
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-customresource.html
            properties={
                "ClusterName": cluster_name,
                "ClusterConfiguration": configuration,
                "DeletionPolicy": "Delete",
            },
        )


def _without_site(
    configuration: ClusterConfiguration | Mapping[str, Any] | str, offered: Container[str] | None
) -> Mapping[str, Any]:
    if isinstance(configuration, ClusterConfiguration):
        return without_site(configuration, offered)
    return parse(configuration) if isinstance(configuration, str) else configuration


def _unnamed_parts(lustre: LustreFileSystem) -> list[cdk.CfnResource]:
    """What nodes need of a file system although the configuration has no reference to it.

    A dependency on all of it would repeat the references, which cfn-lint reports (W3005).
    """
    kinds = (
        ec2.CfnSecurityGroupIngress,
        ec2.CfnSecurityGroupEgress,
        fsx.CfnDataRepositoryAssociation,
    )
    roots = [lustre, *lustre.connections.security_groups]
    parts = [one for root in roots if isinstance(root, Construct) for one in root.node.find_all()]
    return [one for one in parts if isinstance(one, kinds)]


def _addresses(vpc: ec2.IVpc) -> tuple[str, list[str]]:
    try:
        return vpc.vpc_cidr_block, []
    except RuntimeError:
        return "", ["vpc: its addresses are not known; import it with vpc_cidr_block"]


def _name_problems(
    name: str | None, configuration: Mapping[str, Any], engine: Engine, stack: cdk.Stack
) -> list[str]:
    if name is None or cdk.Token.is_unresolved(name):
        return []
    if name == stack.stack_name:
        return [
            f"cluster_name: {name!r} is the name of the stack, and ParallelCluster makes a stack "
            "with the cluster's name"
        ]
    settings = (configuration.get("Scheduling") or {}).get("SlurmSettings") or {}
    accounting = "Database" in settings or "ExternalSlurmdbd" in settings
    longest = (
        engine.max_cluster_name_characters_with_accounting
        if accounting
        else engine.max_cluster_name_characters
    )
    problem = cluster_name_problem(name, longest)
    return [f"cluster_name: {problem}"] if problem else []
