"""Turns a cluster configuration and a place into a configuration of ParallelCluster.

Pure: values in, data out.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import yaml

from gotocloud.cluster_configs.fitting import fit
from gotocloud.cluster_configs.model import ClusterConfiguration
from gotocloud.cluster_configs.selection import ChosenQueue, select
from gotocloud.cluster_configs.site import ClusterSite

OPERATING_SYSTEM = "ubuntu2404"
LOG_RETENTION_DAYS = 180
"""As in the published GoToCloud."""
HEAD_NODE_BOOTSTRAP_TIMEOUT_S = 2100
"""ParallelCluster's default; CloudFormation gives the whole custom resource 3600 s."""
ENCRYPTED_ROOT = {"RootVolume": {"VolumeType": "gp3", "Encrypted": True}}


def render(
    configuration: ClusterConfiguration, site: ClusterSite, offered: Container[str] | None = None
) -> dict[str, Any]:
    """The ParallelCluster configuration of one cluster.

    Args:
        configuration: What the cluster looks like.
        site: Where it stands.
        offered: As for `select`, which lists the queues that are left out because of it.

    Raises:
        GoToCloudError: as `select`.
        InputError: as `fit`.
    """
    return fit(without_site(configuration, offered), site)


def without_site(
    configuration: ClusterConfiguration, offered: Container[str] | None = None
) -> dict[str, Any]:
    """The ParallelCluster configuration of a cluster whose place is open.

    Args:
        configuration: What the cluster looks like.
        offered: As for `select`.

    Raises:
        GoToCloudError: as `select`.
    """
    selection = select(configuration, offered)
    return {
        "Image": {"Os": OPERATING_SYSTEM},
        "Imds": {"ImdsSupport": "v2.0"},
        "HeadNode": {
            "InstanceType": selection.head_node,
            "Imds": {"Secured": True},
            "LocalStorage": ENCRYPTED_ROOT,
        },
        "Scheduling": {
            "Scheduler": "slurm",
            "SlurmSettings": {
                "ScaledownIdletime": configuration.scaledown_idle_minutes,
                # Changing a queue must not end the jobs of the others:
                # https://docs.aws.amazon.com/parallelcluster/latest/ug/Scheduling-v3.html.
                "QueueUpdateStrategy": "DRAIN",
            },
            "SlurmQueues": [
                _queue(chosen, spot=spot) for chosen in selection.queues for spot in (False, True)
            ],
        },
        "Monitoring": {
            "DetailedMonitoring": False,
            "Logs": {"CloudWatch": {"Enabled": True, "RetentionInDays": LOG_RETENTION_DAYS}},
            "Dashboards": {"CloudWatch": {"Enabled": False}},
        },
        "DevSettings": {
            "Timeouts": {"HeadNodeBootstrapTimeout": HEAD_NODE_BOOTSTRAP_TIMEOUT_S},
        },
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


def _queue(chosen: ChosenQueue, *, spot: bool) -> dict[str, Any]:
    queue, choice = chosen.queue, chosen.choice
    return {
        "Name": queue.spot_name if spot else queue.name,
        "CapacityType": "SPOT" if spot else "ONDEMAND",
        # Two RELION jobs on one node delete each other's copies of particles on its scratch
        # disk: https://github.com/3dem/relion/issues/455.
        "JobExclusiveAllocation": queue.exclusive,
        # ParallelCluster requires an explicit choice for every queue with EFA.
        "Networking": {"PlacementGroup": {"Enabled": queue.placement_group and chosen.efa}},
        "ComputeSettings": {"LocalStorage": ENCRYPTED_ROOT},
        "ComputeResources": [
            {
                "Name": choice.instance_type.replace(".", "-"),
                "InstanceType": choice.instance_type,
                "MinCount": 0,
                "MaxCount": choice.max_nodes,
                "Efa": {"Enabled": chosen.efa},
            }
        ],
    }
