"""What ParallelCluster's provider may do.

The actions are those of ParallelCluster's published policies for version 3.16, without AWS
Batch, login nodes and image building, which no cluster configuration uses.
"""

from __future__ import annotations

from collections.abc import Sequence

from gotocloud.constructs.boundary import CLUSTER_ROLES, boundary_arn
from gotocloud.constructs.cluster_guard import cluster_guard_arn
from gotocloud.constructs.policy import PARTITION, Statement
from gotocloud.contract.project_bucket import project_buckets
from gotocloud.contract.tags import CLUSTER_TAG

NODE_POLICIES = ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")
"""AWS's own policies that ParallelCluster attaches to the roles of nodes."""

NODE_KINDS = (
    "capacity-reservation",
    "elastic-ip",
    "fleet",
    "instance",
    "key-pair",
    "launch-template",
    "network-interface",
    "placement-group",
    "security-group",
    "security-group-rule",
    "spot-instances-request",
    "subnet",
    "volume",
    "vpc",
)
"""Kinds of EC2 resources that nodes are made of, or stand in."""


class Place:
    """What the ARNs of an account are made of.

    Args:
        account: Account id.
        regions: Regions in which the provider works.
    """

    def __init__(self, account: str, regions: Sequence[str]) -> None:
        self.partition = PARTITION
        self.account = account
        self.here = {"StringEquals": {"aws:RequestedRegion": list(regions)}}

    def arn(self, service: str, resource: str) -> str:
        """ARN of something of the account, in any region."""
        return f"arn:{self.partition}:{service}:*:{self.account}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """ARN of something that belongs to no region."""
        account = self.account if service in ("iam", "cloudwatch") else ""
        return f"arn:{self.partition}:{service}::{account}:{resource}"


def machine_statements(place: Place) -> list[Statement]:
    """EC2: nodes with their templates, networks and volumes."""
    return [
        Statement(
            sid="RunNodes",
            actions=[
                "ec2:AllocateAddress",
                "ec2:AssociateAddress",
                "ec2:AttachNetworkInterface",
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:CreateFleet",
                "ec2:CreateLaunchTemplate",
                "ec2:CreateLaunchTemplateVersion",
                "ec2:CreateNetworkInterface",
                "ec2:CreatePlacementGroup",
                "ec2:CreateSecurityGroup",
                "ec2:CreateSnapshot",
                "ec2:CreateTags",
                "ec2:CreateVolume",
                "ec2:DeleteLaunchTemplate",
                "ec2:DeleteNetworkInterface",
                "ec2:DeletePlacementGroup",
                "ec2:DeleteSecurityGroup",
                "ec2:DeleteTags",
                "ec2:DeleteVolume",
                "ec2:DisassociateAddress",
                "ec2:ModifyLaunchTemplate",
                "ec2:ModifyNetworkInterfaceAttribute",
                "ec2:ModifyVolume",
                "ec2:ModifyVolumeAttribute",
                "ec2:ReleaseAddress",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
                "ec2:RunInstances",
                "ec2:TerminateInstances",
            ],
            resources=[
                *(place.arn("ec2", f"{kind}/*") for kind in NODE_KINDS),
                f"arn:{place.partition}:ec2:*::image/*",
                f"arn:{place.partition}:ec2:*::snapshot/*",
            ],
            conditions=place.here,
            why="ParallelCluster makes and removes nodes of every kind that a cluster has; "
            "their ids are AWS's, and images and snapshots are those that AWS publishes.",
        ),
        Statement(
            sid="SeeEverythingInEc2",
            actions=["ec2:Describe*"],
            why="Read-only; these actions know no resources, and ParallelCluster's validators "
            "look at instance types, offerings, capacity, images and networks.",
        ),
        Statement(
            sid="KeepFleetState",
            actions=[
                "dynamodb:CreateTable",
                "dynamodb:DeleteTable",
                "dynamodb:DescribeTable",
                "dynamodb:GetItem",
                "dynamodb:ListTagsOfResource",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:TagResource",
                "dynamodb:UpdateItem",
            ],
            resources=[place.arn("dynamodb", "table/parallelcluster-*")],
            conditions=place.here,
            why="One table for each cluster, named after it.",
        ),
    ]


def stack_statements(place: Place) -> list[Statement]:
    """CloudFormation, names, dashboards, logs and functions of a cluster."""
    functions = [
        place.arn("lambda", f"function:{name}-*") for name in ("parallelcluster", "pcluster")
    ]
    log_groups = (
        "/aws/parallelcluster/*",
        "/aws/lambda/parallelcluster-*",
        "/aws/lambda/pcluster-*",
    )
    each = "One for each cluster, with a name that ParallelCluster makes up."
    return [
        Statement(
            sid="CreateClusterStacks",
            actions=["cloudformation:CreateStack"],
            resources=[place.arn("cloudformation", "stack/*")],
            conditions={
                **place.here,
                "ForAnyValue:StringEquals": {"aws:TagKeys": [CLUSTER_TAG]},
            },
            why="The stack of a cluster has the cluster's name; the tag admits those only.",
        ),
        Statement(
            sid="TagNewClusterStacks",
            actions=["cloudformation:TagResource"],
            resources=[place.arn("cloudformation", "stack/*")],
            # By itself it would make any stack of the account look like one of a cluster.
            conditions={"StringEquals": {"cloudformation:CreateAction": ["CreateStack"]}},
            why="The stack of a cluster has the cluster's name; it gets its tags when it is made.",
        ),
        Statement(
            sid="FollowClusterStacks",
            actions=[
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResource",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
            ],
            resources=[place.arn("cloudformation", "stack/*")],
            why=each,
        ),
        Statement(
            sid="ChangeClusterStacks",
            actions=["cloudformation:DeleteStack", "cloudformation:UpdateStack"],
            resources=[place.arn("cloudformation", "stack/*")],
            conditions={"Null": {f"aws:ResourceTag/{CLUSTER_TAG}": "false"}},
            why="The stack of a cluster has the cluster's name; the tag admits those only.",
        ),
        Statement(
            sid="NameNodes",
            actions=[
                "route53:ChangeResourceRecordSets",
                "route53:ChangeTagsForResource",
                "route53:GetHostedZone",
                "route53:ListQueryLoggingConfigs",
                "route53:ListResourceRecordSets",
                "route53:DeleteHostedZone",
            ],
            resources=[place.global_arn("route53", "hostedzone/*")],
            why="Each cluster has a private zone, whose id Route 53 gives.",
        ),
        Statement(
            sid="CreateNodeZones",
            actions=["route53:CreateHostedZone", "route53:GetChange", "route53:ListHostedZones"],
            why="The zone does not exist yet: these actions know no resource that could be named.",
        ),
        Statement(
            sid="WatchClusters",
            actions=[
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DeleteDashboards",
                "cloudwatch:GetDashboard",
                "cloudwatch:PutDashboard",
                "cloudwatch:PutMetricAlarm",
            ],
            resources=[
                place.arn("cloudwatch", "alarm:*"),
                place.global_arn("cloudwatch", "dashboard/*"),
            ],
            why=each,
        ),
        Statement(
            sid="WatchHeadNodes",
            actions=["cloudwatch:DescribeAlarms", "cloudwatch:PutCompositeAlarm"],
            why="CloudWatch takes both with every alarm as resource only: a narrower scope is "
            "denied (its API reference). An alarm of alarms sends nothing by itself.",
        ),
        Statement(
            sid="KeepLogs",
            actions=[
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DeleteLogGroup",
                "logs:DeleteMetricFilter",
                "logs:DescribeMetricFilters",
                "logs:PutLogEvents",
                "logs:PutMetricFilter",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            resources=[place.arn("logs", f"log-group:{name}") for name in log_groups],
            why=each,
        ),
        Statement(
            sid="SeeWhatHappens",
            actions=[
                # Without the name of a stack, DescribeStacks is a call on all of them.
                "cloudformation:DescribeStacks",
                "cloudformation:ListStacks",
                "logs:DescribeLogGroups",
                "resource-groups:GetGroupConfiguration",
                "resource-groups:ListGroupResources",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ],
            why="Lists and traces: these actions know no resources.",
        ),
        Statement(
            sid="RunClusterFunctions",
            actions=[
                "lambda:AddPermission",
                "lambda:CreateFunction",
                "lambda:DeleteFunction",
                "lambda:GetFunction",
                "lambda:GetFunctionConfiguration",
                "lambda:InvokeFunction",
                "lambda:ListTags",
                "lambda:RemovePermission",
                "lambda:TagResource",
                "lambda:UntagResource",
                "lambda:UpdateFunctionConfiguration",
            ],
            resources=functions,
            conditions=place.here,
            why=each,
        ),
        Statement(
            sid="AskAgainLater",
            actions=[
                "events:DeleteRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
            ],
            resources=[place.arn("events", "rule/*")],
            conditions=place.here,
            why="The provider wakes itself every two minutes with a rule that it names itself.",
        ),
    ]


def access_statements(place: Place) -> list[Statement]:
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
    place: Place, releases_bucket: str, releases_account: str, stack_name: str
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
