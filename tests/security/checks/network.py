"""No port is open to the world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.security.checks.template import Finding, Template, as_list, resources

WORLD = ("0.0.0.0/0", "::/0")


def is_world(cidr: Any) -> bool:
    """Whether a network is everything, however it is written."""
    return isinstance(cidr, str) and cidr.strip().endswith("/0")


def world_ingress(template: Template) -> list[Finding]:
    """Security group rules that let everybody in."""
    return [
        f"{logical_id}: lets {cidr} in on ports {rule.get('FromPort', 'all')}"
        for logical_id, rule in _ingress_rules(template)
        for cidr in (rule.get("CidrIp"), rule.get("CidrIpv6"))
        if is_world(cidr)
    ]


def _ingress_rules(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, _, properties in resources(template, "AWS::EC2::SecurityGroup"):
        for rule in as_list(properties.get("SecurityGroupIngress")):
            yield logical_id, rule
    for logical_id, _, properties in resources(template, "AWS::EC2::SecurityGroupIngress"):
        yield logical_id, properties
