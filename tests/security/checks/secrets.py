"""No secret stands in a template."""

from __future__ import annotations

import re
from typing import Any

from tests.security.checks.template import Finding, Template, literals

SECRETS = {
    "an access key": re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a secret access key": re.compile(
        r"(?<![A-Za-z0-9/+=])(?=[a-z/+]*[A-Z0-9])(?=[^0-9\s]*[0-9])(?=[^A-Z\s]*[A-Z])"
        r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
    ),
    "a password in a URL": re.compile(r"://[^/\s:@$]+:[^/\s:@$]+@"),
}
"""Texts that are secrets whatever they are called."""

SECRET_NAMES = re.compile(
    r"(password|passphrase|secretstring|secretkey|apikey|authtoken|masteruserpassword)$",
    re.IGNORECASE,
)
"""Names whose value must be generated or resolved when the stack is created."""

REFERENCE = re.compile(r"/(Ref|DependsOn|DependsOn/\d+|Fn::GetAtt/0)$")
"""Where logical ids stand, which are as long and as mixed as an access key."""

SHOWN = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")
RESOLVED = re.compile(r"^\{\{resolve:(secretsmanager|ssm-secure):")


def secret_literals(template: Template) -> list[Finding]:
    """Secrets as plain text, and parameters that would carry one."""
    findings = [
        f"{path}: holds {kind}"
        for path, value in literals(template)
        if not REFERENCE.search(path)
        for kind, pattern in SECRETS.items()
        if pattern.search(value)
    ]
    findings += [
        f"{path}: is written into the template"
        for path, value in literals(template.get("Resources", {}))
        if SECRET_NAMES.search(path.rpartition("/")[2]) and not RESOLVED.match(value)
    ]
    findings += [
        f"Outputs/{name}: shows a secret to everybody who sees the stack"
        for name, output in template.get("Outputs", {}).items()
        if SECRET_NAMES.search(name) or any(map(SHOWN.search, _values(output)))
    ]
    for name, parameter in template.get("Parameters", {}).items():
        findings += _parameter(name, parameter)
    return findings


def _values(output: dict[str, Any]) -> list[str]:
    return [value for _, value in literals(output)]


def _parameter(name: str, parameter: dict[str, Any]) -> list[Finding]:
    if not SECRET_NAMES.search(name):
        return []
    return [f"{name}: a secret as parameter stays in the stack's history; generate it instead"]
