"""What every account of the platform has once, whatever its regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.boundary import Boundary
from gotocloud.constructs.policy import PARTITION, Policy, Statement
from gotocloud.contract.names import DEPLOYMENT_LOGS, DEPLOYMENT_ROLE, FLOW_LOGS, FLOW_LOGS_ROLE


@dataclass(frozen=True, kw_only=True)
class AccountRoles:
    """Roles that stacks in every region of an account use.

    Args:
        deployment: Makes the API calls of a deployment that CloudFormation cannot.
        flow_logs: Writes the flow logs of VPCs.
    """

    deployment: iam.IRole
    flow_logs: iam.IRole

    @staticmethod
    def of_account(scope: Construct) -> AccountRoles:
        """The roles by their fixed names, whichever stack of the account made them."""
        stack = Stack.of(scope)

        def role(construct_id: str, name: str) -> iam.IRole:
            arn = f"arn:{PARTITION}:iam::{stack.account}:role/{name}"
            return iam.Role.from_role_arn(scope, construct_id, arn, mutable=False)

        return AccountRoles(
            deployment=role("Deployment", DEPLOYMENT_ROLE),
            flow_logs=role("FlowLogs", FLOW_LOGS_ROLE),
        )


class Account(Construct):
    """Permissions boundary and the roles that all stacks of an account share.

    IAM is global: it belongs into one stack of an account, that of its first region.

    Args:
        deployment_calls: What deployments in this account may call, beyond closing the
            default security groups.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, deployment_calls: Sequence[Statement]
    ) -> None:
        super().__init__(scope, construct_id)
        self.boundary = Boundary(self, "Boundary")
        deployment = self._role(
            "Deployment",
            DEPLOYMENT_ROLE,
            "lambda.amazonaws.com",
            [
                self._write_logs(
                    f"{DEPLOYMENT_LOGS}/*", "One log group for each stack, any of its streams."
                ),
                self._close_default_groups(),
                *deployment_calls,
            ],
        )
        flow_logs = self._role(
            "FlowLogs",
            FLOW_LOGS_ROLE,
            "vpc-flow-logs.amazonaws.com",
            [
                self._write_logs(
                    f"{FLOW_LOGS}/*",
                    "One log group for each network, in each of the account's regions.",
                )
            ],
        )
        self.deployment_policy = deployment
        self.flow_logs_policy = flow_logs
        self.roles = AccountRoles.of_account(self)

    def _role(
        self, construct_id: str, name: str, service: str, statements: Sequence[Statement]
    ) -> Policy:
        role = iam.Role(
            self,
            f"{construct_id}Role",
            role_name=name,
            assumed_by=iam.ServicePrincipal(service),
        )
        return Policy(
            self,
            f"{construct_id}Policy",
            description=f"What {name} may do.",
            statements=statements,
            roles=[role],
        )

    def _write_logs(self, log_group: str, why: str) -> Statement:
        stack = Stack.of(self)
        return Statement(
            sid="WriteLogs",
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[f"arn:{PARTITION}:logs:*:{stack.account}:log-group:{log_group}"],
            why=why,
        )

    def _close_default_groups(self) -> Statement:
        stack = Stack.of(self)
        return Statement(
            sid="CloseDefaultSecurityGroups",
            actions=["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"],
            resources=[f"arn:{PARTITION}:ec2:*:{stack.account}:security-group/*"],
            why="The default security group of a VPC gets its id from AWS while the stack is "
            "created; the role can only take rules away.",
        )
