"""Quotas of AWS as Service Quotas names them, and the command that has one raised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QuotaKind:
    """One quota of Service Quotas.

    Args:
        service: Service code.
        code: Quota code.
        name: AWS's name of it.
        unit: What it counts.
    """

    service: str
    code: str
    name: str
    unit: str


def increase_command(kind: QuotaKind, value: float, region: str) -> str:
    """The command with which a person with the permission has a quota raised."""
    return (
        "aws service-quotas request-service-quota-increase "
        f"--service-code {kind.service} --quota-code {kind.code} "
        f"--desired-value {value:g} --region {region}"
    )
