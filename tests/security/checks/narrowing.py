"""Actions that AWS serves on every resource only, and policies that narrow them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.iam import reference
from local_aws.iam.actions import ON_EVERYTHING
from tests.security.checks.template import Finding, Template, as_list, resources
from tests.security.principals import principals, resolved


def on_everything(action: str) -> bool:
    """Whether a policy has to allow an action on `*`.

    By the service authorization reference, which lists no resource for it, or by the API
    reference, which says so.
    """
    prefix, _, name = action.partition(":")
    found = reference.action(prefix, name)
    return found is not None and (not found.types or found.name in ON_EVERYTHING)


def narrowed(template: Template) -> list[Finding]:
    """Actions served on `*` only that some policy allows on named resources only."""
    return [
        f"{who}: {action} on {resources}"
        for who, statements in _policies(template)
        for action, resources in _narrowed(statements)
    ]


def _policies(template: Template) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for name, who in principals(template).items():
        yield name, list(who.statements)
    for logical_id, _, properties in resources(template, "AWS::IAM::ManagedPolicy"):
        if not properties.get("Roles") and not properties.get("Groups"):
            yield logical_id, as_list(resolved(properties["PolicyDocument"])["Statement"])


def _narrowed(statements: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    allowing = [one for one in statements if one["Effect"] == "Allow"]
    broad = {
        str(action).lower()
        for one in allowing
        if one.get("Resource") == "*"
        for action in as_list(one.get("Action"))
    }
    for one in allowing:
        if one.get("Resource") == "*" or "NotResource" in one:
            continue
        for action in as_list(one.get("Action")):
            if on_everything(str(action)) and str(action).lower() not in broad:
                yield str(action), str(one.get("Resource"))
