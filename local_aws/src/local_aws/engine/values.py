"""Fit template values to API parameters, as CloudFormation does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def fitted(shape: Any, value: Any) -> Any:
    """A template value in the type that the API expects.

    Templates may write numbers and booleans as text and the other way round;
    CloudFormation converts them by the resource's schema.

    Args:
        shape: A botocore shape.
        value: The value of the template.
    """
    if shape is None or value is None:
        return value
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            return {name: fitted(shape.members.get(name), item) for name, item in value.items()}
        case "list":
            items = value if isinstance(value, list) else [value]
            return [fitted(shape.member, item) for item in items]
        case "map" if isinstance(value, Mapping):
            return {name: fitted(shape.value, item) for name, item in value.items()}
        case _:
            return _scalar(shape.type_name, value)


def _scalar(type_name: str, value: Any) -> Any:
    if type_name in {"integer", "long"} and isinstance(value, (str, float)):
        return int(value)
    if type_name in {"float", "double"} and isinstance(value, (str, int)):
        return float(value)
    if type_name == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if type_name == "string":
        if isinstance(value, (dict, list)):
            return json.dumps(value)
        return as_text(value)
    return value


def as_text(value: Any) -> str:
    """A scalar as CloudFormation writes it: true, false, 12."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def stringified(value: Any) -> Any:
    """Every number and boolean as text: what a custom resource's provider receives."""
    if isinstance(value, Mapping):
        return {name: stringified(item) for name, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    return as_text(value)
