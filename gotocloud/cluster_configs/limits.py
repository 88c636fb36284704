"""What ParallelCluster and a /24 compute subnet allow."""

from __future__ import annotations

import re

# The limits are ParallelCluster's own (3.16.1, pcluster/constants.py and validators).
MAX_QUEUES = 50
MAX_COMPUTE_RESOURCES = 50
MAX_QUEUE_NAME = 25
MAX_CLUSTER_NAME = 40
"""Characters; ParallelCluster allows 60, but 40 once Slurm accounting is switched on."""
SPOT_SUFFIX = "-spot"

SUBNET_ADDRESSES = 251
"""Addresses of a /24 that AWS leaves to its user (it keeps five)."""
RESERVED_ADDRESSES = 51
"""Our own reserve in the compute subnet: Lustre's servers stand in it too."""
MAX_NODES = SUBNET_ADDRESSES - RESERVED_ADDRESSES

_CLUSTER_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")


def head_node_memory_gib(total_nodes: int) -> float:
    """Memory that the head node needs at least.

    Source: ParallelCluster 3.16.1, HeadNodeMemorySizeValidator.

    Args:
        total_nodes: Sum of the largest node counts of all queues.
    """
    return min(total_nodes / 25 + 0.6, 16)


def cluster_name_problem(name: str) -> str | None:
    """Why `name` cannot name a cluster, or None when it can."""
    if not _CLUSTER_NAME.fullmatch(name):
        return f"{name!r} must start with a letter and hold letters, digits and hyphens only"
    if len(name) > MAX_CLUSTER_NAME:
        return f"{name!r} has {len(name)} characters, at most {MAX_CLUSTER_NAME} are allowed"
    return None
