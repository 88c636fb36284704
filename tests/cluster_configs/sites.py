"""A cluster site of plain values, for tests that need no AWS."""

from __future__ import annotations

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.renderer import ClusterSite

SITE = ClusterSite(
    engine=engine_of(),
    region="ap-northeast-1",
    head_subnet_id="subnet-0aaaaaaaaaaaaaaaa",
    compute_subnet_id="subnet-0bbbbbbbbbbbbbbbb",
    lustre_file_system_id="fs-0cccccccccccccccc",
    lustre_security_group_id="sg-0dddddddddddddddd",
    desktop_security_group_id="sg-0eeeeeeeeeeeeeeee",
    boundary_arn="arn:aws:iam::111111111111:policy/gotocloud-boundary",
    distribution_bucket="gotocloud-222222222222-ap-northeast-1-distribution",
    node_script_url=(
        "s3://gotocloud-222222222222-ap-northeast-1-distribution"
        "/releases/0.1.0/node/mount-software.sh"
    ),
    head_node_script_url=(
        "s3://gotocloud-222222222222-ap-northeast-1-distribution"
        "/releases/0.1.0/node/configure-head-node.sh"
    ),
    facts={
        "cluster": "hanako-111111111111-apo",
        "project": "apo ferritin",
        "scientist": "hanako@lab.example",
        "region": "ap-northeast-1",
        "configuration": "cryoem-spa",
        "release": "0.1.0",
        "bucket": "hanako-111111111111-apo",
        "stack": "gotocloud-cluster-hanako-111111111111-apo",
        "software": "/efs",
        "lustre": "/fsx",
        "capacity": "on-demand",
        "keep_hours": "0",
    },
    project_bucket="hanako-111111111111-apo",
    guard_policy_arn="arn:aws:iam::111111111111:policy/gotocloud-cluster-guard",
    software_file_system_id="fs-0ffffffffffffffff",
    software_mount_targets="apne1-az4=10.0.0.5,apne1-az1=10.0.0.37",
    vpc_cidr="10.1.0.0/20",
    tags={"gtc:method": "cryoem", "gtc:project": "spike"},
)
