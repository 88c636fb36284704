"""No port is open to the world, however that is written."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Network, ip_network
from typing import Any

from gotocloud.contract.group_facts import Fact
from tests.security.checks.template import Finding, Template, as_list, resources, text

WIDEST_PUBLIC = 24
"""Shortest prefix of a public IPv4 network, as `gotocloud connect` takes it: one site's pool."""

WIDEST_PRIVATE = 8
WIDEST_IPV6 = 56

SOURCES = ("CidrIp", "CidrIpv6", "SourcePrefixListId")
OWN_NETWORKS = {Fact.VPC_CIDR.value, Fact.SHARE_CIDR.value}
"""Facts of a group that hold networks of the platform."""


def is_world(cidr: Any) -> bool:
    """Whether a network is wider than one site's, however it is written."""
    if not isinstance(cidr, str):
        return False
    try:
        network = ip_network(cidr.strip(), strict=False)
    except ValueError:
        return False
    if isinstance(network, IPv6Network):
        return network.prefixlen < WIDEST_IPV6
    return network.prefixlen < (WIDEST_PRIVATE if network.is_private else WIDEST_PUBLIC)


def world_ingress(template: Template) -> list[Finding]:
    """Security group rules that let in more than one site, or what nobody can tell from here."""
    return [
        f"{logical_id}: lets {text(rule[source])} in on ports {rule.get('FromPort', 'all')}"
        for logical_id, rule in _ingress_rules(template)
        for source in SOURCES
        if source in rule and _is_open(template, source, rule[source])
    ]


def _is_open(template: Template, source: str, value: Any) -> bool:
    # What is in a list of prefixes stands elsewhere, and changes without this template.
    if source == "SourcePrefixListId":
        return True
    return is_world(value) if isinstance(value, str) else not _is_own(template, value)


def _is_own(template: Template, value: Any) -> bool:
    """Whether a reference is to a network that the template makes, or to a fact of the group."""
    if "Fn::GetAtt" in value:
        logical_id, attribute = text(value).strip("${}").split(".", 1)
        kind = template.get("Resources", {}).get(logical_id, {}).get("Type")
        return (kind, attribute) == ("AWS::EC2::VPC", "CidrBlock")
    parameter = template.get("Parameters", {}).get(value.get("Ref"), {})
    return set(parameter.get("AllowedValues", ())) in [{fact} for fact in OWN_NETWORKS]


def _ingress_rules(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, _, properties in resources(template, "AWS::EC2::SecurityGroup"):
        for rule in as_list(properties.get("SecurityGroupIngress")):
            yield logical_id, rule
    for logical_id, _, properties in resources(template, "AWS::EC2::SecurityGroupIngress"):
        yield logical_id, properties
