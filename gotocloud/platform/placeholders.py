"""A cluster site of readable placeholders, for people who want to see a configuration."""

from __future__ import annotations

from gotocloud.cluster_configs.engine import Engine
from gotocloud.cluster_configs.node_scripts import facts_script, home_script, software_script
from gotocloud.cluster_configs.site import ClusterSite, NodeExtras
from gotocloud.contract.head_node import FACT_KEYS
from gotocloud.contract.tags import project_tags

_SCRIPTS = "s3://<distribution bucket>/releases/<version>/node"


def placeholder_site(region: str, engine: Engine) -> ClusterSite:
    """A site whose values state what a launch puts in their place."""
    mount = software_script(
        f"{_SCRIPTS}/mount-software.sh",
        "<software file system>",
        "<zone ID>=<address>,...",
    )
    home = home_script(f"{_SCRIPTS}/home.py")
    facts = facts_script(
        f"{_SCRIPTS}/configure-head-node.sh",
        {key: f"<{key.replace('_', ' ')}>" for key in FACT_KEYS},
    )
    return ClusterSite(
        engine=engine,
        region=region,
        head_subnet_id="<public subnet of the group>",
        compute_subnet_ids=["<compute subnet of the cluster>"],
        allowed_cidr="<network of the group>",
        head_node=NodeExtras(
            scripts=[mount, home, facts],
            security_group_ids=["<desktop security group>", "<Lustre security group>"],
            readable_buckets=["<distribution bucket>", "<bucket of the project>"],
            policy_arns=["<idle guard's policy of the account>"],
        ),
        compute=NodeExtras(
            scripts=[mount],
            security_group_ids=["<Lustre security group>"],
            readable_buckets=["<distribution bucket>"],
        ),
        desktop=True,
        elastic_ip=True,
        lustre_file_system_id="<Lustre of the cluster>",
        boundary_arn="<permissions boundary of the account>",
        tags=project_tags("<scientist>", "<account>", "<project>"),
    )
