"""Turns a cluster configuration and a place into a configuration of ParallelCluster.

Pure: values in, data out. Values of the site may be CDK tokens, so nothing here
looks inside them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from gotocloud.cluster_configs.engine import Engine
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import Choice, ClusterConfiguration, Queue
from gotocloud.cluster_configs.offerings import Offerings
from gotocloud.errors import GoToCloudError

OPERATING_SYSTEM = "ubuntu2404"
LUSTRE_MOUNT = "/fsx"
SOFTWARE_MOUNT = "/efs"
LOG_RETENTION_DAYS = 180
"""As in the published GoToCloud."""
HEAD_NODE_BOOTSTRAP_TIMEOUT_S = 2100
"""ParallelCluster's default; CloudFormation gives the whole custom resource 3600 s."""
SSM_POLICY = "policy/AmazonSSMManagedInstanceCore"

FACTS = (
    *("cluster", "project", "scientist", "region", "configuration", "release", "bucket", "stack"),
    *("software", "lustre", "capacity", "keep_hours"),
)
"""What the head node is told about its cluster: the keys of `/etc/gotocloud/cluster.json`."""


@dataclass(frozen=True)
class ClusterSite:
    """Where a cluster stands and what it finds there; every value may be a token.

    Args:
        engine: The ParallelCluster that makes the cluster.
        region: AWS region.
        head_subnet_id: Public subnet of the head node.
        compute_subnet_id: Private subnet of the nodes.
        lustre_file_system_id: FSx for Lustre in the same VPC.
        lustre_security_group_id: Lets head node and nodes reach Lustre.
        desktop_security_group_id: Opened to a scientist's address later.
        boundary_arn: Permissions boundary of every role that ParallelCluster makes.
        distribution_bucket: Bucket that holds the node script; nodes may read it.
        node_script_url: s3:// URL of `mount-software.sh`.
        head_node_script_url: s3:// URL of `configure-head-node.sh`.
        facts: What the head node is told, by the keys of `FACTS`.
        project_bucket: Bucket of the project; the head node reads it to prove exports.
        guard_policy_arn: Managed policy of the idle guard on the head node.
        software_mount_targets: "zone-id=ip,…" of the software file system.
        software_file_system_id: EFS with the software, in the management account.
        vpc_cidr: The only addresses that reach SSH and the desktop from the start.
        elastic_ip: True for a new address, or the public IP of one that exists;
            ParallelCluster takes no allocation id.
        tags: Tags of everything that costs money.
        partition: "aws", except in China and GovCloud.
    """

    engine: Engine
    region: str
    head_subnet_id: str
    compute_subnet_id: str
    lustre_file_system_id: str
    lustre_security_group_id: str
    desktop_security_group_id: str
    boundary_arn: str
    distribution_bucket: str
    node_script_url: str
    head_node_script_url: str
    facts: Mapping[str, str]
    project_bucket: str
    guard_policy_arn: str
    software_file_system_id: str
    software_mount_targets: str
    vpc_cidr: str
    elastic_ip: bool | str = True
    tags: Mapping[str, str] = field(default_factory=dict)
    partition: str = "aws"


@dataclass(frozen=True)
class ChosenQueue:
    """A queue and the instance type that it uses in one region."""

    queue: Queue
    choice: Choice

    @property
    def efa(self) -> bool:
        """Whether the nodes get EFA: wanted, and the type has it."""
        return self.queue.efa and instance_types()[self.choice.instance_type].efa


@dataclass(frozen=True)
class Selection:
    """What a configuration comes down to where only some instance types are offered.

    Args:
        head_node: Instance type of the head node.
        queues: The queues that can be had.
        left_out: The queues that cannot, because none of their types is offered.
    """

    head_node: str
    queues: tuple[ChosenQueue, ...]
    left_out: tuple[Queue, ...]


def select(configuration: ClusterConfiguration, offered: Container[str]) -> Selection:
    """Choose the first offered instance type of the head node and of each queue.

    Raises:
        GoToCloudError: if there is no head node or no queue to be had at all, or no data on
            an instance type.
    """
    if isinstance(offered, Offerings):
        offered.require(configuration.instance_types)
    heads = [name for name in configuration.head_node.instance_types if name in offered]
    chosen = []
    left_out = []
    for queue in configuration.queues:
        choices = [choice for choice in queue.choices if choice.instance_type in offered]
        if choices:
            chosen.append(ChosenQueue(queue, choices[0]))
        else:
            left_out.append(queue)
    if not heads or not chosen:
        missing = "queue" if heads else "head node"
        raise GoToCloudError(
            f"Cluster configuration {configuration.name!r} cannot be used here: "
            f"no instance type of any {missing} is offered.",
            next_command="gotocloud platform zones",
        )
    return Selection(head_node=heads[0], queues=tuple(chosen), left_out=tuple(left_out))


def render(
    configuration: ClusterConfiguration, site: ClusterSite, offered: Container[str]
) -> dict[str, Any]:
    """The ParallelCluster configuration of one cluster.

    Args:
        configuration: What the cluster looks like.
        site: Where it stands.
        offered: Instance types offered in its zone. `select` tells which queues
            are left out because of it.

    Raises:
        GoToCloudError: as `select`.
    """
    selection = select(configuration, offered)
    return {
        "Region": site.region,
        "Image": {"Os": OPERATING_SYSTEM},
        "Imds": {"ImdsSupport": "v2.0"},
        "Iam": {"PermissionsBoundary": site.boundary_arn},
        "HeadNode": _head_node(selection.head_node, site),
        "Scheduling": {
            "Scheduler": "slurm",
            "SlurmSettings": {
                "ScaledownIdletime": configuration.scaledown_idle_minutes,
                # Changing a queue must not end the jobs of the others:
                # https://docs.aws.amazon.com/parallelcluster/latest/ug/Scheduling-v3.html.
                "QueueUpdateStrategy": "DRAIN",
            },
            "SlurmQueues": [
                _queue(chosen, site, spot=spot)
                for chosen in selection.queues
                for spot in (False, True)
            ],
        },
        "SharedStorage": [
            {
                "Name": "lustre",
                "MountDir": LUSTRE_MOUNT,
                "StorageType": "FsxLustre",
                "FsxLustreSettings": {"FileSystemId": site.lustre_file_system_id},
            }
        ],
        "Monitoring": {
            "DetailedMonitoring": False,
            "Logs": {"CloudWatch": {"Enabled": True, "RetentionInDays": LOG_RETENTION_DAYS}},
            "Dashboards": {"CloudWatch": {"Enabled": False}},
        },
        "DevSettings": {
            "Timeouts": {"HeadNodeBootstrapTimeout": HEAD_NODE_BOOTSTRAP_TIMEOUT_S},
        },
        "Tags": [{"Key": key, "Value": value} for key, value in site.tags.items()],
    }


def to_yaml(configuration: Mapping[str, Any]) -> str:
    """A rendered configuration as the YAML that `pcluster` reads."""
    return yaml.safe_dump(dict(configuration), sort_keys=False, allow_unicode=True, width=100)


def stringified(value: Any) -> Any:
    """A rendered configuration as a custom resource gets it from CloudFormation.

    CloudFormation turns every number and boolean of a custom resource's properties into a
    string: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1037.
    """
    if isinstance(value, Mapping):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [stringified(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return value


def _head_node(instance_type: str, site: ClusterSite) -> dict[str, Any]:
    return {
        "InstanceType": instance_type,
        "Networking": {
            "SubnetId": site.head_subnet_id,
            "ElasticIp": site.elastic_ip,
            "AdditionalSecurityGroups": [
                site.desktop_security_group_id,
                site.lustre_security_group_id,
            ],
        },
        # Without AllowedIps ParallelCluster opens both ports to 0.0.0.0/0:
        # https://docs.aws.amazon.com/parallelcluster/latest/ug/HeadNode-v3.html.
        "Ssh": {"AllowedIps": site.vpc_cidr},
        "Dcv": {"Enabled": True, "AllowedIps": site.vpc_cidr},
        "Imds": {"Secured": True},
        "LocalStorage": {"RootVolume": {"VolumeType": "gp3", "Encrypted": True}},
        "CustomActions": {"OnNodeConfigured": {"Sequence": [_mount_software(site), _facts(site)]}},
        "Iam": _head_node_iam(site),
    }


def _queue(chosen: ChosenQueue, site: ClusterSite, *, spot: bool) -> dict[str, Any]:
    queue, choice = chosen.queue, chosen.choice
    return {
        "Name": queue.spot_name if spot else queue.name,
        "CapacityType": "SPOT" if spot else "ONDEMAND",
        # Two RELION jobs on one node delete each other's copies of particles on its scratch
        # disk: https://github.com/3dem/relion/issues/455.
        "JobExclusiveAllocation": queue.exclusive,
        "Networking": {
            "SubnetIds": [site.compute_subnet_id],
            "AdditionalSecurityGroups": [site.lustre_security_group_id],
            "PlacementGroup": {"Enabled": queue.placement_group and chosen.efa},
        },
        "ComputeSettings": {
            "LocalStorage": {"RootVolume": {"VolumeType": "gp3", "Encrypted": True}}
        },
        "ComputeResources": [
            {
                "Name": choice.instance_type.replace(".", "-"),
                "InstanceType": choice.instance_type,
                "MinCount": 0,
                "MaxCount": choice.max_nodes,
                "Efa": {"Enabled": chosen.efa},
            }
        ],
        "CustomActions": {"OnNodeConfigured": _mount_software(site)},
        "Iam": _iam(site),
    }


def _mount_software(site: ClusterSite) -> dict[str, Any]:
    return {
        "Script": site.node_script_url,
        "Args": [site.software_file_system_id, site.software_mount_targets, SOFTWARE_MOUNT],
    }


def _facts(site: ClusterSite) -> dict[str, Any]:
    if set(site.facts) != set(FACTS):
        raise ValueError(f"the head node must be told exactly {', '.join(FACTS)}")
    return {
        "Script": site.head_node_script_url,
        "Args": [f"{key}={site.facts[key]}" for key in FACTS],
    }


def _head_node_iam(site: ClusterSite) -> dict[str, Any]:
    given = _iam(site)
    own = {"BucketName": site.project_bucket, "EnableWriteAccess": False}
    return {
        "S3Access": [*given["S3Access"], own],
        "AdditionalIamPolicies": [
            *given["AdditionalIamPolicies"],
            {"Policy": site.guard_policy_arn},
        ],
    }


def _iam(site: ClusterSite) -> dict[str, Any]:
    return {
        "S3Access": [{"BucketName": site.distribution_bucket, "EnableWriteAccess": False}],
        "AdditionalIamPolicies": [{"Policy": f"arn:{site.partition}:iam::aws:{SSM_POLICY}"}],
    }
