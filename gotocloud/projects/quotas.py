"""The AWS quotas that a project or a cluster can run into, and what they are needed for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from gotocloud.findings import Finding, Severity
from gotocloud.platform.service_quotas import QuotaKind, increase_command

STANDARD_FAMILIES = "acdhimrtz"
"""First letters of the instance families that share the quota "Standard"."""

_FAMILY = re.compile(r"^(?P<letters>[a-z]+?)-?\d")


class Quota(Enum):
    """The quotas that matter here.

    Codes as AWS's Service Quotas lists them, read 2026-11-22 from public listings of
    `aws service-quotas list-aws-default-service-quotas`; the default values are beside the
    local AWS, which is the only one that needs them.
    """

    STANDARD = QuotaKind("ec2", "L-1216C47A", "Running On-Demand Standard instances", "vCPUs")
    STANDARD_SPOT = QuotaKind("ec2", "L-34B43A08", "All Standard Spot Instance Requests", "vCPUs")
    GRAPHICS = QuotaKind("ec2", "L-DB2E81BA", "Running On-Demand G and VT instances", "vCPUs")
    GRAPHICS_SPOT = QuotaKind("ec2", "L-3819A6DF", "All G and VT Spot Instance Requests", "vCPUs")
    ELASTIC_IPS = QuotaKind("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", "addresses")
    NAT_GATEWAYS = QuotaKind("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", "gateways")
    GATEWAY_ENDPOINTS = QuotaKind(
        "vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", "endpoints"
    )
    SCRATCH_FILE_SYSTEMS = QuotaKind(
        "fsx", "L-C48231E5", "Lustre Scratch file systems", "file systems"
    )
    SCRATCH_GIB = QuotaKind("fsx", "L-AD2FC696", "Lustre Scratch storage capacity", "GiB")
    PERSISTENT_FILE_SYSTEMS = QuotaKind(
        "fsx", "L-FD6F2F22", "Lustre Persistent_2 file systems", "file systems"
    )
    PERSISTENT_GIB = QuotaKind("fsx", "L-8F1B9C74", "Lustre Persistent_2 storage capacity", "GiB")
    STACKS = QuotaKind("cloudformation", "L-0485CB21", "Stack count", "stacks")
    BUCKETS = QuotaKind("s3", "L-DC2B2D3D", "General purpose buckets", "buckets")


@dataclass(frozen=True)
class Level:
    """How much of a quota there is; None if unknown.

    Args:
        limit: The quota's value.
        used: What is in use.
        why: Why something is unknown; empty when all is known.
    """

    limit: float | None = None
    used: float | None = None
    why: str = ""

    @property
    def left(self) -> float | None:
        """What is still to be had; None when it is not known."""
        if self.limit is None or self.used is None:
            return None
        return max(self.limit - self.used, 0)


Levels = Mapping[Quota, Level]


def vcpu_quota(instance_type: str, *, spot: bool) -> Quota | None:
    """The quota that an instance type counts against; None for families not used here.

    Source: "On-Demand Instance quotas" and "Spot Instance quotas" of the EC2 user guide,
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html.
    """
    found = _FAMILY.match(instance_type)
    if not found:
        return None
    letters = found["letters"]
    if letters in {"g", "gr", "vt"}:
        return Quota.GRAPHICS_SPOT if spot else Quota.GRAPHICS
    # "inf", "trn", "dl", "hpc" and "mac" begin with a standard letter and have own quotas.
    if letters[0] in STANDARD_FAMILIES and letters not in {"inf", "trn", "dl", "hpc", "mac"}:
        return Quota.STANDARD_SPOT if spot else Quota.STANDARD
    return None


def quota_finding(quota: Quota, needed: float, level: Level, region: str, what: str) -> Finding:
    """Whether there is enough of something that is needed at once.

    Args:
        quota: The quota.
        needed: How much is needed besides what is used.
        level: How much there is.
        region: Where.
        what: What needs it, for example "the head node".
    """
    kind = quota.value
    if level.limit is None:
        return _unknown(quota, f"{what} needs {needed:,g} (in {kind.unit})", level)
    if level.used is None and needed <= level.limit:
        return _unknown(
            quota,
            f"{what} needs {needed:,g}, the quota is {level.limit:,g} {kind.unit}",
            level,
        )
    used = level.used or 0
    text = f"{what} needs {needed:,g}; {used:,g} of {level.limit:,g} {kind.unit} are used"
    if used + needed <= level.limit:
        return Finding(kind.name, Severity.OK, f"{text}.")
    command = increase_command(kind, used + needed, region)
    remedy = f"free some, or have the quota raised to {used + needed:,g} or more: {command}"
    return Finding(kind.name, Severity.ERROR, f"{text}.", remedy)


def _unknown(quota: Quota, text: str, level: Level) -> Finding:
    why = f" ({level.why})" if level.why else ""
    return Finding(
        quota.value.name, Severity.UNKNOWN, f"{text}; how much is left is not known{why}."
    )
