"""A cluster site of plain values, for tests that need no AWS."""

from __future__ import annotations

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.cluster_configs.node_scripts import facts_script, home_script, software_script
from gotocloud.cluster_configs.packed import packed
from gotocloud.cluster_configs.site import ClusterSite, NodeExtras

DISTRIBUTION = "gotocloud-222222222222-ap-northeast-1-distribution"
SCRIPTS = f"s3://{DISTRIBUTION}/releases/0.1.0/node"
LUSTRE_GROUP = "sg-0dddddddddddddddd"

MOUNT = software_script(
    f"{SCRIPTS}/mount-software.sh",
    "fs-0ffffffffffffffff",
    "apne1-az4=10.0.0.5,apne1-az1=10.0.0.37",
)
HOME = home_script(f"{SCRIPTS}/home.py")
FACTS_OF_HEAD_NODE = facts_script(
    f"{SCRIPTS}/configure-head-node.sh",
    {
        "cluster": "hanako-111111111111-apo",
        "project": "apo ferritin",
        "scientist": "hanako@lab.example",
        "region": "ap-northeast-1",
        "configuration": "cryoem-spa",
        "described": packed(load_configuration("cryoem-spa")),
        "release": "0.1.0",
        "bucket": "hanako-111111111111-apo",
        "stack": "gotocloud-cluster-hanako-111111111111-apo",
        "software": "/efs",
        "lustre": "/fsx",
        "capacity": "on-demand",
        "keep_hours": "0",
    },
)

SITE = ClusterSite(
    engine=engine_of(),
    region="ap-northeast-1",
    head_subnet_id="subnet-0aaaaaaaaaaaaaaaa",
    compute_subnet_ids=["subnet-0bbbbbbbbbbbbbbbb"],
    allowed_cidr="10.1.0.0/20",
    head_node=NodeExtras(
        scripts=[MOUNT, HOME, FACTS_OF_HEAD_NODE],
        security_group_ids=["sg-0eeeeeeeeeeeeeeee", LUSTRE_GROUP],
        readable_buckets=[DISTRIBUTION, "hanako-111111111111-apo"],
        policy_arns=["arn:aws:iam::111111111111:policy/gotocloud-cluster-guard"],
    ),
    compute=NodeExtras(
        scripts=[MOUNT],
        security_group_ids=[LUSTRE_GROUP],
        readable_buckets=[DISTRIBUTION],
    ),
    desktop=True,
    elastic_ip=True,
    lustre_file_system_id="fs-0cccccccccccccccc",
    boundary_arn="arn:aws:iam::111111111111:policy/gotocloud-boundary",
    tags={"gtc:method": "cryoem", "gtc:project": "spike"},
)
