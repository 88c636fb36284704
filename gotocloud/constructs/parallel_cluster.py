"""The construct that the CDK lacks: an AWS ParallelCluster."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.cluster_configs.engine import Engine
from gotocloud.cluster_configs.limits import cluster_name_problem
from gotocloud.cluster_configs.model import ClusterConfiguration
from gotocloud.cluster_configs.renderer import ClusterSite, render
from gotocloud.constructs.cluster_guard import BUCKET_TAG
from gotocloud.constructs.cluster_network import ClusterNetwork
from gotocloud.constructs.desktop import Desktop
from gotocloud.constructs.lustre import Lustre
from gotocloud.constructs.project_tags import ProjectTags
from gotocloud.platform.names import SESSION_DOCUMENTS

RESOURCE_TYPE = "Custom::PclusterCluster"


@dataclass(frozen=True, kw_only=True)
class SoftwareMount:
    """The ready-made software that every node mounts; values may be CDK tokens.

    Args:
        file_system_id: The software file system of the group's region.
        mount_targets: "zone-id=ip,…", from which a node picks the one of its own zone.
        distribution_bucket: Bucket that holds the node script.
        script_url: s3:// URL of the node script of this release.
    """

    file_system_id: str
    mount_targets: str
    distribution_bucket: str
    script_url: str


@dataclass(frozen=True, kw_only=True)
class HeadNodeSetup:
    """What makes a head node the project's own; values may be CDK tokens.

    Args:
        script_url: s3:// URL of the head node's script of this release.
        facts: What the head node is told about its cluster.
        project_bucket: Bucket of the project, which the head node may read.
        guard: Policy with which the idle guard pauses this cluster.
    """

    script_url: str
    facts: Mapping[str, str]
    project_bucket: str
    guard: iam.IManagedPolicy


class ClusterBase(Construct):
    """What a cluster offers, whether made here or elsewhere.

    Args:
        cluster_name: Its name.
        head_node_instance_id: EC2 instance id of its head node.
        head_node_public_ip: Public address of its head node.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.cluster_name = ""
        self.head_node_instance_id = ""
        self.head_node_public_ip = ""

    def grant_start_session(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a shell and port forwarding on the head node, through Session Manager."""
        stack = cdk.Stack.of(self)
        documents = [
            stack.format_arn(
                service="ssm",
                account="" if document.startswith("AWS-") else None,
                resource="document",
                resource_name=document,
            )
            for document in SESSION_DOCUMENTS
        ]
        head_node = stack.format_arn(
            service="ec2", resource="instance", resource_name=self.head_node_instance_id
        )
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["ssm:StartSession"],
            resource_arns=[head_node, *documents],
        )


@jsii.implements(ec2.IConnectable)
class ParallelCluster(ClusterBase):
    """A ParallelCluster: head node with desktop, Slurm queues, Lustre and the software.

    CloudFormation hands the configuration to the group's ParallelCluster provider, which
    checks it and creates the cluster. Everything that ParallelCluster creates carries the
    permissions boundary.

    Args:
        cluster_name: At most 40 characters; may be a CDK token.
        configuration: The cluster configuration: head node, queues, Lustre.
        offered: Instance types that the zone offers; queues without any are left out.
        engine: The ParallelCluster of the provider.
        network: Where head node and compute nodes stand.
        lustre: The working file system.
        desktop: The door to the desktop.
        software: The software that nodes mount.
        head_node: What the head node is told, and may do.
        boundary: Permissions boundary of every role that ParallelCluster creates.
        provider_token: Service token of the group's ParallelCluster provider.
        tags: Whose cluster it is.

    Raises:
        ValueError: if the name cannot name a cluster.
        GoToCloudError: if no head node or no queue can be had in the zone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        configuration: ClusterConfiguration,
        offered: Container[str],
        engine: Engine,
        network: ClusterNetwork,
        lustre: Lustre,
        desktop: Desktop,
        software: SoftwareMount,
        head_node: HeadNodeSetup,
        boundary: iam.IManagedPolicy,
        provider_token: str,
        tags: ProjectTags,
    ) -> None:
        problem = None
        if not cdk.Token.is_unresolved(cluster_name):
            problem = cluster_name_problem(cluster_name)
        if problem:
            raise ValueError(problem)
        stack = cdk.Stack.of(scope)
        site = ClusterSite(
            engine=engine,
            region=stack.region,
            head_subnet_id=network.group.public_subnet_id,
            compute_subnet_id=network.subnet_id,
            lustre_file_system_id=lustre.file_system_id,
            lustre_security_group_id=lustre.security_group.security_group_id,
            desktop_security_group_id=desktop.security_group.security_group_id,
            boundary_arn=boundary.managed_policy_arn,
            distribution_bucket=software.distribution_bucket,
            node_script_url=software.script_url,
            head_node_script_url=head_node.script_url,
            facts=head_node.facts,
            project_bucket=head_node.project_bucket,
            guard_policy_arn=head_node.guard.managed_policy_arn,
            software_file_system_id=software.file_system_id,
            software_mount_targets=software.mount_targets,
            vpc_cidr=network.group.cidr,
            tags={**tags.pairs(), BUCKET_TAG: head_node.project_bucket},
            partition=stack.partition,
        )
        rendered = render(configuration, site, offered)
        super().__init__(scope, construct_id)
        self.resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type=RESOURCE_TYPE,
            service_token=provider_token,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            # No service timeout: CloudFormation hands it to the provider, which takes every
            # key that it does not know for an argument of pcluster and fails. Without one,
            # CloudFormation waits for an hour, which is also the longest it would wait.
            properties={
                "ClusterName": cluster_name,
                "ClusterConfiguration": rendered,
                "DeletionPolicy": "Delete",
            },
        )
        # Nodes need their ways out and a Lustre that answers until they are gone.
        self.resource.node.add_dependency(network.ways_out, lustre.ready)
        self.cluster_name = self.resource.ref
        self.head_node_instance_id = self.resource.get_att_string("headNode.instanceId")
        self.head_node_public_ip = self.resource.get_att_string("headNode.publicIpAddress")
        self.validation_messages = self.resource.get_att_string("validationMessages")
        self._connections = desktop.connections

    @property
    def connections(self) -> ec2.Connections:
        """Who may reach the desktop on the head node."""
        return self._connections

    @staticmethod
    def from_cluster_attributes(
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        head_node_instance_id: str,
        head_node_public_ip: str,
    ) -> ClusterBase:
        """A cluster that exists already.

        Args:
            cluster_name: Its name.
            head_node_instance_id: EC2 instance id of its head node.
            head_node_public_ip: Public address of its head node.
        """
        cluster = ClusterBase(scope, construct_id)
        cluster.cluster_name = cluster_name
        cluster.head_node_instance_id = head_node_instance_id
        cluster.head_node_public_ip = head_node_public_ip
        return cluster
