"""Every role carries the permissions boundary of its account."""

from __future__ import annotations

from typing import Any

from gotocloud.contract.group_facts import Fact
from gotocloud.contract.names import BOUNDARY
from tests.security.checks.template import Finding, Template, resources, text

PROVIDER_TEMPLATE = "/templates/custom_resource/cluster.yaml"


def unbounded_roles(template: Template) -> list[Finding]:
    """Roles, and what makes roles for us, without the boundary."""
    findings = []
    for logical_id, _, properties in resources(template, "AWS::IAM::Role"):
        if not _is_boundary(template, properties.get("PermissionsBoundary")):
            findings.append(f"{logical_id}: role without the permissions boundary")
    for logical_id, _, properties in resources(template, "Custom::PclusterCluster"):
        boundary = properties["ClusterConfiguration"].get("Iam", {}).get("PermissionsBoundary")
        if not _is_boundary(template, boundary):
            findings.append(f"{logical_id}: Iam/PermissionsBoundary is not the boundary")
    for logical_id, _, properties in resources(template, "AWS::CloudFormation::Stack"):
        # The official provider makes an unbounded role that may do all of IAM, unless it gets one.
        official = PROVIDER_TEMPLATE in text(properties["TemplateURL"])
        if official and not properties.get("Parameters", {}).get("CustomLambdaRole"):
            findings.append(f"{logical_id}: the provider makes a role without a boundary")
    return findings


def _is_boundary(template: Template, value: Any) -> bool:
    if value is None:
        return False
    if text(value).endswith(f":policy/{BOUNDARY}"):
        return True
    name = value.get("Ref") if isinstance(value, dict) else None
    parameter = template.get("Parameters", {}).get(name, {})
    if parameter:
        return bool(parameter.get("AllowedValues") == [Fact.BOUNDARY_ARN.value])
    policy = template.get("Resources", {}).get(name, {})
    return bool(policy.get("Properties", {}).get("ManagedPolicyName") == BOUNDARY)
