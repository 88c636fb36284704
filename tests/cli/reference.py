"""What the local judge looked at, against AWS's service authorization reference.

cfn-lint carries the reference by another way than the judge's own data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from local_aws.iam.decisions import Decision
from tests.security.principals import Document

ON_ALL = {
    "cloudformation:DescribeStacks": "without a name: all stacks",
    "cloudwatch:PutCompositeAlarm": "AWS serves it on * only (API reference)",
}
"""Action that the reference gives a resource -> why it was judged on all of them."""


NOT_IN_THE_STORY = {
    "iam:awsservicename": "the service-linked roles exist after `rehearse up`",
}
"""Condition key of our policies -> why no request of the story has it."""


@cache
def _reference() -> Mapping[str, Any]:
    path = files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def beyond_reference(decisions: Iterable[Decision]) -> Iterator[str]:
    """Actions that the reference lacks, and resources that an action has not."""
    for action, resource in sorted({(one.action, one.resource) for one in decisions}):
        service, _, name = action.partition(":")
        known = _reference()[service]["Actions"].get(name.lower())
        if known is None:
            yield f"{action}: no such action"
            continue
        kinds = [_reference()[service]["Resources"][one] for one in known.get("Resources", ())]
        if not _fits(action, resource, kinds):
            yield f"{action}: not on {resource}"


def never_supplied(decisions: Iterable[Decision], policies: Iterable[Document]) -> set[str]:
    """Condition keys of policies, about requests and resources, that no decision had."""
    supplied = {_general(key) for one in decisions for key in one.keys}
    wanted = {
        _general(key)
        for statement in policies
        for conditions in statement.get("Condition", {}).values()
        for key in conditions
    }
    return {key for key in wanted if not _is_of_the_caller(key)} - supplied


def _fits(action: str, resource: str, kinds: list[Mapping[str, Any]]) -> bool:
    if resource == "*":
        return not kinds or action in ON_ALL
    patterns = [form for one in kinds for form in one.get("ARNFormats", ())]
    return any(re.fullmatch(_filled(form), resource, re.DOTALL) for form in patterns)


def _filled(form: str) -> str:
    return re.sub(r"\$\{\w+\}", "[^:]*", form)


def _general(key: str) -> str:
    """A condition key in lower case, with a variable in place of a tag's name."""
    prefix, slash, _ = key.lower().partition("/")
    return f"{prefix}/${{tagkey}}" if slash else prefix


def _is_of_the_caller(key: str) -> bool:
    """Whether a key is about the caller or the whole request; every request has those."""
    return key.startswith("aws:") and not key.startswith(_OF_SOME)


_OF_SOME = ("aws:requesttag", "aws:resource", "aws:tagkeys")
