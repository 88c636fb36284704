"""A cluster site of readable placeholders, for people who want to see a configuration."""

from __future__ import annotations

from gotocloud.cluster_configs.engine import Engine
from gotocloud.cluster_configs.renderer import FACTS, ClusterSite
from gotocloud.platform.project_names import project_tags

_SCRIPTS = "s3://<distribution bucket>/releases/<version>/node"


def placeholder_site(region: str, engine: Engine) -> ClusterSite:
    """A site whose values say what a launch puts in their place."""
    return ClusterSite(
        engine=engine,
        region=region,
        head_subnet_id="<public subnet of the group>",
        compute_subnet_id="<compute subnet of the cluster>",
        lustre_file_system_id="<Lustre of the cluster>",
        lustre_security_group_id="<Lustre security group>",
        desktop_security_group_id="<desktop security group>",
        boundary_arn="<permissions boundary of the account>",
        distribution_bucket="<distribution bucket>",
        node_script_url=f"{_SCRIPTS}/mount-software.sh",
        head_node_script_url=f"{_SCRIPTS}/configure-head-node.sh",
        facts={key: f"<{key.replace('_', ' ')}>" for key in FACTS},
        project_bucket="<bucket of the project>",
        guard_policy_arn="<idle guard's policy of the account>",
        software_file_system_id="<software file system>",
        software_mount_targets="<zone ID>=<address>,...",
        vpc_cidr="<network of the group>",
        tags=project_tags("<scientist>", "<account>", "<project>"),
    )
