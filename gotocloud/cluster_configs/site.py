"""Where a cluster stands, and what its nodes get besides their configuration.

Every value may be a CDK token, so nothing here looks inside one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gotocloud.cluster_configs.engine import Engine
from gotocloud.contract.head_node import LUSTRE_MOUNT


@dataclass(frozen=True, kw_only=True)
class NodeScript:
    """A script that a node runs after ParallelCluster has set it up.

    Args:
        url: "s3://…" or "https://…".
        arguments: Its arguments.
    """

    url: str
    arguments: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class NodeExtras:
    """What one kind of nodes gets besides its configuration.

    Args:
        scripts: In the order in which they run, before those of the configuration.
        security_group_ids: Besides the security group that ParallelCluster makes.
        readable_buckets: Names of buckets that the nodes may read.
        policy_arns: Managed policies of the nodes' role.
    """

    scripts: Sequence[NodeScript] = ()
    security_group_ids: Sequence[str] = ()
    readable_buckets: Sequence[str] = ()
    policy_arns: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class ClusterSite:
    """Where a cluster stands and what it finds there.

    Args:
        engine: The ParallelCluster that makes the cluster.
        region: AWS region.
        head_subnet_id: Subnet of the head node.
        compute_subnet_ids: Subnets of the compute nodes; several are of different zones.
        allowed_cidr: The only addresses that reach SSH and the desktop from the start.
        head_node: What the head node gets besides.
        compute: What the compute nodes get besides.
        desktop: Whether the head node has a DCV desktop.
        elastic_ip: True for a new address of the head node, or the public IP of one that
            exists; ParallelCluster takes no allocation id. Default: the subnet decides.
        lustre_file_system_id: FSx for Lustre that all nodes mount. Default: none.
        lustre_mount: Where they mount it.
        boundary_arn: Permissions boundary of every role that ParallelCluster makes.
        key_name: EC2 key pair for SSH. Default: none; Session Manager needs none.
        image_id: Machine image of all nodes. Default: AWS's own for the operating system.
        tags: Tags of everything that costs money.
        partition: "aws", except in China and GovCloud.
    """

    engine: Engine
    region: str
    head_subnet_id: str
    compute_subnet_ids: Sequence[str]
    allowed_cidr: str
    head_node: NodeExtras = NodeExtras()
    compute: NodeExtras = NodeExtras()
    desktop: bool = False
    elastic_ip: bool | str = False
    lustre_file_system_id: str | None = None
    lustre_mount: str = LUSTRE_MOUNT
    boundary_arn: str | None = None
    key_name: str | None = None
    image_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    partition: str = "aws"
