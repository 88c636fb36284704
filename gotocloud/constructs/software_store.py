"""A file system that holds ready-made software: encrypted, kept, and reached over TLS only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.policy import acknowledge
from gotocloud.constructs.zoned_network import ZonedNetwork
from gotocloud.contract.ports import NFS_PORT

NFS = ec2.Port.tcp(NFS_PORT)

READ = ("elasticfilesystem:ClientMount",)
READ_ALL = (*READ, "elasticfilesystem:ClientRootAccess")
WRITE = (*READ_ALL, "elasticfilesystem:ClientWrite")


class SoftwareStore(Construct):
    """An EFS file system with a mount target in every subnet of a network.

    It outlives its stack. All that reach a mount target may read, over TLS; writing takes
    one of the named roles.

    Args:
        name: Name in the console.
        network: Where the mount targets stand.
        backed_up: Whether AWS Backup keeps daily copies.
        writers: Roles that may write.
        root_readers: Roles that may read every file, whatever its owner.
            Default: only the writers.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        network: ZonedNetwork,
        backed_up: bool,
        writers: Sequence[iam.IRole],
        root_readers: Sequence[iam.IRole] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=network.vpc,
            description=f"Mount targets of {name}: NFS from those who are named",
            allow_all_outbound=False,
        )
        self.file_system = efs.CfnFileSystem(
            self,
            "FileSystem",
            encrypted=True,
            backup_policy=efs.CfnFileSystem.BackupPolicyProperty(
                status="ENABLED" if backed_up else "DISABLED"
            ),
            lifecycle_policies=[
                efs.CfnFileSystem.LifecyclePolicyProperty(transition_to_ia="AFTER_30_DAYS"),
                efs.CfnFileSystem.LifecyclePolicyProperty(
                    transition_to_primary_storage_class="AFTER_1_ACCESS"
                ),
            ],
            performance_mode="generalPurpose",
            throughput_mode="elastic",
            file_system_policy=_file_system_policy(writers, root_readers),
            file_system_tags=[
                efs.CfnFileSystem.ElasticFileSystemTagProperty(key="Name", value=name)
            ],
        )
        self.file_system.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.mount_targets = {
            zone: efs.CfnMountTarget(
                self,
                "Zone" + zone.rpartition("-az")[2] + "MountTarget",
                file_system_id=self.file_system.ref,
                subnet_id=subnet.ref,
                security_groups=[self.security_group.security_group_id],
            )
            for zone, subnet in network.subnets.items()
        }
        acknowledge(
            self.file_system,
            {
                "NIST.800.53.R5-EFSInBackupPlan": "EFS's own backup policy puts the master into "
                "AWS Backup's default plan; a replica is filled again from the master "
                "by `gotocloud software replicate` and needs none.",
            },
        )

    @property
    def file_system_id(self) -> str:
        """Id of the file system."""
        return self.file_system.ref

    @property
    def addresses(self) -> str:
        """Its mount targets: "zone-id=ip,…"."""
        return Fn.join(
            ",",
            [f"{zone}={target.attr_ip_address}" for zone, target in self.mount_targets.items()],
        )

    def security_group_arn(self, group: ec2.ISecurityGroup) -> str:
        """ARN of a security group of this stack, which DataSync needs instead of its id."""
        return Stack.of(self).format_arn(
            service="ec2", resource="security-group", resource_name=group.security_group_id
        )


def _file_system_policy(
    writers: Sequence[iam.IRole], root_readers: Sequence[iam.IRole]
) -> dict[str, Any]:
    statements: list[dict[str, Any]] = [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            # The network decides who: mount targets answer named networks only.
            "Sid": "Read",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": list(READ),
            "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        },
    ]
    for sid, roles, actions in (("ReadAll", root_readers, READ_ALL), ("Write", writers, WRITE)):
        if roles:
            statements.append(
                {
                    "Sid": sid,
                    "Effect": "Allow",
                    "Principal": {"AWS": [role.role_arn for role in roles]},
                    "Action": list(actions),
                    "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
                }
            )
    return {"Version": "2012-10-17", "Statement": statements}
