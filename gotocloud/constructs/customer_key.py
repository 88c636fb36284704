"""Encryption with a key of the group's own, where a group's stack stores something."""

from __future__ import annotations

import jsii
from aws_cdk import Aspects, IAspect, Stack
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import IConstruct


def encrypt_with(stack: Stack, key_arn: str) -> None:
    """Encrypt every log group, secret and trail of a stack with a key.

    Its policy must allow the services (`gotocloud.platform.customer_key`). No role of ours
    needs a permission for it: nothing but administrators reads what it encrypts.

    Args:
        stack: The stack.
        key_arn: ARN of the key in the stack's region. CloudWatch Logs takes no alias:
            https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html
    """
    Aspects.of(stack).add(_CustomerKey(key_arn))


@jsii.implements(IAspect)
class _CustomerKey:
    def __init__(self, key_arn: str) -> None:
        self._key = key_arn

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, logs.CfnLogGroup | secretsmanager.CfnSecret | cloudtrail.CfnTrail):
            node.kms_key_id = self._key
