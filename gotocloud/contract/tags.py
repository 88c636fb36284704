"""Keys and values of tags."""

from __future__ import annotations

TAG_PREFIX = "gtc:"
"""Begins the keys of all our tags."""

IAM_USER_TAG = "gtc:iam-user"
METHOD_TAG = "gtc:method"
PROJECT_TAG = "gtc:project"
ACCOUNT_TAG = "gtc:account"
COST_TAGS = (IAM_USER_TAG, METHOD_TAG, PROJECT_TAG, ACCOUNT_TAG)
"""Keys of the tags of everything that costs money (Supplementary Table S4 of the paper)."""

OWNER_TAGS = (IAM_USER_TAG, PROJECT_TAG)
"""Keys of the tags that together name one project of one scientist."""

CRYOEM = "cryoem"
"""Value of `METHOD_TAG`."""

BUCKET_TAG = "gtc:bucket"
"""The project's bucket, on everything that ParallelCluster makes: so that one policy for all head
nodes gives each of them its own project's bucket."""

ACCESS_TAG = "gtc:door"
DESKTOP_ACCESS = "desktop"
"""Key and value of the tag of security groups that scientists may open; IAM conditions name it."""

SHARE_TAG = "gtc:share"
SOFTWARE_SHARE = "software"
"""Key and value of the tag of VPCs and route tables that peering acceptors may change."""

CLUSTER_TAG = "parallelcluster:cluster-name"
NODE_TYPE_TAG = "parallelcluster:node-type"
HEAD_NODE = "HeadNode"
VERSION_TAG = "parallelcluster:version"
"""ParallelCluster's own tags, and the value of `NODE_TYPE_TAG` on head nodes.

Source: aws-parallelcluster 3.16.1, pcluster/constants.py.
"""

STACK_TAG = "aws:cloudformation:stack-name"
"""CloudFormation's own tag on everything that a stack makes."""

RESERVED_TAG_PREFIXES = ("aws:", TAG_PREFIX, "parallelcluster:")
"""Begin keys that a platform file may not use."""


def project_tags(scientist: str, account: str, project: str) -> dict[str, str]:
    """The tags of everything of a project that costs money."""
    return {IAM_USER_TAG: scientist, METHOD_TAG: CRYOEM, PROJECT_TAG: project, ACCOUNT_TAG: account}
