"""What ParallelCluster opens by default is closed in its configuration."""

from __future__ import annotations

from tests.security.checks.network import is_world
from tests.security.checks.template import Finding, Template, resources


def open_clusters(template: Template) -> list[Finding]:
    """Clusters whose desktop or SSH is open to the world, which is ParallelCluster's default."""
    findings = []
    for logical_id, _, properties in resources(template, "Custom::PclusterCluster"):
        configuration = properties["ClusterConfiguration"]
        head_node = configuration.get("HeadNode", {})
        for door in ("Ssh", "Dcv"):
            allowed = head_node.get(door, {}).get("AllowedIps")
            if allowed is None or is_world(allowed):
                findings.append(f"{logical_id}: HeadNode/{door}/AllowedIps is open to the world")
        if configuration.get("Imds", {}).get("ImdsSupport") != "v2.0":
            findings.append(f"{logical_id}: Imds/ImdsSupport is not v2.0")
    return findings
