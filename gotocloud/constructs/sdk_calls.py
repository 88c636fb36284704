"""API calls that a deployment makes itself, where CloudFormation has no resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import custom_resources as cr
from constructs import Construct, IConstruct, IDependable

from gotocloud.constructs.policy import acknowledge
from gotocloud.contract.names import DEPLOYMENT_LOGS

FUNCTION = "AWS679f53fac002430cb0da5b7982bd2287"
"""Construct id under which the CDK keeps the one function that makes a stack's calls."""

LOGS_WITHOUT_OWN_KEY = (
    "CloudWatch Logs encrypts every log group; a key of our own has a monthly fee in every "
    "region of every account, also for groups that run nothing."
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One API call.

    Args:
        service: AWS service, as the JavaScript SDK calls its client, such as `EC2`.
        action: Operation, such as `createRoute`.
        parameters: Its parameters; values may be CDK tokens.
        role_arn: Role of another account that makes the call.
            Default: the deployment's own.
        region: Default: the stack's region.
        fine_too: Pattern of error codes that mean that nothing is left to do.
            Default: every error is one.
    """

    service: str
    action: str
    parameters: Mapping[str, Any]
    role_arn: str | None = None
    region: str | None = None
    fine_too: str | None = None


class SdkCalls(Construct):
    """The calls of one stack: one function, one log group, one bounded role.

    Args:
        role: Role that makes the calls; it grants each of them.
        after: What must be there before the first call, such as the role's policy when the
            same stack makes it. Default: nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        role: iam.IRole,
        after: Sequence[IDependable] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self._role = role
        self._after = tuple(after)
        self._begun = False
        log_group = logs.CfnLogGroup(
            self,
            "LogGroup",
            log_group_name=f"{DEPLOYMENT_LOGS}/{Stack.of(self).stack_name}",
            retention_in_days=180,
        )
        acknowledge(log_group, {"NIST.800.53.R5-CloudWatchLogGroupEncrypted": LOGS_WITHOUT_OWN_KEY})
        self._log_group = logs.LogGroup.from_log_group_name(self, "Logs", log_group.ref)

    def add(
        self,
        construct_id: str,
        *,
        identity: str,
        make: Call,
        undo: Call | None = None,
        returns: str | None = None,
    ) -> cr.AwsCustomResource:
        """Make a call when the stack is created, and again when the call changes.

        Args:
            construct_id: Name of the construct.
            identity: What the call brings about; another identity is another object, whose
                predecessor is undone.
            make: The call.
            undo: The call when the stack is deleted. Default: nothing is called.
            returns: Path of the one field of the answer to return. Default: all.
        """
        made = cr.AwsCustomResource(
            self,
            construct_id,
            role=self._role,
            install_latest_aws_sdk=False,
            log_group=self._log_group,
            removal_policy=RemovalPolicy.DESTROY,
            on_create=_sdk_call(make, identity, returns),
            on_update=_sdk_call(make, identity, returns),
            on_delete=_sdk_call(undo, None, None) if undo else None,
        )
        function = Stack.of(self).node.find_child(FUNCTION)
        if self._after:
            made.node.add_dependency(*self._after)
        if not self._begun:
            self._begun = True
            self._begin(function)
        return made

    def _begin(self, function: IConstruct) -> None:
        if self._after:
            function.node.add_dependency(*self._after)
        acknowledge(
            function,
            {
                "NIST.800.53.R5-LambdaConcurrency": "CloudFormation calls it, once per "
                "resource and deployment; reserved concurrency would be taken from the "
                "clusters' own functions, of which a new account may run ten.",
                "NIST.800.53.R5-LambdaDLQ": "CloudFormation waits for its answer and fails the "
                "deployment when none comes: nothing is lost in a queue.",
                "NIST.800.53.R5-LambdaInsideVPC": "It talks to AWS's public API only. Inside a "
                "VPC it would need interface endpoints or a NAT gateway, which are billed by "
                "the hour.",
            },
        )


def _sdk_call(call: Call, identity: str | None, returns: str | None) -> cr.AwsSdkCall:
    return cr.AwsSdkCall(
        service=call.service,
        action=call.action,
        parameters=dict(call.parameters),
        assumed_role_arn=call.role_arn,
        region=call.region,
        ignore_error_codes_matching=call.fine_too,
        physical_resource_id=cr.PhysicalResourceId.of(identity) if identity else None,
        output_paths=[returns] if returns else None,
    )
