"""Which of a statement's actions AWS can ever match with the statement's resources.

An action that knows no resources is allowed by `*` only, and one that does is allowed by an
ARN of its own kinds only: anything else is a permission that looks granted and is not. What
each action takes is AWS's own list (Service Authorization Reference), in the copy that
cfn-lint carries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from gotocloud.constructs.policy import Statement


def ineffective(statements: Sequence[Statement]) -> list[str]:
    """Actions that no resource of their statement can match, and unknown ones."""
    return [
        f"{statement.sid}: {problem}"
        for statement in statements
        if statement.effect == "Allow"
        for problem in _problems(statement)
    ]


def _problems(statement: Statement) -> Iterator[str]:
    for action in statement.actions:
        service, _, pattern = action.lower().partition(":")
        if service not in _services():
            yield f"{action}: no such service"
            continue
        known = _services()[service]
        if pattern == "*":
            continue
        names = [name for name in known["Actions"] if fnmatchcase(name.lower(), pattern)]
        if not names:
            yield f"{action}: no such action"
        if "*" not in statement.resources:
            for name in names:
                if not any(_matches(known, name, arn) for arn in statement.resources):
                    yield f"{action} cannot match {', '.join(statement.resources)}"


def _matches(service: dict[str, Any], action: str, arn: str) -> bool:
    kinds = service["Actions"][action].get("Resources", [])
    formats = [
        text for kind in kinds for text in service["Resources"].get(kind, {}).get("ARNFormats", [])
    ]
    return any(meet(_pattern(text), _plain(arn)) for text in formats)


def _pattern(arn_format: str) -> str:
    return re.sub(r"\$\{.*?\}|\.\*", "*", arn_format)


def _plain(arn: str) -> str:
    return re.sub(r"\$\{.*?\}", "x", arn)


def meet(one: str, other: str) -> bool:
    """Whether some text fits both patterns, in which `*` stands for any text."""

    @cache
    def from_(i: int, j: int) -> bool:
        if i == len(one) and j == len(other):
            return True
        if i < len(one) and one[i] == "*":
            return from_(i + 1, j) or (j < len(other) and from_(i, j + 1))
        if j < len(other) and other[j] == "*":
            return from_(i, j + 1) or (i < len(one) and from_(i + 1, j))
        return i < len(one) and j < len(other) and one[i] == other[j] and from_(i + 1, j + 1)

    return from_(0, 0)


@cache
def _services() -> dict[str, Any]:
    source = files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json")
    return dict(json.loads(source.read_text(encoding="utf-8")))
