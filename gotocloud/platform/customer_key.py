"""A group's own key: what its key policy must allow, so that services can use it."""

from __future__ import annotations

import re
from typing import Any

from gotocloud.contract.group_facts import PREFIX
from gotocloud.contract.names import AUDIT_TRAIL
from gotocloud.platform.model import Group

_PARTITION = "aws"


def key_arn(group: Group, region: str) -> str | None:
    """The group's key in one of its regions; None without one.

    A multi-Region key has the same id in every region:
    https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
    """
    if group.kms_key is None:
        return None
    return re.sub(r"^(arn:aws:kms):[^:]+:", rf"\1:{region}:", group.kms_key)


def key_policy(group: Group) -> list[dict[str, Any]]:
    """Statements for the key's policy, besides those of its administrators.

    Sources: CloudWatch Logs User Guide, "Encrypt log data"; AWS Secrets Manager User Guide,
    "Secret encryption and decryption"; AWS CloudTrail User Guide, "Configure AWS KMS key
    policies"; Amazon EBS User Guide, "Requirements for Amazon EBS encryption"; all read
    2026-11-30.
    """
    account = group.account
    use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
    logs = f"arn:{_PARTITION}:logs:*:{account}:log-group:{PREFIX}/*"
    trail = f"arn:{_PARTITION}:cloudtrail:{group.home_region}:{account}:trail/{AUDIT_TRAIL}"
    statements = [
        _statement(
            "LogGroupsOfGoToCloud",
            {"Service": [f"logs.{region}.amazonaws.com" for region in group.regions]},
            [*use, "kms:DescribeKey"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        ),
        _statement(
            "InitialPasswords",
            {"AWS": f"arn:{_PARTITION}:iam::{account}:root"},
            [*use, "kms:CreateGrant", "kms:DescribeKey"],
            {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": f"secretsmanager.{group.home_region}.amazonaws.com",
                }
            },
        ),
    ]
    # For an administrator who makes the key the account's default for EBS. As in the policy of
    # AWS's own key for EBS, all of the account that may use disks may use it, through EC2 alone:
    # ParallelCluster makes the roles of its machines, and EC2 starts spot machines with its own.
    statements.append(
        _statement(
            "DisksOfClusters",
            {"AWS": "*"},
            [*use, "kms:CreateGrant", "kms:DescribeKey"],
            {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": [f"ec2.{region}.amazonaws.com" for region in group.regions],
                }
            },
        )
    )
    if group.audit:
        from_trail = {"StringEquals": {"aws:SourceArn": trail}}
        statements.append(
            _statement(
                "RecordsOfTheAudit",
                {"Service": "cloudtrail.amazonaws.com"},
                ["kms:GenerateDataKey*", "kms:DescribeKey"],
                from_trail,
            )
        )
    return statements


def _statement(
    sid: str, principal: dict[str, Any], actions: list[str], conditions: dict[str, Any]
) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": actions,
        # In a key's policy * is the key itself.
        "Resource": "*",
        "Condition": conditions,
    }
