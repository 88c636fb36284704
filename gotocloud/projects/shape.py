"""What a published cluster template makes: read from the template, not from a guess.

The template may come from another release than this program, so nothing of the program's own
configurations is used for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.contract.stacks import CLUSTER_RESOURCE, ClusterParameter
from gotocloud.errors import GoToCloudError

LUSTRE_TYPE = "AWS::FSx::FileSystem"
_FACT = "AWS::SSM::Parameter::Value"
_DESCRIPTION = re.compile(r"^GoToCloud cluster (?P<name>[a-z0-9-]+) (?P<version>\S+) in ")


@dataclass(frozen=True)
class QueueShape:
    """One Slurm queue of a template."""

    name: str
    instance_type: str
    max_nodes: int
    spot: bool

    @property
    def vcpus_per_node(self) -> int | None:
        """Virtual CPUs of a node; None when the instance type is not known here."""
        machine = instance_types().get(self.instance_type)
        return machine.vcpus if machine else None


@dataclass(frozen=True)
class ClusterShape:
    """What a cluster template needs from AWS.

    Args:
        head_node: Instance type of the head node.
        queues: Every queue, spot twins included.
        lustre_type: FSx's deployment type.
        lustre_gib: Default size; None when it has none.
        resources: Logical id of every resource to its type.
        parameters: Names of its parameters.
        facts: Names of the group's facts (SSM parameters) that it reads.
    """

    head_node: str
    queues: tuple[QueueShape, ...]
    lustre_type: str
    lustre_gib: int | None
    resources: Mapping[str, str]
    parameters: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()

    @property
    def types(self) -> tuple[str, ...]:
        """Every instance type, sorted."""
        return tuple(sorted({self.head_node, *(queue.instance_type for queue in self.queues)}))


def cluster_shape(template: Mapping[str, Any]) -> ClusterShape:
    """Read a cluster template.

    Raises:
        GoToCloudError: if it is not a GoToCloud cluster's.
    """
    try:
        resources = {name: str(it["Type"]) for name, it in template["Resources"].items()}
        cluster = _only(template, CLUSTER_RESOURCE)["ClusterConfiguration"]
        lustre = _only(template, LUSTRE_TYPE)["LustreConfiguration"]
        gib = template.get("Parameters", {}).get(ClusterParameter.LUSTRE_GIB, {}).get("Default")
        return ClusterShape(
            head_node=cluster["HeadNode"]["InstanceType"],
            queues=tuple(_queue(queue) for queue in cluster["Scheduling"]["SlurmQueues"]),
            lustre_type=lustre["DeploymentType"],
            lustre_gib=None if gib is None else int(gib),
            resources=resources,
            parameters=frozenset(template.get("Parameters", {})),
            facts=frozenset(
                str(it["Default"])
                for it in template.get("Parameters", {}).values()
                if str(it.get("Type", "")).startswith(_FACT) and "Default" in it
            ),
        )
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise GoToCloudError(
            f"The cluster template cannot be understood ({type(error).__name__}: {error}).",
            advice="Tell the management group, or choose another release with --release.",
        ) from error


def configuration_of(description: str) -> tuple[str, str] | None:
    """Configuration and release in the description of a cluster's stack; None for another."""
    found = _DESCRIPTION.match(description)
    return (found["name"], found["version"]) if found else None


def _only(template: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found = [it["Properties"] for it in template["Resources"].values() if it["Type"] == kind]
    properties: Mapping[str, Any] = found[0]
    return properties


def _queue(queue: Mapping[str, Any]) -> QueueShape:
    resource = queue["ComputeResources"][0]
    return QueueShape(
        name=queue["Name"],
        instance_type=resource["InstanceType"],
        max_nodes=int(resource["MaxCount"]),
        spot=queue.get("CapacityType") == "SPOT",
    )
