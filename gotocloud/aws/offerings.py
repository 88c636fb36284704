"""Reads from EC2 which instance types each zone offers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gotocloud.aws.session import client, explained, stand_in


def offerings(region: str, instance_types: Sequence[str]) -> dict[str, set[str]]:
    """Offered instance types by zone ID; a zone that offers none of them has an empty set.

    Args:
        region: AWS region.
        instance_types: The types to ask for.

    Raises:
        GoToCloudError: if EC2 does not answer.
    """
    ec2 = client("ec2", region)
    found: dict[str, set[str]] = defaultdict(set)
    with explained(f"ask EC2 in {region} for its zones"):
        for zone in ec2.describe_availability_zones()["AvailabilityZones"]:
            if zone.get("ZoneType", "availability-zone") == "availability-zone":
                found[zone["ZoneId"]] = set()
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone-id",
        Filters=[{"Name": "instance-type", "Values": sorted(instance_types)}],
    )
    with explained(f"ask EC2 in {region} for its instance types"):
        for page in pages:
            for offer in page["InstanceTypeOfferings"]:
                found[offer["Location"]].add(offer["InstanceType"])
    # Without any offer nothing is known, which is not the same as zones without the types.
    return dict(found) if any(found.values()) else {}


def source(region: str) -> str:
    """Where the offerings come from, for the record."""
    return f"EC2 DescribeInstanceTypeOfferings at {stand_in('ec2', region) or 'AWS'}"
