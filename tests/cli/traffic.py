"""IAM actions in the traffic of a rehearsal, against those that are named without it.

What scientists' commands call is named by the code's syntax (`calls_in_code.py`), what
CloudFormation calls by the registry's handlers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gotocloud import __version__
from gotocloud.cluster_configs.model import configuration_names
from gotocloud.contract.names import CLUSTER_SERVICE_ROLE, PROVIDER_ROLE, SCIENTIST_ROLE
from gotocloud.contract.releases import PROJECT_TEMPLATE, cluster_template, release_key
from gotocloud.rehearsal.judged import principal_of
from local_aws.iam import reference
from local_aws.iam.decisions import Decision
from tests.security.calls_in_code import actions
from tests.security.checks.template import Template
from tests.security.handlers import PARALLELCLUSTER, actions_of, needed_actions
from tests.security.test_calls_in_code import modules
from tests.security.test_handlers import NOT_IN_CLUSTERS, UNUSED

BESIDES = {
    "cloudformation:ListStacks": "DescribeStacks of all stacks needs it",
    "cloudformation:TagResource": "CreateStack with tags needs it",
    "iam:PassRole": "CreateStack with a role needs it",
    "s3:DeleteObjectVersion": "DeleteObject of a version",
    "s3:GetBucketPublicAccessBlock": "adoption.py hands the method to a function",
    "s3:GetBucketTagging": "adoption.py hands the method to a function",
    "s3:GetObjectVersion": "CloudFormation reads a template by its version for the caller",
    **dict.fromkeys(
        (
            *("ec2:DescribeInstances", "ec2:DescribeNatGateways", "ec2:DescribeSnapshots"),
            *("ec2:DescribeVolumes", "ec2:DescribeVpcEndpoints", "fsx:DescribeFileSystems"),
            *("s3:ListAllMyBuckets", "servicequotas:ListServiceQuotas"),
        ),
        "billed.py and quotas.py page through operations that a table names",
    ),
}
"""Action of scientists that the syntax does not name -> what calls it."""

NOT_IN_THE_STORY = {
    "cloudformation:GetTemplate": "a stack without a tag of ParallelCluster's version",
    "cloudformation:ListStackResources": "a stack that was not deleted: tests/cli/test_pause.py",
    "ec2:RevokeSecurityGroupIngress": "connect --close: tests/cli/test_end_with_iam.py",
    "iam:ListMFADevices": "login, as an IAM user: tests/rehearsal/iam/test_login.py",
    "s3:AbortMultipartUpload": "an upload that was interrupted: tests/cli/test_transfer.py",
    "s3:DeleteObject": "named with a version: s3:DeleteObjectVersion",
    "ssm:GetParameter": "an account without a group, or openings of a whole network",
    "ssm:StartSession": "ssh and connect --tunnel: tests/rehearsal/iam/test_scientist.py",
    "ssm:TerminateSession": "ssh and connect --tunnel: tests/rehearsal/iam/test_scientist.py",
    "sts:GetCallerIdentity": "needs no permission, so that nothing is decided",
    "sts:GetSessionToken": "login, as an IAM user: tests/rehearsal/iam/test_login.py",
}
"""Action that the code names -> why it is not in the README's story."""

BEYOND_HANDLERS = {
    CLUSTER_SERVICE_ROLE: {
        "fsx:CreateFileSystem": "the registry has no handlers for file systems",
        "fsx:DeleteFileSystem": "the registry has no handlers for file systems",
    },
    PROVIDER_ROLE: {"cloudformation:TagResource": "tags of a nested stack"},
}
"""Role -> action that CloudFormation calls and no handler names."""

UNMODELLED = {
    CLUSTER_SERVICE_ROLE: {
        "ec2:AssociateAddress": "the head node's address belongs to ParallelCluster's stack",
        "ec2:DisassociateAddress": "the head node's address belongs to ParallelCluster's stack",
        "ec2:DeleteTags": "only updates take tags away",
        "ec2:ReplaceRouteTableAssociation": "only updates replace a table",
        "iam:CreateServiceLinkedRole": "FSx calls it; the roles exist after `rehearse up`",
        "iam:PutRolePolicy": "FSx writes into its own role, which is not modelled",
        "s3:DeleteBucket": "buckets are retained",
        "s3:DeleteBucketPolicy": "buckets are retained with their policies",
        "s3:PutBucketNotification": "FSx subscribes to the bucket, which is not modelled",
        "s3:TagResource": "PutBucketTagging stands for it",
    },
    PROVIDER_ROLE: {
        **dict.fromkeys(
            ("cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"),
            "the tutorial has no dashboard",
        ),
        **dict.fromkeys(
            (
                *("cloudwatch:TagResource", "dynamodb:TagResource", "iam:TagRole"),
                *("lambda:TagResource", "logs:TagResource", "ec2:DeleteTags", "iam:UntagRole"),
            ),
            "tags are given with what is made, and not taken away",
        ),
        **dict.fromkeys(
            ("ec2:CreatePlacementGroup", "ec2:DeletePlacementGroup"),
            "the tutorial has no placement group",
        ),
        **dict.fromkeys(
            (
                *("dynamodb:PutItem", "dynamodb:UpdateItem", "iam:CreateServiceLinkedRole"),
                *("logs:CreateLogStream", "logs:PutLogEvents"),
            ),
            "of tables with imports, replicas or streams to Kinesis",
        ),
        "logs:DeleteLogGroup": "ParallelCluster retains the logs of a cluster",
    },
}
"""Role -> action of a handler that changes something -> why the story does not have it."""


@dataclass(frozen=True)
class Difference:
    """Actions on one side only.

    Args:
        unnamed: Seen, and named by nothing.
        unseen: Named, and not seen.
    """

    unnamed: frozenset[str]
    unseen: frozenset[str]


def of_scientists(decisions: Iterable[Decision]) -> Difference:
    """The commands' traffic against the code's syntax, with what the tables above excuse."""
    found = _seen(decisions, SCIENTIST_ROLE, via="")
    named = {action for module in modules() for action in actions(module)}
    return Difference(
        frozenset(found - named) ^ frozenset(BESIDES),
        frozenset(named - found) ^ frozenset(NOT_IN_THE_STORY),
    )


def of_cloudformation(
    decisions: Iterable[Decision], role: str, templates: Iterable[Template]
) -> Difference:
    """CloudFormation's traffic with a role against the handlers, with what the tables excuse.

    Args:
        decisions: The traffic.
        role: CloudFormation's role for clusters, or that of ParallelCluster's provider.
        templates: Those that scientists launch.
    """
    found = _seen(decisions, role, via="cloudformation")
    if role == PROVIDER_ROLE:
        handlers, excused = set(actions_of(PARALLELCLUSTER)), NOT_IN_CLUSTERS
        changing = set(actions_of(PARALLELCLUSTER, ("create", "delete")))
    else:
        handlers, excused = set(needed_actions(templates)), UNUSED
        changing = set(actions_of({kind for kind, _ in handlers}, ("create", "delete")))
    wanted = {action for _, action in changing if _changes(action)} - set(excused)
    return Difference(
        frozenset(found - {action for _, action in handlers}) ^ frozenset(BEYOND_HANDLERS[role]),
        frozenset(wanted - found) ^ frozenset(UNMODELLED[role]),
    )


def launched_templates(s3: Any, bucket: str, region: str) -> list[Template]:
    """The published templates of projects and clusters."""
    paths = [PROJECT_TEMPLATE, *(cluster_template(name, region) for name in configuration_names())]
    keys = [release_key(__version__, path) for path in paths]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]


def _seen(decisions: Iterable[Decision], role: str, via: str) -> set[str]:
    wanted = f"role `{role}`"
    return {
        one.action for one in decisions if one.via == via and principal_of(one.caller) == wanted
    }


def _changes(action: str) -> bool:
    prefix, _, name = action.partition(":")
    known = reference.action(prefix, name)
    return known is not None and known.access_level not in ("List", "Read")
