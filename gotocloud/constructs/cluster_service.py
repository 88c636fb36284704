"""The role with which CloudFormation creates projects and clusters."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, Policy, Statement
from gotocloud.contract.group_facts import PREFIX
from gotocloud.contract.names import CLUSTER_SERVICE_ROLE
from gotocloud.contract.project_bucket import project_buckets

FSX_ROLE = "aws-service-role/s3.data-source.lustre.fsx.amazonaws.com"

NETWORK_ACTIONS = (
    "ec2:AllocateAddress",
    "ec2:AssociateAddress",
    "ec2:AssociateRouteTable",
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateKeyPair",
    "ec2:CreateNatGateway",
    "ec2:CreateNetworkInterface",
    "ec2:CreateRoute",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateTags",
    "ec2:CreateVpcEndpoint",
    "ec2:DeleteKeyPair",
    "ec2:DeleteNatGateway",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteRoute",
    "ec2:DeleteRouteTable",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteSubnet",
    "ec2:DeleteTags",
    "ec2:DeleteVpcEndpoints",
    "ec2:DisassociateAddress",
    "ec2:DisassociateRouteTable",
    "ec2:GetSecurityGroupsForVpc",
    "ec2:ModifySubnetAttribute",
    "ec2:ModifyVpcEndpoint",
    "ec2:ReleaseAddress",
    "ec2:ReplaceRoute",
    "ec2:ReplaceRouteTableAssociation",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
    "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
)
"""EC2 calls behind the resources of ProjectStack and ClusterStack."""

NETWORK_KINDS = (
    "elastic-ip",
    "key-pair",
    "natgateway",
    "network-interface",
    "route-table",
    "security-group",
    "security-group-rule",
    "subnet",
    "vpc",
    "vpc-endpoint",
)
"""Kinds of EC2 resources that those calls touch."""

BUCKET_ACTIONS = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:GetAccelerateConfiguration",
    "s3:GetAnalyticsConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketNotification",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetIntelligentTieringConfiguration",
    "s3:GetInventoryConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetMetricsConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ListTagsForResource",
    "s3:PutBucketNotification",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
"""S3 calls for a project's bucket; deleting objects is not among them.

S3 deletes empty buckets only: those of a creation that is rolled back.
"""


class ClusterService(Construct):
    """CloudFormation's role for projects and clusters; scientists can use it, not be it.

    Args:
        regions: The group's regions.
    """

    def __init__(self, scope: Construct, construct_id: str, *, regions: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.role = iam.Role(
            self,
            "Role",
            role_name=CLUSTER_SERVICE_ROLE,
            description="CloudFormation creates projects and clusters with it.",
            assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),
        )
        for construct_id_, statements in (
            ("Infrastructure", infrastructure_statements(PARTITION, stack.account, regions)),
            ("Storage", storage_statements(PARTITION, stack.account, regions)),
        ):
            Policy(
                self,
                construct_id_,
                description=f"{construct_id_} of projects and clusters.",
                statements=statements,
                roles=[self.role],
            )


def infrastructure_statements(
    partition: str, account: str, regions: Sequence[str]
) -> list[Statement]:
    """Networks, key pairs, facts, and calling the ParallelCluster provider."""
    here = {"StringEquals": {"aws:RequestedRegion": list(regions)}}
    return [
        Statement(
            sid="BuildNetworks",
            actions=NETWORK_ACTIONS,
            resources=[f"arn:{partition}:ec2:*:{account}:{kind}/*" for kind in NETWORK_KINDS],
            conditions=here,
            why="What a cluster is made of gets its ids while it is created, and AWS needs "
            "permission on each kind that a call touches. CloudFormation alone can use this "
            "role, and scientists reach it with published templates only.",
        ),
        Statement(
            sid="SeeNetworks",
            actions=[
                "ec2:DescribeAccountAttributes",
                "ec2:DescribeAddresses",
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInstances",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeKeyPairs",
                "ec2:DescribeNatGateways",
                "ec2:DescribeNetworkAcls",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribePrefixLists",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroupRules",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeTags",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
            ],
            why="Read-only; EC2 has no resources for these actions.",
        ),
        Statement(
            sid="KeepPrivateKeys",
            actions=["ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:PutParameter"],
            resources=[f"arn:{partition}:ssm:*:{account}:parameter/ec2/keypair/*"],
            conditions=here,
            why="CloudFormation keeps the private half of a key pair under the pair's id.",
        ),
        Statement(
            sid="ReadFacts",
            actions=["ssm:GetParameter", "ssm:GetParameters"],
            resources=[f"arn:{partition}:ssm:*:{account}:parameter{PREFIX}/*"],
            conditions=here,
            why="The group's facts, with which launched templates are filled in.",
        ),
        Statement(
            sid="CallParallelCluster",
            actions=["lambda:InvokeFunction"],
            resources=[f"arn:{partition}:lambda:*:{account}:function:pcluster-cfn-*"],
            conditions=here,
            why="The provider's function has a name that ends in the id of its stack.",
        ),
    ]


def storage_statements(partition: str, account: str, regions: Sequence[str]) -> list[Statement]:
    """Project buckets and Lustre, with the association between the two."""
    here = {"StringEquals": {"aws:RequestedRegion": list(regions)}}
    buckets = f"arn:{partition}:s3:::{project_buckets(account)}"
    fsx = f"arn:{partition}:fsx:*:{account}"
    names = "Project buckets are named after scientist, account and project, behind a prefix "
    names += "that no other bucket has."
    return [
        Statement(
            sid="SetUpProjectBuckets", actions=BUCKET_ACTIONS, resources=[buckets], why=names
        ),
        Statement(
            sid="LetLustreExport",
            actions=["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            resources=[buckets, f"{buckets}/*"],
            why=f"{names} FSx proves with the caller's permissions that it may import and export.",
        ),
        Statement(
            sid="MakeLustre",
            actions=[
                "fsx:CreateDataRepositoryAssociation",
                "fsx:CreateFileSystem",
                "fsx:DeleteDataRepositoryAssociation",
                "fsx:DeleteFileSystem",
                "fsx:ListTagsForResource",
                "fsx:TagResource",
                "fsx:UntagResource",
                "fsx:UpdateDataRepositoryAssociation",
                "fsx:UpdateFileSystem",
            ],
            resources=[f"{fsx}:association/*", f"{fsx}:file-system/*"],
            conditions=here,
            why="File systems and associations get their ids while they are created.",
        ),
        Statement(
            sid="SeeLustre",
            actions=["fsx:DescribeDataRepositoryAssociations", "fsx:DescribeFileSystems"],
            why="Read-only; FSx has no resources for these actions.",
        ),
        Statement(
            sid="GiveFsxItsOwnRole",
            actions=["iam:CreateServiceLinkedRole"],
            resources=[f"arn:{partition}:iam::{account}:role/aws-service-role/*"],
            conditions={
                "StringEquals": {
                    "iam:AWSServiceName": [
                        "fsx.amazonaws.com",
                        "s3.data-source.lustre.fsx.amazonaws.com",
                    ]
                }
            },
            why="FSx names its two service-linked roles itself; the condition names FSx.",
        ),
        Statement(
            sid="LinkFsxWithBuckets",
            actions=[
                "iam:AttachRolePolicy",
                "iam:DeleteServiceLinkedRole",
                "iam:PutRolePolicy",
            ],
            resources=[f"arn:{partition}:iam::{account}:role/{FSX_ROLE}/*"],
            why="FSx appends an id to the name of this service-linked role, which no service but "
            "FSx can assume.",
        ),
    ]
