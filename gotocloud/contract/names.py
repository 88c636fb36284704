"""Names of IAM roles and policies, log groups, SSM parameters and documents, and budgets."""

from __future__ import annotations

from gotocloud.contract.group_facts import PREFIX

OURS = "gotocloud-"
"""How the name of everything of ours in an account begins."""

BOUNDARY = "gotocloud-boundary"
"""Managed policy that bounds every role we create, one in each account."""

SCIENTIST_ROLE = "gotocloud-scientist"
"""Role that a scientist assumes with MFA; may launch published templates, no more."""

SCIENTIST_GROUP = "gotocloud-scientists"
"""IAM group of a research group's scientists."""

LAUNCH_POLICY = "gotocloud-launch"
WORK_POLICY = "gotocloud-work"
END_POLICY = "gotocloud-end"
"""Managed policies of `SCIENTIST_ROLE`: to launch stacks, to work with them, to delete them."""

CLUSTER_SERVICE_ROLE = "gotocloud-cluster-service"
"""Role that CloudFormation uses to create projects and clusters."""

CLUSTER_GUARD = "gotocloud-cluster-guard"
"""Managed policy with which a head node pauses its own cluster, and can do no more."""

PROVIDER_ROLE = "gotocloud-cluster-provider"
"""Role of ParallelCluster's provider."""

DEPLOYMENT_ROLE = "gotocloud-deployment"
FLOW_LOGS_ROLE = "gotocloud-flow-logs"
REPLICATION_ROLE = "gotocloud-replication"
MASTER_NAME = "gotocloud-master"
BUILD_HOST = "gotocloud-build-host"

DEPLOYMENT_LOGS = f"{PREFIX}/deployment"
FLOW_LOGS = f"{PREFIX}/flow-logs"
REPLICATION_LOGS = f"{PREFIX}/replication"
"""Log groups, or what begins their names."""

MASTER_LOCATION = f"{PREFIX}/master/datasync-location-arn"
ZONE_MAP_PARAMETER = f"{PREFIX}/zone-map"
"""SSM parameters of the management account."""

FORWARDING_DOCUMENT = "AWS-StartPortForwardingSession"
SESSION_DOCUMENTS = (FORWARDING_DOCUMENT, "SSM-SessionManagerRunShell")
"""Session Manager's documents for a tunnel and for a shell."""

COMMAND_DOCUMENT = "AWS-RunShellScript"
"""Systems Manager's document for a command on a head node."""


AUDIT_TRAIL = "gotocloud-audit"
"""Trail of the calls on objects of projects, of a group with `audit`."""

NETWORKS_POLICY = "gotocloud-networks"
"""Managed policy of scientists in a group with `allowed_networks`."""


def audit_bucket(account: str) -> str:
    """Bucket of the audit's records; the boundary keeps roles of ours from such a name."""
    return f"audit-gotocloud-{account}"


def initial_password(user: str) -> str:
    """Secret with a scientist's initial password."""
    return f"gotocloud/initial-password/{user}"


def acceptor_role(chunk: int) -> str:
    """Role that accepts peerings for one chunk of groups."""
    return f"gotocloud-peering-acceptor-{chunk:02d}"


def group_name(group: str) -> str:
    """Name of a group's budget and network."""
    return f"gotocloud-{group}"


SHARE_NAME_PREFIX = "gotocloud-share-"


def share_name(shard: int) -> str:
    """Name of a software share, and of the DataSync task that fills it."""
    return f"{SHARE_NAME_PREFIX}{shard}"
