"""What ParallelCluster's provider may do: roles of nodes, buckets and file systems."""

from __future__ import annotations

from gotocloud.constructs.boundary import CLUSTER_ROLES, boundary_arn
from gotocloud.constructs.cluster_guard import cluster_guard_arn
from gotocloud.constructs.policy import Statement
from gotocloud.constructs.provider_permissions import ArnParts
from gotocloud.contract.project_bucket import project_buckets

NODE_POLICIES = ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")
"""AWS's own policies that ParallelCluster attaches to the roles of nodes."""


def access_statements(place: ArnParts) -> list[Statement]:
    """IAM: bounded roles of nodes, under ParallelCluster's own path."""
    roles = place.global_arn("iam", f"role/{CLUSTER_ROLES}/*")
    bounded = {
        "StringEquals": {"iam:PermissionsBoundary": boundary_arn(place.partition, place.account)}
    }
    path = "ParallelCluster's own IAM path, one folder for each cluster."
    return [
        Statement(
            sid="MakeBoundedRoles",
            actions=["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"],
            resources=[roles],
            conditions=bounded,
            why=path,
        ),
        Statement(
            sid="AttachNodePolicies",
            actions=["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
            resources=[roles],
            conditions={
                **bounded,
                "ArnEquals": {
                    "iam:PolicyARN": [
                        *(
                            f"arn:{place.partition}:iam::aws:policy/{name}"
                            for name in NODE_POLICIES
                        ),
                        cluster_guard_arn(place.partition, place.account),
                    ]
                },
            },
            why=path,
        ),
        Statement(
            sid="RemoveRoles",
            actions=["iam:DeleteRole", "iam:TagRole", "iam:UntagRole"],
            resources=[roles],
            why=path,
        ),
        Statement(
            sid="ManageInstanceProfiles",
            actions=[
                "iam:AddRoleToInstanceProfile",
                "iam:CreateInstanceProfile",
                "iam:DeleteInstanceProfile",
                "iam:RemoveRoleFromInstanceProfile",
                "iam:TagInstanceProfile",
            ],
            resources=[place.global_arn("iam", f"instance-profile/{CLUSTER_ROLES}/*")],
            why=path,
        ),
        Statement(
            sid="GiveRolesToNodes",
            actions=["iam:PassRole"],
            resources=[roles],
            conditions={
                "StringEquals": {
                    "iam:PassedToService": ["ec2.amazonaws.com", "lambda.amazonaws.com"]
                }
            },
            why=path,
        ),
        Statement(
            sid="SeeIam",
            actions=[
                "iam:GetInstanceProfile",
                "iam:GetPolicy",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:SimulatePrincipalPolicy",
            ],
            resources=[
                place.global_arn("iam", "instance-profile/*"),
                place.global_arn("iam", "policy/*"),
                place.global_arn("iam", "role/*"),
                f"arn:{place.partition}:iam::aws:policy/*",
            ],
            why="Read-only: validators look at the roles and policies that a configuration names.",
        ),
        Statement(
            sid="GiveServicesTheirRoles",
            actions=["iam:CreateServiceLinkedRole"],
            resources=[place.global_arn("iam", "role/aws-service-role/*")],
            conditions={
                "StringEquals": {
                    "iam:AWSServiceName": [
                        "fsx.amazonaws.com",
                        "s3.data-source.lustre.fsx.amazonaws.com",
                        "spot.amazonaws.com",
                    ]
                }
            },
            why="AWS names its service-linked roles itself; the condition names the services.",
        ),
    ]


def file_statements(
    place: ArnParts, releases_bucket: str, releases_account: str, stack_name: str
) -> list[Statement]:
    """S3 and file systems."""
    s3 = f"arn:{place.partition}:s3:::"
    own = {"StringEquals": {"s3:ResourceAccount": place.account}}
    return [
        Statement(
            sid="KeepClusterFiles",
            actions=[
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetBucketLocation",
                "s3:GetBucketVersioning",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:PutObject",
            ],
            resources=[
                f"{s3}parallelcluster-*",
                f"{s3}{stack_name}-*",
            ],
            conditions=own,
            why="ParallelCluster's bucket for each region, whose name ends in a hash, and the "
            "provider's own, which CloudFormation names after its stack.",
        ),
        Statement(
            sid="MakeClusterBucket",
            actions=[
                "s3:CreateBucket",
                "s3:PutBucketPolicy",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
            ],
            resources=[f"{s3}parallelcluster-*"],
            why="ParallelCluster's bucket for each region, whose name ends in a hash.",
        ),
        Statement(
            sid="ReadParallelCluster",
            actions=["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
            resources=[f"{s3}*-aws-parallelcluster", f"{s3}*-aws-parallelcluster/*"],
            why="AWS's own buckets with ParallelCluster's files, one for each region.",
        ),
        Statement(
            sid="LookAtNodeScripts",
            actions=["s3:GetObject"],
            resources=[f"{s3}{releases_bucket}/releases/*"],
            conditions={"StringEquals": {"s3:ResourceAccount": releases_account}},
            why="The node scripts of every published version.",
        ),
        Statement(
            sid="LookAtProjectBuckets",
            actions=["s3:GetBucketLocation", "s3:ListBucket"],
            resources=[f"{s3}{project_buckets(place.account)}"],
            conditions=own,
            why="Validators look whether the project's bucket is there.",
        ),
        Statement(
            sid="SeeLustre",
            actions=["fsx:DescribeDataRepositoryAssociations", "fsx:DescribeFileSystems"],
            why="Read-only, and FSx has no resources for it: validators look at the Lustre "
            "that the cluster mounts.",
        ),
    ]
