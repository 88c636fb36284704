"""CloudFormation stacks: their names, their parameters and their outputs."""

from __future__ import annotations

from enum import StrEnum

MANAGEMENT_STACK = "gotocloud-management"
REGION_STACK = "gotocloud-region"
USER_STACK = "gotocloud-user"
PROJECT_STACK_PREFIX = "gotocloud-project-"
CLUSTER_STACK_PREFIX = "gotocloud-cluster-"

ASSEMBLY_MANIFEST = "manifest.json"
ASSEMBLY_STACK = "aws:cloudformation:stack"
"""A cloud assembly of the CDK: its list of artefacts, and the type of those that are stacks.

Source: aws-cdk-lib, cloud-assembly-schema, `ArtifactType`.
"""

CLUSTER_RESOURCE = "Custom::PclusterCluster"
"""Type of the resource that ParallelCluster's provider makes. Source: its CloudFormation guide."""


class ManagementOutput(StrEnum):
    """Outputs of the management account's stack in the home region."""

    DISTRIBUTION_BUCKET = "DistributionBucketName"
    ACCEPTOR_ROLE_ARN = "AcceptorRoleArn"
    """One for each chunk of groups; see `of_chunk`."""

    MASTER_FILE_SYSTEM_ID = "MasterFileSystemId"
    MASTER_ACCESS_POINT_ID = "MasterReadOnlyAccessPointId"
    BUILD_HOST_LAUNCH_TEMPLATE_ID = "BuildHostLaunchTemplateId"

    def of_chunk(self, chunk: int) -> str:
        """The output of one chunk of groups."""
        return f"{self}{chunk}"


class ShareOutput(StrEnum):
    """Outputs of a region's stack, one set for each share."""

    VPC_ID = "VpcId"
    CIDR = "Cidr"
    ROUTE_TABLE_ID = "RouteTableId"
    FILE_SYSTEM_ID = "FileSystemId"
    MOUNT_TARGETS = "MountTargets"

    def of_share(self, shard: int) -> str:
        """The output of one share."""
        return f"Share{shard}{self}"


class UserOutput(StrEnum):
    """Outputs of a group's stack; programs read the group's facts instead."""

    VPC_ID = "VpcId"
    PEERING_ID = "PeeringId"
    SCIENTIST_ROLE_ARN = "ScientistRoleArn"
    CLUSTER_SERVICE_ROLE_ARN = "ClusterServiceRoleArn"
    COST_ALLOCATION_TAGS = "CostAllocationTags"
    SIGN_IN_ADDRESS = "SignInAddress"
    LOGIN_COMMAND = "LoginCommand"
    INSTALL_FROM = "InstallFrom"


class ProjectParameter(StrEnum):
    """Parameters of a project's stack."""

    PROJECT = "Project"
    SCIENTIST = "Scientist"
    BUCKET_NAME = "BucketName"
    BUCKET_ORIGIN = "BucketOrigin"
    """`BUCKET_NEW` or `BUCKET_KEPT`."""

    ARCHIVE_AFTER_DAYS = "ArchiveAfterDays"
    """One of `ARCHIVE_AGES_DAYS`."""

    KEY_PAIR_NAME = "KeyPairName"


class ProjectOutput(StrEnum):
    """Outputs of a project's stack."""

    BUCKET_NAME = "BucketName"
    KEY_PAIR_NAME = "KeyPairName"


class ClusterParameter(StrEnum):
    """Parameters of a cluster's stack, besides the group's facts (`Fact.parameter`)."""

    PROJECT = "Project"
    SCIENTIST = "Scientist"
    BUCKET_NAME = "BucketName"
    CLUSTER_NAME = "ClusterName"
    LUSTRE_GIB = "LustreGib"
    CAPACITY = "Capacity"
    """One of `CAPACITIES`."""

    KEEP_HOURS = "KeepHours"
    """For how many hours the cluster is kept; 0 as long as it is used."""

    COMPUTE_CIDR = "ComputeSubnetCidr"


class ClusterOutput(StrEnum):
    """Outputs of a cluster's stack."""

    CLUSTER_NAME = "ClusterName"
    HEAD_NODE_INSTANCE_ID = "HeadNodeInstanceId"
    HEAD_NODE_PUBLIC_IP = "HeadNodePublicIp"
    LUSTRE_FILE_SYSTEM_ID = "LustreFileSystemId"
    DESKTOP_SECURITY_GROUP_ID = "DesktopSecurityGroupId"


FOR_PEOPLE: tuple[StrEnum, ...] = (
    *UserOutput,
    *ProjectOutput,
    ManagementOutput.MASTER_FILE_SYSTEM_ID,
    ManagementOutput.MASTER_ACCESS_POINT_ID,
    ManagementOutput.BUILD_HOST_LAUNCH_TEMPLATE_ID,
)
"""Outputs that no program reads: they are for people, in the console and in the documents."""

CAPACITIES = ("on-demand", "spot")
"""Where jobs run unless their form selects a queue; the first is the default."""

MOST_KEEP_HOURS = 720
"""Thirty days: the longest time that a cluster can be kept; it can be extended."""

NEVER_ARCHIVED = 0
ARCHIVE_AGES_DAYS = (NEVER_ARCHIVED, 30, 90, 180, 365)
"""After how many days a project's objects move to Glacier Instant Retrieval; never by default."""

BUCKET_NEW = "new"
BUCKET_KEPT = "kept"
"""Kept from an earlier project: the stack does not create it, and does not change its settings."""
