"""Every role carries the permissions boundary of its account, and trusts whom it names."""

from __future__ import annotations

from typing import Any

from gotocloud.contract.group_facts import Fact
from gotocloud.contract.names import BOUNDARY
from tests.security.checks.template import Finding, Template, as_list, resources, text

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


def open_trusts(template: Template) -> list[Finding]:
    """Roles that anybody, any account, or a whole account without a condition may assume."""
    findings = []
    for logical_id, _, properties in resources(template, "AWS::IAM::Role"):
        statements = as_list(properties["AssumeRolePolicyDocument"].get("Statement"))
        findings += [
            f"{logical_id}: trusts {text(trusted)}"
            for statement in statements
            if statement.get("Effect") == "Allow"
            for trusted in _unnamed(statement)
        ]
    return findings


def _unnamed(statement: dict[str, Any]) -> list[Any]:
    """Principals of a statement of trust that are not named well enough."""
    principal = statement.get("Principal", "NotPrincipal" if "NotPrincipal" in statement else "*")
    if not isinstance(principal, dict):
        return [principal]
    conditions = statement.get("Condition")
    unnamed = [
        one
        for one in as_list(principal.get("AWS"))
        if "*" in text(one) or (text(one).endswith(":root") and not conditions)
    ]
    for kind in ("Federated", "CanonicalUser"):
        unnamed += [] if conditions else as_list(principal.get(kind))
    services = map(text, as_list(principal.get("Service")))
    return unnamed + [one for one in services if not one.endswith(".amazonaws.com")]


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
