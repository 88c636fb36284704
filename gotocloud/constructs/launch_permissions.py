"""What scientists may do: launch what was reviewed, and work with what is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.end_permissions import finish_statements, pause_statements
from gotocloud.constructs.launch_place import TAGGED, LaunchPlace
from gotocloud.constructs.policy import PARTITION, Policy, Statement, hand_over_to_cloudformation
from gotocloud.contract.group_facts import PREFIX
from gotocloud.contract.names import (
    END_POLICY,
    LAUNCH_POLICY,
    SESSION_DOCUMENTS,
    WORK_POLICY,
)
from gotocloud.contract.releases import PROJECT_TEMPLATE
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX, PROJECT_STACK_PREFIX
from gotocloud.contract.tags import ACCESS_TAG, DESKTOP_ACCESS

LAUNCHED_STACKS = (f"{PROJECT_STACK_PREFIX}*", f"{CLUSTER_STACK_PREFIX}*")
TEMPLATES = {"Project": f"{PROJECT_TEMPLATE}*", "Cluster": "cluster/*"}
"""Paths in a release from which each of those kinds of stacks is launched.

The project's ends with the version of the object, if the URL names one.
"""
SPOT_ROLE = "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"


@dataclass(frozen=True, kw_only=True)
class Releases:
    """Where the published templates lie.

    Args:
        bucket: Name of the distribution bucket.
        url: URL prefix of every release.
        prefix: Key prefix of every release.
        account: Account that owns the bucket.
        versions: Releases that may be launched, as patterns. Default: all.
    """

    bucket: str
    url: str
    prefix: str
    account: str
    versions: Sequence[str] = ("*",)


class LaunchPermissions(Construct):
    """The policies of the scientists' role.

    Scientists create stacks from published templates with the cluster service role. Of EC2, IAM
    and FSx they create nothing themselves but rules of the desktop's security group and exports.

    Args:
        role: The scientists' role.
        releases: Where the published templates lie.
        service_role_arn: Role that CloudFormation creates projects and clusters with.
        regions: The group's regions.
        single_sign_on: Whether people of IAM Identity Center assume the role: their sessions
            do not state MFA, so none of the statements may require it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        role: iam.IRole,
        releases: Releases,
        service_role_arn: str,
        regions: Sequence[str],
        single_sign_on: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        place = LaunchPlace(partition=PARTITION, account=stack.account, regions=tuple(regions))
        Policy(
            self,
            "Launch",
            name=LAUNCH_POLICY,
            description="Launch projects and clusters from published templates.",
            statements=launch_statements(place, releases, service_role_arn),
            roles=[role],
        )
        Policy(
            self,
            "Work",
            name=WORK_POLICY,
            description="Work with the group's own projects and clusters.",
            statements=[*work_statements(place), *look_statements(place)],
            roles=[role],
        )
        Policy(
            self,
            "End",
            name=END_POLICY,
            description="Pause clusters once their data are safe, and finish projects.",
            statements=[
                *pause_statements(place),
                *finish_statements(place, mfa=not single_sign_on),
            ],
            roles=[role],
        )


def launch_statements(
    place: LaunchPlace, releases: Releases, service_role_arn: str
) -> list[Statement]:
    """Creating, changing and deleting stacks of published templates."""
    stacks = [place.arn("cloudformation", f"stack/{name}/*") for name in LAUNCHED_STACKS]
    ours = "Stack ids end in characters that CloudFormation draws; the names' beginnings are "
    ours += "those of projects and clusters, and no other stack's."
    in_regions = {"StringEquals": {"aws:RequestedRegion": list(place.regions)}}
    with_role = {"cloudformation:RoleArn": service_role_arn}
    return [
        *(
            Statement(
                # Each kind of stack from its own template: a cluster under the name of a
                # project would be billed for ever, where no command looks for it.
                sid=f"Launch{kind}s",
                actions=["cloudformation:CreateStack", "cloudformation:UpdateStack"],
                resources=[stack],
                conditions={
                    "StringLike": {
                        "cloudformation:TemplateUrl": [
                            f"{releases.url}{version}/{path}" for version in releases.versions
                        ]
                    },
                    "StringEquals": {**in_regions["StringEquals"], **with_role},
                },
                why=ours,
            )
            for (kind, path), stack in zip(TEMPLATES.items(), stacks, strict=True)
        ),
        Statement(
            sid="DeleteWhatWasLaunched",
            actions=["cloudformation:DeleteStack"],
            resources=stacks,
            # Without a role named, CloudFormation uses the one that made the stack.
            conditions={"StringEqualsIfExists": with_role, **in_regions},
            why=ours,
        ),
        Statement(
            sid="ProtectProjects",
            actions=["cloudformation:SetStackPolicy", "cloudformation:UpdateTerminationProtection"],
            # Not of clusters: one that is protected could not be ended, and costs.
            resources=[place.arn("cloudformation", f"stack/{PROJECT_STACK_PREFIX}*/*")],
            conditions=in_regions,
            why=ours,
        ),
        Statement(
            sid="TagWhatIsLaunched",
            actions=["cloudformation:TagResource", "cloudformation:UntagResource"],
            resources=stacks,
            conditions=in_regions,
            why=ours,
        ),
        Statement(
            sid="FollowWhatWasLaunched",
            actions=[
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResource",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
                "cloudformation:ListStackResources",
            ],
            resources=[place.arn("cloudformation", "stack/*")],
            why="Read-only: the status of a cluster is also that of the stacks that "
            "ParallelCluster makes for it.",
        ),
        Statement(
            sid="ReadReleases",
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[f"arn:{place.partition}:s3:::{releases.bucket}/{releases.prefix}/*"],
            # The bucket's name would be free for everybody, were the bucket deleted.
            conditions={"StringEquals": {"s3:ResourceAccount": releases.account}},
            why="All published versions, and nothing but published versions.",
        ),
        Statement(
            sid="ListReleases",
            actions=["s3:ListBucket"],
            resources=[f"arn:{place.partition}:s3:::{releases.bucket}"],
            conditions={"StringEquals": {"s3:ResourceAccount": releases.account}},
            # Without a condition on the prefix, which a GetObject does not have: S3 answers 404
            # for a release that is missing only to those who may list.
        ),
        hand_over_to_cloudformation(service_role_arn),
        Statement(
            sid="ReadFacts",
            actions=["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
            resources=[
                place.arn("ssm", f"parameter{PREFIX}"),
                place.arn("ssm", f"parameter{PREFIX}/*"),
            ],
            why="The group's own facts, of which all may be known to its scientists.",
        ),
    ]


def work_statements(place: LaunchPlace) -> list[Statement]:
    """Working with data, desktops and sessions."""
    own = {"StringEquals": {"s3:ResourceAccount": place.account}}
    tagged = "Ids are AWS's; the tag admits the clusters of this account only."
    return [
        Statement(
            sid="ListProjectData",
            actions=[
                "s3:GetBucketLocation",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
            ],
            resources=[place.buckets],
            conditions=own,
            why="A group is one security unit: its scientists share its projects' buckets.",
        ),
        Statement(
            sid="UseProjectData",
            actions=[
                "s3:AbortMultipartUpload",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            resources=[f"{place.buckets}/*"],
            conditions=own,
            why="Any object of the group's project buckets; deleting is not among the actions.",
        ),
        Statement(
            sid="ExportFromLustre",
            actions=["fsx:CreateDataRepositoryTask"],
            resources=[place.arn("fsx", "file-system/*")],
            conditions=TAGGED,
            why=tagged,
        ),
        Statement(
            sid="NameExports",
            actions=[
                "fsx:CancelDataRepositoryTask",
                "fsx:CreateDataRepositoryTask",
                "fsx:TagResource",
            ],
            resources=[place.arn("fsx", "task/*")],
            why="An export gets its id when it is started; the file system that it belongs to "
            "is limited by its tag.",
        ),
        Statement(
            sid="OpenDesktop",
            actions=["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            resources=[place.arn("ec2", "security-group/*")],
            conditions={"StringEquals": {f"aws:ResourceTag/{ACCESS_TAG}": DESKTOP_ACCESS}},
            why="Ids are AWS's; the tag admits security groups of desktops, and no other.",
        ),
        Statement(
            sid="NameOpenings",
            actions=["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            resources=[place.arn("ec2", "security-group-rule/*")],
            why="A rule gets its id when it is made; its security group is limited by its tag.",
        ),
        Statement(
            sid="StartSessions",
            actions=["ssm:StartSession"],
            resources=[place.arn("ec2", "instance/*")],
            conditions=TAGGED,
            why=tagged,
        ),
        Statement(
            sid="UseSessionDocuments",
            actions=["ssm:StartSession"],
            resources=[
                place.arn("ssm", f"document/{name}", account="" if name[:4] == "AWS-" else None)
                for name in SESSION_DOCUMENTS
            ],
            why="The same two documents in each of the group's regions.",
        ),
        Statement(
            sid="EndOwnSessions",
            actions=["ssm:ResumeSession", "ssm:TerminateSession"],
            resources=[place.arn("ssm", "session/${aws:userid}-*")],
            why="Session ids begin with the caller's own id.",
        ),
    ]


def look_statements(place: LaunchPlace) -> list[Statement]:
    """Looking at what there is and what it costs."""
    return [
        Statement(
            sid="Look",
            actions=[
                "budgets:ViewBudget",
                "ce:GetCostAndUsage",
                "ce:GetCostForecast",
                # Without the name of a stack, DescribeStacks is a call on all of them.
                # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
                "cloudformation:DescribeStacks",
                "cloudformation:ListStacks",
                "cloudwatch:GetMetricData",
                "ec2:DescribeAddresses",
                "ec2:DescribeInstanceTypeOfferings",
                "ec2:DescribeInstances",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeKeyPairs",
                "ec2:DescribeNatGateways",
                "ec2:DescribeSecurityGroupRules",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSnapshots",
                "ec2:DescribeSubnets",
                "ec2:DescribeVolumes",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
                "fsx:DescribeDataRepositoryAssociations",
                "fsx:DescribeDataRepositoryTasks",
                "fsx:DescribeFileSystems",
                "pricing:GetProducts",
                "s3:ListAllMyBuckets",
                "servicequotas:ListAWSDefaultServiceQuotas",
                "servicequotas:ListServiceQuotas",
                "ssm:DescribeInstanceInformation",
                "ssm:DescribeSessions",
                "tag:GetResources",
            ],
            why="Read-only; most of these actions know no resources, and a group is one "
            "security unit.",
        ),
        Statement(
            sid="SeeWhetherSpotIsReady",
            actions=["iam:GetRole"],
            # A role that does not exist is judged by its name, without the path.
            resources=[
                f"arn:{place.partition}:iam::{place.account}:role/{name}"
                for name in (SPOT_ROLE, SPOT_ROLE.rpartition("/")[2])
            ],
        ),
    ]
