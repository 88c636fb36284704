"""What `configure-head-node.sh` writes on a head node, and our commands there read."""

from __future__ import annotations

from dataclasses import dataclass, fields

FACTS_FILE = "/etc/gotocloud/cluster.json"
FACTS_VARIABLE = "GOTOCLOUD_CLUSTER_FACTS"
"""Environment variable that names another file."""

SOFTWARE_MOUNT = "/efs"
LUSTRE_MOUNT = "/fsx"


@dataclass(frozen=True)
class ClusterFacts:
    """Where a cluster stands and whose it is; an empty string is not known.

    Args:
        cluster: Its name.
        project: The project that it belongs to.
        scientist: Whose project that is.
        region: AWS region.
        configuration: Cluster configuration, for example "cryoem-spa".
        described: That configuration itself (`gotocloud.cluster_configs.packed`).
        release: GoToCloud release that launched it.
        bucket: The project's bucket.
        stack: Its CloudFormation stack.
        software: Where the shared software is mounted.
        lustre: Where the working file system is mounted.
        capacity: Where jobs run unless their form selects a queue: "on-demand" or "spot".
        keep_hours: Hours for which the cluster was launched; 0 as long as it is used.
    """

    cluster: str = ""
    project: str = ""
    scientist: str = ""
    region: str = ""
    configuration: str = ""
    described: str = ""
    release: str = ""
    bucket: str = ""
    stack: str = ""
    software: str = SOFTWARE_MOUNT
    lustre: str = LUSTRE_MOUNT
    capacity: str = "on-demand"
    keep_hours: str = "0"


FACTS_FOR_PEOPLE = frozenset({"cluster", "release", "bucket", "lustre", "keep_hours"})
"""Facts that no program reads: they are for people who look at a head node."""

FACT_KEYS = tuple(field.name for field in fields(ClusterFacts))
"""Keys of the file, and arguments of the script."""
