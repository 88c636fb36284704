"""The permissions boundary: what no role or user of an account can ever do."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, Policy, Statement, acknowledge
from gotocloud.contract.group_facts import PREFIX
from gotocloud.contract.names import BOUNDARY
from gotocloud.contract.project_bucket import OWN_BUCKETS
from gotocloud.contract.stacks import MANAGEMENT_STACK, REGION_STACK, USER_STACK
from gotocloud.contract.tags import BUCKET_TAG, CLUSTER_TAG

SERVICES_IN_USE = (
    "autoscaling",
    "budgets",
    "ce",
    "cloudformation",
    "cloudwatch",
    "datasync",
    "dynamodb",
    "ec2",
    "ec2messages",
    "elasticfilesystem",
    "events",
    "fsx",
    "kms",
    "lambda",
    "logs",
    "pricing",
    "resource-groups",
    "route53",
    "s3",
    "secretsmanager",
    "servicequotas",
    "signin",
    "sns",
    "ssm",
    "ssmmessages",
    "sts",
    "tag",
    "xray",
)
"""Services that a platform's account works with; everything else is out of bounds."""

IAM_IN_USE = (
    "iam:AddRoleToInstanceProfile",
    "iam:AttachRolePolicy",
    "iam:ChangePassword",
    "iam:CreateInstanceProfile",
    "iam:CreateRole",
    "iam:CreateServiceLinkedRole",
    "iam:CreateVirtualMFADevice",
    "iam:DeactivateMFADevice",
    "iam:DeleteInstanceProfile",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DeleteServiceLinkedRole",
    "iam:DeleteVirtualMFADevice",
    "iam:DetachRolePolicy",
    "iam:EnableMFADevice",
    "iam:Get*",
    "iam:List*",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:ResyncMFADevice",
    "iam:SimulatePrincipalPolicy",
    "iam:TagInstanceProfile",
    "iam:TagRole",
    "iam:UntagRole",
)
"""What ParallelCluster, CloudFormation and a scientist's own MFA need of IAM."""

CLUSTER_ROLES = "parallelcluster"
"""IAM path of everything that ParallelCluster creates."""

OUTSIDE_WRITES = (
    "s3:DeleteObject*",
    "s3:PutBucket*",
    "s3:PutObject*",
    "s3:ReplicateObject",
)

BUCKET_CALLS = (
    "s3:*Object*",
    "s3:Create*",
    "s3:Delete*",
    "s3:Get*",
    "s3:ListBucket*",
    "s3:Put*",
)
"""All that S3 does with a bucket or its objects; listing the names of buckets is none of it."""

ROLE_CHANGES = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
)

SHARING = (
    "ec2:CreateStoreImageTask",
    "ec2:ExportImage",
    "ec2:ModifyImageAttribute",
    "ec2:ModifySnapshotAttribute",
    "secretsmanager:PutResourcePolicy",
    "ssm:ModifyDocumentPermission",
)
"""Calls that give disks, images, documents or secrets of an account to another one."""

MACHINE_CALLS = (
    "ec2:Attach*",
    "ec2:CreateSnapshot*",
    "ec2:DeleteTags",
    "ec2:DeleteVolume",
    "ec2:Detach*",
    "ec2:GetConsole*",
    "ec2:GetPasswordData",
    "ec2:ModifyInstance*",
    "ec2:ModifyVolume*",
    "ec2:RebootInstances",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:TerminateInstances",
)
"""What a cluster does with machines and disks that exist."""


def boundary_arn(partition: str, account: str) -> str:
    """ARN of the boundary of an account."""
    return f"arn:{partition}:iam::{account}:policy/{BOUNDARY}"


def boundary_statements(partition: str, account: str) -> list[Statement]:
    """The statements of the boundary.

    It grants nothing: a role can do only what both its own policies and the boundary allow.

    Args:
        partition: AWS partition, such as `aws`.
        account: Account id.
    """
    return [
        Statement(
            sid="ServicesInUse",
            actions=[*(f"{service}:*" for service in SERVICES_IN_USE), *IAM_IN_USE],
            why="A permissions boundary grants nothing. This is its outer edge: the services "
            "that the platform works with, and of IAM only what ParallelCluster and a "
            "scientist's own MFA need; each role's own policy is what grants.",
        ),
        *_role_limits(partition, account),
        *_account_limits(partition, account),
        *_cluster_limits(partition, account),
    ]


def _role_limits(partition: str, account: str) -> list[Statement]:
    """Nothing bounded makes, changes or becomes what is not bounded."""
    iam_arn = f"arn:{partition}:iam::{account}"
    own = boundary_arn(partition, account)
    cluster_roles = f"{iam_arn}:role/{CLUSTER_ROLES}/*"
    service_roles = f"{iam_arn}:role/aws-service-role/*"
    return [
        Statement(
            sid="BoundaryStaysAsItIs",
            effect="Deny",
            actions=[
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:SetDefaultPolicyVersion",
            ],
            resources=[own],
        ),
        Statement(
            sid="BoundaryStaysInPlace",
            effect="Deny",
            actions=[
                "iam:DeleteRolePermissionsBoundary",
                "iam:DeleteUserPermissionsBoundary",
                "iam:PutUserPermissionsBoundary",
            ],
        ),
        Statement(
            sid="NoRoleWithoutBoundary",
            effect="Deny",
            actions=[
                "iam:AttachRolePolicy",
                "iam:CreateRole",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
            ],
            # FSx writes into its own service-linked role, which takes no boundary.
            not_resources=[service_roles],
            conditions={"StringNotEquals": {"iam:PermissionsBoundary": own}},
        ),
        Statement(
            # The account has roles without the boundary, first of all those of the CDK.
            sid="OnlyRolesOfClusters",
            effect="Deny",
            actions=ROLE_CHANGES,
            not_resources=[cluster_roles, service_roles],
        ),
        Statement(
            sid="OnlyOurRoles",
            effect="Deny",
            actions=["iam:PassRole", "sts:AssumeRole"],
            # The acceptor of a peering is a role of the management account.
            not_resources=[f"arn:{partition}:iam::*:role/gotocloud-*", cluster_roles],
        ),
        Statement(
            sid="NoUsersAndKeys",
            effect="Deny",
            actions=[
                "iam:AddUserToGroup",
                "iam:AttachGroupPolicy",
                "iam:AttachUserPolicy",
                "iam:CreateAccessKey",
                "iam:CreateGroup",
                "iam:CreateLoginProfile",
                "iam:Create*Provider",
                "iam:CreatePolicy",
                "iam:CreateServiceSpecificCredential",
                "iam:CreateUser",
                "iam:PutGroupPolicy",
                "iam:PutUserPolicy",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateLoginProfile",
                "iam:Upload*",
            ],
        ),
    ]


def _account_limits(partition: str, account: str) -> list[Statement]:
    """What else an account holds is not a platform's, and what is stays in the account."""
    s3 = f"arn:{partition}:s3:::"
    stacks = f"arn:{partition}:cloudformation:*:{account}:stack"
    deployed = ("CDKToolkit", MANAGEMENT_STACK, REGION_STACK, USER_STACK)
    return [
        Statement(
            # Assets of the CDK, from which deployments run, trails, results of queries.
            sid="OnlyOurBuckets",
            effect="Deny",
            actions=BUCKET_CALLS,
            not_resources=[f"{s3}{OWN_BUCKETS}*", f"{s3}parallelcluster-*"],
            conditions={"StringEquals": {"s3:ResourceAccount": account}},
        ),
        Statement(
            sid="NoDataIntoOtherAccounts",
            effect="Deny",
            actions=OUTSIDE_WRITES,
            conditions={"StringNotEquals": {"s3:ResourceAccount": account}},
        ),
        Statement(sid="NothingShared", effect="Deny", actions=SHARING),
        Statement(
            # A function of another program runs with that program's role. ParallelCluster's are
            # named parallelcluster-… and pcluster-….
            sid="OnlyFunctionsOfClusters",
            effect="Deny",
            actions=["lambda:AddPermission", "lambda:Update*"],
            not_resources=[f"arn:{partition}:lambda:*:{account}:function:p*cluster-*"],
        ),
        Statement(
            sid="NoInitialPasswords",
            effect="Deny",
            actions=["secretsmanager:GetSecretValue"],
            resources=[f"arn:{partition}:secretsmanager:*:{account}:secret:gotocloud/*"],
        ),
        Statement(
            sid="NoStacksOfAdministrators",
            effect="Deny",
            actions=[
                "cloudformation:Create*",
                "cloudformation:Delete*",
                "cloudformation:Execute*",
                "cloudformation:Set*",
                "cloudformation:TagResource",
                "cloudformation:Update*",
            ],
            resources=[f"{stacks}/{name}*" for name in deployed],
        ),
    ]


def _cluster_limits(partition: str, account: str) -> list[Statement]:
    """What ParallelCluster and AWS's own policies allow its machines is more than they need.

    Everybody who works on a head node can be root there, so that its permissions are theirs.
    """
    clusters = {
        "ArnLike": {"aws:PrincipalArn": f"arn:{partition}:iam::{account}:role/{CLUSTER_ROLES}/*"}
    }
    foreign = {
        # A cluster without the tag has nothing of its own; no bucket is called like this.
        "StringNotEquals": {
            f"aws:ResourceTag/{BUCKET_TAG}": f"${{aws:PrincipalTag/{BUCKET_TAG}, 'none'}}"
        }
    }
    ssm = f"arn:{partition}:ssm:*"
    logs = f"arn:{partition}:logs:*:{account}:log-group:/aws"
    # ParallelCluster ends the name of a cluster's log group with 12 digits, its time.
    own_logs = f"{logs}/parallelcluster/${{aws:PrincipalTag/{CLUSTER_TAG}, '-'}}-"
    own_logs += "?" * 12
    return [
        Statement(
            sid="ClustersTouchOwnMachines",
            effect="Deny",
            actions=MACHINE_CALLS,
            conditions={**clusters, **foreign},
        ),
        Statement(
            # Tags are what other conditions trust.
            sid="ClustersTagOwnMachines",
            effect="Deny",
            actions=["ec2:CreateTags"],
            conditions={**clusters, **foreign, "Null": {"ec2:CreateAction": "true"}},
        ),
        Statement(
            # AWS's policy for Systems Manager lets every machine read every parameter, among
            # them the private keys of projects.
            sid="ClustersReadOurFacts",
            effect="Deny",
            actions=["ssm:GetParameter*"],
            not_resources=[
                f"{ssm}:{account}:parameter{PREFIX}/*",
                f"{ssm}::parameter/aws/service/*",
            ],
            conditions=clusters,
        ),
        Statement(
            # AWS's policy for the CloudWatch agent lets every machine write every log.
            sid="ClustersWriteOwnLogs",
            effect="Deny",
            actions=["logs:Create*", "logs:Put*"],
            not_resources=[
                own_logs,
                f"{own_logs}:*",
                f"{logs}/lambda/p*cluster-*",
            ],
            conditions=clusters,
        ),
        Statement(
            # Commands run as root: to other machines they are for people alone. The tags of its
            # own role decide what is a cluster's own.
            sid="ClustersKeepLogsAndSendNoCommands",
            effect="Deny",
            actions=[
                *("logs:Delete*", "logs:PutRetentionPolicy"),
                *("ssm:SendCommand", "ssm:StartSession"),
                *("iam:TagRole", "iam:UntagRole", "sts:TagSession"),
            ],
            conditions=clusters,
        ),
    ]


class Boundary(Construct):
    """The permissions boundary of an account, and everything in a stack within it.

    Raises:
        ValueError: if it is larger than IAM takes.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.policy: iam.IManagedPolicy = Policy(
            self,
            "Policy",
            name=BOUNDARY,
            description="The most that any role or user of this account can do.",
            statements=boundary_statements(PARTITION, stack.account),
        )
        edge = (
            "A permissions boundary grants nothing. It names whole services as the outer edge; "
            "every role's own policy names its actions one by one."
        )
        acknowledge(
            self.policy,
            {
                "NIST.800.53.R5-IAMPolicyNoStatementsWithFullAccess": edge,
                **dict.fromkeys(("CKV_AWS_107", "CKV_AWS_109", "CKV_AWS_111"), edge),
            },
        )
        iam.PermissionsBoundary.of(stack).apply(self.policy)
