"""What GoToCloud allows in a cluster; `engine.py` has what ParallelCluster allows."""

from __future__ import annotations

import re

MAX_CLUSTER_NAME = 40
"""Characters; ParallelCluster's limit for a cluster with Slurm accounting."""
SPOT_SUFFIX = "-spot"
ONE_GPU = "prep-gpu"
"""The class of work of steps that use a GPU for minutes."""
SMALL = "small"
"""The class of work that shares a small machine."""

SCALEDOWN_IDLE_MINUTES = 1
"""For how long a machine without a job stays on: what pays least in the gaps between the jobs of
a public run (`gotocloud advise idle`, docs/advice.md). ParallelCluster's own default is 10."""

SUBNET_ADDRESSES = 251
"""Addresses of a /24 that AWS leaves to its user (it keeps five)."""
RESERVED_ADDRESSES = 51
"""Our own reserve in the compute subnet: Lustre's servers stand in it too."""
MAX_NODES = SUBNET_ADDRESSES - RESERVED_ADDRESSES

_CLUSTER_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")


def head_node_memory_gib(total_nodes: int) -> float:
    """Memory that the head node needs at least.

    Source: HeadNodeMemorySizeValidator of ParallelCluster.

    Args:
        total_nodes: Sum of the largest node counts of all queues.
    """
    return min(total_nodes / 25 + 0.6, 16)


def cluster_name_problem(name: str, longest: int = MAX_CLUSTER_NAME) -> str | None:
    """Why `name` cannot name a cluster, or None when it can.

    Args:
        name: The name.
        longest: The most characters that it may have.
    """
    if not _CLUSTER_NAME.fullmatch(name):
        return f"{name!r} must start with a letter and hold letters, digits and hyphens only"
    if len(name) > longest:
        return f"{name!r} has {len(name)} characters, at most {longest} are allowed"
    return None
