"""What ParallelCluster's provider may do: machines, and the stacks of clusters.

The actions are those of ParallelCluster's published policies for version 3.16, without AWS
Batch, login nodes and image building, which no cluster configuration uses.
"""

from __future__ import annotations

from collections.abc import Sequence

from gotocloud.constructs.policy import PARTITION, Statement
from gotocloud.contract.tags import CLUSTER_TAG

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


class ArnParts:
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


def machine_statements(place: ArnParts) -> list[Statement]:
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
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeContributorInsights",
                "dynamodb:DescribeKinesisStreamingDestination",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:GetItem",
                "dynamodb:GetResourcePolicy",
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


def stack_statements(place: ArnParts) -> list[Statement]:
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
            sid="TagClusterStacks",
            actions=["cloudformation:TagResource"],
            resources=[place.arn("cloudformation", "stack/*")],
            # By itself it would make any stack of the account look like one of a cluster.
            # UpdateStack: ParallelCluster changes a stack to keep its logs before it deletes it,
            # and the call is allowed on stacks of clusters only.
            conditions={
                "StringEquals": {"cloudformation:CreateAction": ["CreateStack", "UpdateStack"]}
            },
            why="The stack of a cluster has the cluster's name; it gets its tags when it is made.",
        ),
        Statement(
            sid="FollowClusterStacks",
            actions=[
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResource",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
                "cloudformation:GetStackPolicy",
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
                "route53:ListTagsForResource",
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
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutDashboard",
                "cloudwatch:PutMetricAlarm",
                # Stacks give their tags to the alarms in them.
                "cloudwatch:TagResource",
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
                "logs:GetDataProtectionPolicy",
                "logs:ListTagsForResource",
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
                "logs:DescribeIndexPolicies",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
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
                "lambda:GetFunctionCodeSigningConfig",
                "lambda:GetFunctionConfiguration",
                "lambda:GetFunctionRecursionConfig",
                "lambda:GetFunctionScalingConfig",
                "lambda:GetRuntimeManagementConfig",
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
