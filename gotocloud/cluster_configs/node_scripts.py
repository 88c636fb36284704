"""What GoToCloud's own clusters run on their nodes."""

from __future__ import annotations

from collections.abc import Mapping

from gotocloud.cluster_configs.site import NodeScript
from gotocloud.contract.head_node import FACT_KEYS, SOFTWARE_MOUNT


def software_script(url: str, file_system_id: str, mount_targets: str) -> NodeScript:
    """The script that mounts the shared software.

    Args:
        url: s3:// URL of `mount-software.sh`.
        file_system_id: EFS with the software.
        mount_targets: "zone-id=ip,…" of that file system; a node takes the one of its own zone.
    """
    return NodeScript(url=url, arguments=(file_system_id, mount_targets, SOFTWARE_MOUNT))


def home_script(url: str) -> NodeScript:
    """The program that brings /home of an earlier head node back; this installs it.

    Args:
        url: s3:// URL of `home.py`.
    """
    return NodeScript(url=url, arguments=("install",))


def facts_script(url: str, facts: Mapping[str, str]) -> NodeScript:
    """The script that writes the facts of a cluster on its head node.

    Args:
        url: s3:// URL of `configure-head-node.sh`.
        facts: The facts, by the keys of `FACT_KEYS`.

    Raises:
        ValueError: if a fact is missing, or unknown.
    """
    if set(facts) != set(FACT_KEYS):
        raise ValueError(f"the facts of a head node are exactly {', '.join(FACT_KEYS)}")
    return NodeScript(url=url, arguments=tuple(f"{key}={facts[key]}" for key in FACT_KEYS))
