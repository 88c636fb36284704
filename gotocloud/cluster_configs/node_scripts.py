"""What GoToCloud's own clusters run on their nodes."""

from __future__ import annotations

from collections.abc import Mapping

from gotocloud.cluster_configs.site import NodeScript

SOFTWARE_MOUNT = "/efs"

FACTS = (
    *("cluster", "project", "scientist", "region", "configuration", "release", "bucket", "stack"),
    *("software", "lustre", "capacity", "keep_hours"),
)
"""Facts of a cluster that its head node keeps: the keys of `/etc/gotocloud/cluster.json`."""


def software_script(url: str, file_system_id: str, mount_targets: str) -> NodeScript:
    """The script that mounts the shared software.

    Args:
        url: s3:// URL of `mount-software.sh`.
        file_system_id: EFS with the software.
        mount_targets: "zone-id=ip,…" of that file system; a node takes the one of its own zone.
    """
    return NodeScript(url=url, arguments=(file_system_id, mount_targets, SOFTWARE_MOUNT))


def facts_script(url: str, facts: Mapping[str, str]) -> NodeScript:
    """The script that writes the facts of a cluster on its head node.

    Args:
        url: s3:// URL of `configure-head-node.sh`.
        facts: The facts, by the keys of `FACTS`.

    Raises:
        ValueError: if a fact is missing, or unknown.
    """
    if set(facts) != set(FACTS):
        raise ValueError(f"the facts of a head node are exactly {', '.join(FACTS)}")
    return NodeScript(url=url, arguments=tuple(f"{key}={facts[key]}" for key in FACTS))
