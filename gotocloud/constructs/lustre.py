"""The working file system of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import aws_cdk as cdk
import jsii
from aws_cdk import CfnTag, RemovalPolicy, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_s3 as s3
from constructs import Construct

from gotocloud.cluster_configs.lustre_sizes import Deployment, lustre_size_problem
from gotocloud.contract.ports import LUSTRE_PORTS

VERSION = "2.15"
"""Lustre version; data repository associations need 2.12 or newer."""

EVENTS = ("NEW", "CHANGED", "DELETED")


@jsii.implements(ec2.IConnectable)
class Lustre(Construct):
    """FSx for Lustre, kept in step with the project's bucket in both directions.

    What is created, changed or deleted on one side follows on the other, all the time.
    The file system dies with the stack; the bucket does not.

    Args:
        vpc: The group's VPC.
        subnet_id: The subnet of the compute nodes.
        size_gib: One of `lustre_sizes_gib`; may be a CDK token.
        bucket: The project's bucket.
        deployment: Default: SCRATCH_2, not replicated and the cheapest.
        throughput_mb_per_s_per_tib: For PERSISTENT_2 only. Default: 125, its lowest.

    Raises:
        ValueError: if FSx sells no such file system.
    """

    THROUGHPUTS: ClassVar[tuple[int, ...]] = (125, 250, 500, 1000)

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnet_id: str,
        size_gib: int,
        bucket: s3.IBucket,
        deployment: Deployment = Deployment.SCRATCH_2,
        throughput_mb_per_s_per_tib: int | None = None,
    ) -> None:
        problem = (
            None if Token.is_unresolved(size_gib) else lustre_size_problem(size_gib, deployment)
        )
        problems = [problem] if problem else []
        throughput = self._throughput(deployment, throughput_mb_per_s_per_tib, problems)
        if problems:
            raise ValueError("; ".join(problems))
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Lustre servers and the nodes that mount it, among themselves",
            allow_all_outbound=False,
        )
        self._connections = ec2.Connections(
            security_groups=[self.security_group], default_port=ec2.Port.tcp(LUSTRE_PORTS[0][0])
        )
        self.file_system = fsx.CfnFileSystem(
            self,
            "FileSystem",
            file_system_type="LUSTRE",
            file_system_type_version=VERSION,
            storage_type="SSD",
            storage_capacity=size_gib,
            subnet_ids=[subnet_id],
            security_group_ids=[self.security_group.security_group_id],
            lustre_configuration=fsx.CfnFileSystem.LustreConfigurationProperty(
                deployment_type=deployment.value,
                data_compression_type="LZ4",
                per_unit_storage_throughput=throughput,
                # Backups belong to the bucket; SCRATCH_2 takes none at all:
                # https://docs.aws.amazon.com/fsx/latest/LustreGuide/using-backups-fsx.html
                automatic_backup_retention_days=0
                if deployment is Deployment.PERSISTENT_2
                else None,
            ),
            tags=[CfnTag(key="Name", value=cdk.Aws.STACK_NAME)],
        )
        self.file_system.apply_removal_policy(RemovalPolicy.DESTROY)
        # FSx refuses a file system whose security group does not pass Lustre yet:
        # https://docs.aws.amazon.com/fsx/latest/LustreGuide/limit-access-security-groups.html
        self.file_system.node.add_dependency(*self._rules())
        self._associate(bucket)

    @property
    def file_system_id(self) -> str:
        """Id of the file system."""
        return self.file_system.ref

    @property
    def connections(self) -> ec2.Connections:
        """Who may reach the file system: resources with its security group."""
        return self._connections

    def _throughput(
        self, deployment: Deployment, given: int | None, problems: list[str]
    ) -> int | None:
        if deployment is Deployment.SCRATCH_2:
            if given is not None:
                problems.append("SCRATCH_2 takes no throughput; PERSISTENT_2 does")
            return None
        chosen = given or self.THROUGHPUTS[0]
        if chosen not in self.THROUGHPUTS:
            allowed = ", ".join(map(str, self.THROUGHPUTS))
            problems.append(f"a throughput of {chosen} is not sold; {allowed} are")
        return chosen

    def _rules(self) -> Iterator[cdk.CfnResource]:
        # Not `allow_internally`: its logical ids hold the name of the stack.
        group = self.security_group.security_group_id
        for first, last in LUSTRE_PORTS:
            yield ec2.CfnSecurityGroupIngress(
                self,
                f"From{first}",
                group_id=group,
                source_security_group_id=group,
                ip_protocol="tcp",
                from_port=first,
                to_port=last,
                description="Lustre traffic between servers and nodes",
            )
            yield ec2.CfnSecurityGroupEgress(
                self,
                f"To{first}",
                group_id=group,
                destination_security_group_id=group,
                ip_protocol="tcp",
                from_port=first,
                to_port=last,
                description="Lustre traffic between servers and nodes",
            )

    def _associate(self, bucket: s3.IBucket) -> None:
        events = list(EVENTS)
        association = fsx.CfnDataRepositoryAssociation(
            self,
            "ProjectData",
            file_system_id=self.file_system_id,
            file_system_path="/",
            data_repository_path=f"s3://{bucket.bucket_name}",
            batch_import_meta_data_on_create=True,
            s3=fsx.CfnDataRepositoryAssociation.S3Property(
                auto_import_policy=fsx.CfnDataRepositoryAssociation.AutoImportPolicyProperty(
                    events=events
                ),
                auto_export_policy=fsx.CfnDataRepositoryAssociation.AutoExportPolicyProperty(
                    events=events
                ),
            ),
        )
        association.apply_removal_policy(RemovalPolicy.DESTROY)
