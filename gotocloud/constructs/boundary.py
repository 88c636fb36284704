"""The permissions boundary: what no role or user of an account can ever do."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, Policy, Statement, acknowledge
from gotocloud.contract.names import BOUNDARY

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

OUTSIDE_WRITES = (
    "s3:DeleteObject*",
    "s3:PutBucket*",
    "s3:PutObject*",
    "s3:ReplicateObject",
)


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
    iam_arn = f"arn:{partition}:iam::{account}"
    own = boundary_arn(partition, account)
    return [
        Statement(
            sid="ServicesInUse",
            actions=[*(f"{service}:*" for service in SERVICES_IN_USE), *IAM_IN_USE],
            why="A permissions boundary grants nothing. This is its outer edge: the services "
            "that the platform works with, and of IAM only what ParallelCluster and a "
            "scientist's own MFA need; each role's own policy is what grants.",
        ),
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
            not_resources=[f"{iam_arn}:role/aws-service-role/*"],
            conditions={"StringNotEquals": {"iam:PermissionsBoundary": own}},
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
                "iam:CreateOpenIDConnectProvider",
                "iam:CreatePolicy",
                "iam:CreateSAMLProvider",
                "iam:CreateServiceSpecificCredential",
                "iam:CreateUser",
                "iam:PutGroupPolicy",
                "iam:PutUserPolicy",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateLoginProfile",
                "iam:UploadSSHPublicKey",
                "iam:UploadSigningCertificate",
            ],
        ),
        Statement(
            # AWS's own policy of Systems Manager lets every machine read every parameter.
            sid="NoPrivateKeysForClusters",
            effect="Deny",
            actions=["ssm:GetParameter*"],
            resources=[f"arn:{partition}:ssm:*:{account}:parameter/ec2/keypair/*"],
            conditions={"ArnLike": {"aws:PrincipalArn": f"{iam_arn}:role/parallelcluster/*"}},
        ),
        Statement(
            sid="NoDataIntoOtherAccounts",
            effect="Deny",
            actions=OUTSIDE_WRITES,
            conditions={"StringNotEquals": {"s3:ResourceAccount": account}},
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
        acknowledge(
            self.policy,
            {
                "NIST.800.53.R5-IAMPolicyNoStatementsWithFullAccess": "A permissions boundary "
                "grants nothing. It names whole services as the outer edge; every role's own "
                "policy names its actions one by one.",
            },
        )
        iam.PermissionsBoundary.of(stack).apply(self.policy)
