"""Lists everything of an account's region that is billed as long as it exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError
from gotocloud.projects.billed import Billed, BilledKind, Inventory

_ALIVE = ["pending", "running", "shutting-down", "stopping", "stopped"]
_GATEWAY_STATES = ["pending", "available", "deleting"]


def inventory(cloud: Cloud) -> Inventory:
    """Everything that is billed in the caller's region.

    Raises:
        GoToCloudError: if AWS does not answer at all.
    """
    found: list[Billed] = []
    unknown: dict[BilledKind, str] = {}
    for kind, look in LOOKS.items():
        # Bound now: the loop goes on to another kind.
        items, why = answer_of(f"list what is billed: {kind}", lambda look=look: [*look(cloud)])  # type: ignore[misc]
        if items is None:
            unknown[kind] = why
        else:
            found += items
    return Inventory(tuple(found), unknown)


def billed_for(cloud: Cloud, names: ProjectNames) -> list[str]:
    """What of a project is billed now, by its tags.

    Raises:
        GoToCloudError: if AWS does not list something; then nothing is known.
    """
    found = inventory(cloud)
    if found.unknown:
        raise GoToCloudError(
            f"Whether something of {names.project!r} is still billed is not known.",
            problems=[f"{kind}: {why}" for kind, why in found.unknown.items()],
            advice=TELL_MANAGEMENT,
            next_command="gotocloud doctor",
        )
    return [str(one) for one in found.of_project(names.tags)]


def _machines(cloud: Cloud) -> Iterator[Billed]:
    filters = [{"Name": "instance-state-name", "Values": _ALIVE}]
    for page in _pages(cloud, "ec2", "describe_instances", Filters=filters):
        for reservation in page["Reservations"]:
            for one in reservation["Instances"]:
                yield Billed(
                    BilledKind.MACHINE,
                    one["InstanceId"],
                    state=one["State"]["Name"],
                    type=one["InstanceType"],
                    spot=one.get("InstanceLifecycle") == "spot",
                    tags=_tags(one),
                )


def _volumes(cloud: Cloud) -> Iterator[Billed]:
    for page in _pages(cloud, "ec2", "describe_volumes"):
        for one in page["Volumes"]:
            yield Billed(
                BilledKind.VOLUME,
                one["VolumeId"],
                state=one["State"],
                type=one.get("VolumeType", ""),
                gib=int(one["Size"]),
                attached=bool(one.get("Attachments")),
                tags=_tags(one),
            )


def _gateways(cloud: Cloud) -> Iterator[Billed]:
    filters = [{"Name": "state", "Values": _GATEWAY_STATES}]
    for page in _pages(cloud, "ec2", "describe_nat_gateways", Filter=filters):
        for one in page["NatGateways"]:
            yield Billed(
                BilledKind.NAT_GATEWAY,
                one["NatGatewayId"],
                state=one["State"],
                vpc=one.get("VpcId", ""),
                tags=_tags(one),
            )


def _addresses(cloud: Cloud) -> Iterator[Billed]:
    for one in cloud.client("ec2").describe_addresses()["Addresses"]:
        yield Billed(
            BilledKind.ADDRESS,
            one.get("AllocationId", one["PublicIp"]),
            attached=bool(one.get("AssociationId")),
            tags=_tags(one),
            note=one["PublicIp"],
        )


def _lustre(cloud: Cloud) -> Iterator[Billed]:
    for page in _pages(cloud, "fsx", "describe_file_systems"):
        for one in page["FileSystems"]:
            if one.get("FileSystemType") == "LUSTRE":
                yield Billed(
                    BilledKind.LUSTRE,
                    one["FileSystemId"],
                    state=one.get("Lifecycle", ""),
                    type=one.get("LustreConfiguration", {}).get("DeploymentType", ""),
                    gib=int(one["StorageCapacity"]),
                    vpc=one.get("VpcId", ""),
                    tags=_tags(one),
                )


def _endpoints(cloud: Cloud) -> Iterator[Billed]:
    for page in _pages(cloud, "ec2", "describe_vpc_endpoints"):
        for one in page["VpcEndpoints"]:
            # Gateway endpoints cost nothing:
            # https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
            if one.get("VpcEndpointType") != "Gateway":
                yield Billed(
                    BilledKind.ENDPOINT,
                    one["VpcEndpointId"],
                    state=one.get("State", ""),
                    vpc=one.get("VpcId", ""),
                    tags=_tags(one),
                    note=one.get("ServiceName", ""),
                )


def _snapshots(cloud: Cloud) -> Iterator[Billed]:
    for page in _pages(cloud, "ec2", "describe_snapshots", OwnerIds=["self"]):
        for one in page["Snapshots"]:
            yield Billed(
                BilledKind.SNAPSHOT,
                one["SnapshotId"],
                state=one.get("State", ""),
                gib=int(one.get("VolumeSize", 0)),
                tags=_tags(one),
            )


LOOKS: Mapping[BilledKind, Callable[[Cloud], Iterator[Billed]]] = {
    BilledKind.MACHINE: _machines,
    BilledKind.VOLUME: _volumes,
    BilledKind.NAT_GATEWAY: _gateways,
    BilledKind.ADDRESS: _addresses,
    BilledKind.LUSTRE: _lustre,
    BilledKind.ENDPOINT: _endpoints,
    BilledKind.SNAPSHOT: _snapshots,
}
"""How each kind is listed."""


def _pages(cloud: Cloud, service: str, operation: str, **given: Any) -> Any:
    return cloud.client(service).get_paginator(operation).paginate(**given)


def _tags(one: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}
