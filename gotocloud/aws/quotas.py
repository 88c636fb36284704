"""Quotas of an account and what is used of them; what cannot be read stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.projects.quotas import Level, Quota, vcpu_quota

S3_QUOTA_REGION = "us-east-1"
"""Quotas of global services are listed here only."""

RUNNING = ("pending", "running")
_LUSTRE = {
    "SCRATCH": (Quota.SCRATCH_FILE_SYSTEMS, Quota.SCRATCH_GIB),
    "PERSISTENT_2": (Quota.PERSISTENT_FILE_SYSTEMS, Quota.PERSISTENT_GIB),
}
_CLUSTER_SERVICES = ("ec2", "vpc", "fsx")
_PROJECT_SERVICES = ("s3", "cloudformation")


def cluster_levels(
    cloud: Cloud, zone_id: str, subnets: Sequence[Mapping[str, Any]]
) -> dict[Quota, Level]:
    """Quotas that a cluster can run into.

    Args:
        zone_id: Zone of the group's network.
        subnets: Every subnet of the account in the region.
    """
    limits = _limits(cloud, _CLUSTER_SERVICES)
    for used in (
        _vcpus(cloud),
        _addresses(cloud),
        _gateways(cloud, zone_id, subnets),
        _endpoints(cloud),
        _lustre(cloud),
    ):
        for quota, level in used.items():
            limit = limits.get(quota, Level())
            limits[quota] = replace(
                limit, used=level.used, why="; ".join(filter(None, (limit.why, level.why)))
            )
    return limits


def project_levels(cloud: Cloud) -> dict[Quota, Level]:
    """Quotas that a project can run into."""
    limits = _limits(cloud, _PROJECT_SERVICES)
    s3, cfn = cloud.client("s3"), cloud.client("cloudformation")
    counts = {
        Quota.BUCKETS: answer_of("list the buckets", lambda: len(s3.list_buckets()["Buckets"])),
        Quota.STACKS: answer_of(
            "list the stacks", lambda: _count(cfn, "describe_stacks", "Stacks")
        ),
    }
    return {
        quota: replace(
            limits.get(quota, Level()),
            used=count,
            why="; ".join(filter(None, (limits.get(quota, Level()).why, why))),
        )
        for quota, (count, why) in counts.items()
    }


def _count(client: Any, operation: str, key: str) -> int:
    return sum(len(page[key]) for page in client.get_paginator(operation).paginate())


def _limits(cloud: Cloud, services: Iterable[str]) -> dict[Quota, Level]:
    found: dict[Quota, Level] = {}
    for service in services:
        kinds = {quota.value.code: quota for quota in Quota if quota.value.service == service}
        region = S3_QUOTA_REGION if service == "s3" else ""
        quotas = cloud.client("service-quotas", region)
        values, why = _listed(quotas, "list_service_quotas", service)
        if any(code not in values for code in kinds):
            # What was never changed for the account may be listed among the defaults only.
            defaults, why_not = _listed(quotas, "list_aws_default_service_quotas", service)
            values, why = {**defaults, **values}, why or why_not
        for code, quota in kinds.items():
            missing = "" if code in values else why or "it is not listed"
            found[quota] = Level(values.get(code), None, missing)
    return found


def _listed(quotas: Any, operation: str, service: str) -> tuple[dict[str, float], str]:
    def look() -> dict[str, float]:
        pages = quotas.get_paginator(operation).paginate(ServiceCode=service)
        return {it["QuotaCode"]: float(it["Value"]) for page in pages for it in page["Quotas"]}

    values, why = answer_of(f"list the quotas of {service}", look)
    return values or {}, why


def _vcpus(cloud: Cloud) -> dict[Quota, Level]:
    kinds = (Quota.STANDARD, Quota.STANDARD_SPOT, Quota.GRAPHICS, Quota.GRAPHICS_SPOT)
    ec2 = cloud.client("ec2")

    def look() -> dict[Quota, float]:
        used: dict[Quota, float] = dict.fromkeys(kinds, 0.0)
        filters = [{"Name": "instance-state-name", "Values": list(RUNNING)}]
        for page in ec2.get_paginator("describe_instances").paginate(Filters=filters):
            for reservation in page["Reservations"]:
                for instance in reservation["Instances"]:
                    spot = instance.get("InstanceLifecycle") == "spot"
                    quota = vcpu_quota(instance["InstanceType"], spot=spot)
                    if quota is not None:
                        used[quota] += _vcpus_of(instance)
        return used

    used, why = answer_of("list the running machines", look)
    return {kind: Level(used=used[kind] if used else None, why=why) for kind in kinds}


def _vcpus_of(instance: Mapping[str, Any]) -> int:
    machine = instance_types().get(instance["InstanceType"])
    if machine:
        return machine.vcpus
    options = instance.get("CpuOptions", {})
    return int(options.get("CoreCount", 1)) * int(options.get("ThreadsPerCore", 1))


def _addresses(cloud: Cloud) -> dict[Quota, Level]:
    ec2 = cloud.client("ec2")
    used, why = answer_of("list the addresses", lambda: len(ec2.describe_addresses()["Addresses"]))
    return {Quota.ELASTIC_IPS: Level(used=used, why=why)}


def _gateways(
    cloud: Cloud, zone_id: str, subnets: Sequence[Mapping[str, Any]]
) -> dict[Quota, Level]:
    ec2 = cloud.client("ec2")
    here = {it["SubnetId"] for it in subnets if it.get("AvailabilityZoneId") == zone_id}

    def look() -> int:
        filters = [{"Name": "state", "Values": ["pending", "available"]}]
        pages = ec2.get_paginator("describe_nat_gateways").paginate(Filters=filters)
        return sum(it["SubnetId"] in here for page in pages for it in page["NatGateways"])

    used, why = answer_of("list the NAT gateways", look)
    return {Quota.NAT_GATEWAYS: Level(used=used, why=why)}


def _endpoints(cloud: Cloud) -> dict[Quota, Level]:
    ec2 = cloud.client("ec2")

    def look() -> int:
        pages = ec2.get_paginator("describe_vpc_endpoints").paginate()
        listed = [it for page in pages for it in page["VpcEndpoints"]]
        return sum(it.get("VpcEndpointType") == "Gateway" for it in listed)

    used, why = answer_of("list the VPC endpoints", look)
    return {Quota.GATEWAY_ENDPOINTS: Level(used=used, why=why)}


def _lustre(cloud: Cloud) -> dict[Quota, Level]:
    fsx = cloud.client("fsx")

    def look() -> dict[Quota, float]:
        used: dict[Quota, float] = {quota: 0 for pair in _LUSTRE.values() for quota in pair}
        for page in fsx.get_paginator("describe_file_systems").paginate():
            for system in page["FileSystems"]:
                kind = str(system.get("LustreConfiguration", {}).get("DeploymentType", ""))
                for prefix, (systems, gib) in _LUSTRE.items():
                    if kind.startswith(prefix):
                        used[systems] += 1
                        used[gib] += float(system["StorageCapacity"])
        return used

    used, why = answer_of("list the Lustre file systems", look)
    quotas = [quota for pair in _LUSTRE.values() for quota in pair]
    return {quota: Level(used=used[quota] if used else None, why=why) for quota in quotas}
