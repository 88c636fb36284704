"""Reading of CloudFormation templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Template = dict[str, Any]
Finding = str
"""`LogicalId: what is wrong`."""


def resources(template: Template, *types: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Logical id, type and properties of the resources of some types, or of all."""
    for logical_id, definition in template.get("Resources", {}).items():
        if not types or definition["Type"] in types:
            yield logical_id, definition["Type"], definition.get("Properties", {})


def as_list(value: Any) -> list[Any]:
    """What CloudFormation and IAM take as one or many."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def literals(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from literals(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from literals(item, f"{path}/{index}")


def text(value: Any) -> str:
    """A value as text; what CloudFormation fills in stands as `${Name}`."""
    if isinstance(value, dict):
        [(function, argument)] = value.items() if len(value) == 1 else [("", value)]
        if function == "Ref":
            return f"${{{argument}}}"
        if function == "Fn::Join":
            separator, parts = argument
            return str(separator).join(text(part) for part in parts)
        if function == "Fn::Sub":
            return text(argument[0] if isinstance(argument, list) else argument)
        if function == "Fn::GetAtt":
            names = argument if isinstance(argument, list) else [argument]
            return f"${{{'.'.join(map(str, names))}}}"
        return f"${{{function}}}"
    return str(value)
