"""What a group has and what it costs now, from AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.quotas import RUNNING
from gotocloud.aws.session import explained
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX, PROJECT_STACK_PREFIX, ClusterParameter
from gotocloud.contract.tags import CLUSTER_TAG, HEAD_NODE, NODE_TYPE_TAG, STACK_TAG
from gotocloud.projects.standing import Node, StackFacts


def group_stacks(cloud: Cloud) -> tuple[StackFacts, ...]:
    """The stacks of the group's projects and clusters in the caller's region.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    pages = cloud.client("cloudformation").get_paginator("describe_stacks").paginate()
    with explained(f"list the stacks in {cloud.region}"):
        return tuple(
            stack_facts(stack)
            for page in pages
            for stack in page["Stacks"]
            if stack["StackName"].startswith((PROJECT_STACK_PREFIX, CLUSTER_STACK_PREFIX))
        )


def running_nodes(cloud: Cloud) -> tuple[tuple[Node, ...] | None, str]:
    """The running machines of all clusters; None, and why, if EC2 does not tell."""
    ec2 = cloud.client("ec2")

    def ask() -> tuple[Node, ...]:
        filters = [
            {"Name": "instance-state-name", "Values": list(RUNNING)},
            {"Name": "tag-key", "Values": [CLUSTER_TAG]},
        ]
        return tuple(
            _node(instance)
            for page in ec2.get_paginator("describe_instances").paginate(Filters=filters)
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        )

    return answer_of("list the running machines", ask)


@dataclass(frozen=True)
class Leftover:
    """Something that is billed by the hour and belongs to no cluster.

    Args:
        kind: What it is, in words.
        identifier: AWS's id of it.
        note: What else is known about it.
    """

    kind: str
    identifier: str
    note: str = ""


@dataclass(frozen=True)
class Leftovers:
    """What is billed without a cluster, and what could not be looked at.

    Args:
        found: The leftovers.
        unknown: Why something could not be looked at, by what it is.
    """

    found: tuple[Leftover, ...]
    unknown: Mapping[str, str]


def leftovers(cloud: Cloud, vpc_id: str, stacks: tuple[StackFacts, ...]) -> Leftovers:
    """What of the group's network is billed though no stack of a cluster stands behind it.

    Args:
        vpc_id: The group's network.
        stacks: The group's stacks; those of clusters own what carries their name.
    """
    owners = {stack.name for stack in stacks if stack.name.startswith(CLUSTER_STACK_PREFIX)}
    clusters = {
        stack.parameter(ClusterParameter.CLUSTER_NAME) for stack in stacks if stack.name in owners
    }
    found: list[Leftover] = []
    unknown: dict[str, str] = {}
    for kind, look in (
        ("Elastic IPs", lambda: _addresses(cloud, owners)),
        ("NAT gateways", lambda: _gateways(cloud, vpc_id, owners)),
        ("Lustre file systems", lambda: _lustre(cloud, vpc_id, owners)),
        ("machines", lambda: _machines(cloud, clusters)),
    ):
        items, why = answer_of(f"list the {kind}", look)
        if items is None:
            unknown[kind] = why
        else:
            found += items
    return Leftovers(tuple(found), unknown)


def _addresses(cloud: Cloud, owners: set[str]) -> list[Leftover]:
    ec2 = cloud.client("ec2")
    return [
        Leftover("Elastic IP", it["AllocationId"], it.get("PublicIp", ""))
        for it in ec2.describe_addresses()["Addresses"]
        if not it.get("AssociationId") and not _owned(it.get("Tags", ()), owners)
    ]


def _gateways(cloud: Cloud, vpc_id: str, owners: set[str]) -> list[Leftover]:
    filters = [
        {"Name": "vpc-id", "Values": [vpc_id]},
        {"Name": "state", "Values": ["pending", "available"]},
    ]
    pages = cloud.client("ec2").get_paginator("describe_nat_gateways").paginate(Filters=filters)
    return [
        Leftover("NAT gateway", it["NatGatewayId"])
        for page in pages
        for it in page["NatGateways"]
        if not _owned(it.get("Tags", ()), owners)
    ]


def _lustre(cloud: Cloud, vpc_id: str, owners: set[str]) -> list[Leftover]:
    pages = cloud.client("fsx").get_paginator("describe_file_systems").paginate()
    return [
        Leftover("Lustre file system", it["FileSystemId"], f"{it['StorageCapacity']:,} GiB")
        for page in pages
        for it in page["FileSystems"]
        if it.get("VpcId") == vpc_id
        and it.get("FileSystemType") == "LUSTRE"
        and not _owned(it.get("Tags", ()), owners)
    ]


def _machines(cloud: Cloud, clusters: set[str]) -> list[Leftover]:
    nodes, why = running_nodes(cloud)
    if nodes is None:
        return [Leftover("machines", "unknown", why)]
    return [
        Leftover("machine", one.cluster, one.instance_type)
        for one in nodes
        if one.cluster not in clusters
    ]


def _owned(tags: Any, owners: set[str]) -> bool:
    """Whether a stack that still exists made it: CloudFormation's tag, or the stack's name."""
    values = {tag["Key"]: tag["Value"] for tag in tags}
    stack = values.get(STACK_TAG, "")
    named = values.get("Name", "").split(" ")[0]
    return stack in owners or named in owners


def _node(instance: Mapping[str, Any]) -> Node:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
    return Node(
        cluster=tags.get(CLUSTER_TAG, ""),
        instance_type=instance["InstanceType"],
        head=tags.get(NODE_TYPE_TAG) == HEAD_NODE,
        spot=instance.get("InstanceLifecycle") == "spot",
    )


def stack_facts(stack: Mapping[str, Any]) -> StackFacts:
    """A stack as DescribeStacks returns it."""
    created = stack.get("CreationTime")
    return StackFacts(
        name=stack["StackName"],
        status=stack["StackStatus"],
        description=stack.get("Description", ""),
        reason=stack.get("StackStatusReason", "") or "",
        created=created.isoformat() if created else "",
        stack_id=stack.get("StackId", ""),
        parameters={it["ParameterKey"]: it["ParameterValue"] for it in stack.get("Parameters", ())},
        tags={it["Key"]: it["Value"] for it in stack.get("Tags", ())},
        outputs={it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", ())},
    )
