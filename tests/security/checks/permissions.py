"""No write is allowed on everything where it could be allowed on something.

Which actions can be limited to resources is AWS's own list (Service Authorization Reference),
in the copy that cfn-lint carries and updates.
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
from tests.security.checks.template import Finding, Template, as_list, resources, text

READS = re.compile(
    r"^(batchget|check|describe|detect|estimate|filter|get|head|list|lookup|preview|query|read"
    r"|scan|search|select|simulate|validate|verify|view)"
)
"""How the names of actions that change nothing begin; every other action counts as a write."""


def broad_writes(template: Template) -> list[Finding]:
    """Identity policies that allow, on everything, a write that can be limited to a resource."""
    return [
        f"{logical_id}: {statement.get('Sid', 'a statement')} allows {action} on {resource}"
        for logical_id, statement in _statements(template)
        if statement.get("Effect") == "Allow"
        for resource in map(text, _resources(statement))
        if _is_everything(resource)
        for action in _actions(statement)
        if not READS.match(action.partition(":")[2].lower())
    ]


def _statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, kind, properties in resources(template):
        if not kind.startswith("AWS::IAM::"):
            continue
        # A boundary grants nothing: what a role may do is what its own policies say.
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
    """`*`, or an ARN of everything of a service."""
    if resource == "*":
        return True
    parts = resource.split(":", 5)
    return len(parts) == 6 and not parts[5].strip("*/:")


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
def _limitable() -> tuple[str, ...]:
    return tuple(name for name, limitable in _known().items() if limitable)
