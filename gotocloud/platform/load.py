"""Read `platform.yaml`: a checked platform, or every problem of the file at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gotocloud.errors import InputError, shell_line
from gotocloud.platform.lines import Location, MarkedYaml, read_marked, read_text
from gotocloud.platform.model import (
    CROSS_RULES,
    Group,
    Management,
    Network,
    Platform,
    location_text,
)
from gotocloud.platform.rules import cross_problems
from gotocloud.platform.zones import ZoneMap, zone_map

CHECK_COMMAND = "gotocloud platform check"

_ALLOWED_KEYS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): Platform,
    ("management",): Management,
    ("network",): Network,
    ("groups", "*"): Group,
}
_PLAIN_WORDS = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a list of `key: value` lines",
    "model_type": "must be a block of `key: value` lines",
    "model_attributes_type": "must be a block of `key: value` lines",
    "greater_than_equal": "must be 1 or more",
}


class PlatformFileError(InputError):
    """A platform file that cannot be used; `problems` has all of them, each with its line."""


def load_platform(path: Path, *, zones: ZoneMap | None = None) -> Platform:
    """Read and check a platform file.

    Args:
        path: The file.
        zones: Where clusters can run. Default: the shipped zone map, and the one beside the file.

    Raises:
        PlatformFileError: if it cannot be read or breaks a rule; names every problem.
    """
    marked = _read(path)
    platform, found = _validate(marked)
    found += _zone_problems(zones or zone_map(path), marked)
    if found or platform is None:
        problems = [f"line {line}: {text}" for line, text in sorted(set(found))]
        number = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        raise PlatformFileError(
            f"{path} has {number}.",
            problems=problems,
            next_command=f"{CHECK_COMMAND} {shell_line('--platform', path)}",
        )
    return platform


def record_path(platform_path: Path) -> Path:
    """Where the record of a platform lies: platform.yaml -> platform.record.yaml."""
    return platform_path.with_name(f"{platform_path.stem}.record.yaml")


def _read(path: Path) -> MarkedYaml:
    check = f"{CHECK_COMMAND} {shell_line('--platform', path)}"
    # To copy the example over a file that cannot be read would destroy a user's work.
    start = "cp platform.example.yaml platform.yaml"
    text = read_text(path, "platform file", check if path.exists() else start)
    try:
        return read_marked(text)
    except yaml.YAMLError as error:
        raise PlatformFileError(
            f"{path} is not YAML.",
            problems=[yaml_problem(error)],
            next_command=check,
        ) from None


def yaml_problem(error: yaml.YAMLError) -> str:
    """What the YAML reader complains about, with its line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error).splitlines()[0]
    mark = error.problem_mark or error.context_mark
    what = ", ".join(part for part in (error.context, error.problem) if part)
    return f"line {mark.line + 1}: {what}" if mark else what


def _validate(marked: MarkedYaml) -> tuple[Platform | None, list[tuple[int, str]]]:
    platform = None
    found = [(line, f"{location_text(where)}: {what}") for line, where, what in marked.problems]
    if not isinstance(marked.data, dict):
        return None, [*found, (1, "file: must be a block of `key: value` lines")]
    try:
        platform = Platform.model_validate(marked.data)
    except ValidationError as error:
        found += [
            _placed(marked, where, what)
            for details in error.errors(include_url=False)
            for where, what in _field_problems(details, marked)
        ]
    found += [_placed(marked, where, what) for where, what in cross_problems(marked.data)]
    return platform, found


def _zone_problems(zones: ZoneMap, marked: MarkedYaml) -> list[tuple[int, str]]:
    """Regions that exist, but in which the cluster configurations cannot run."""
    data = marked.data if isinstance(marked.data, dict) else {}
    regions, management = data.get("regions"), data.get("management")
    places: list[tuple[Location, Any]] = [
        (("regions", i), region)
        for i, region in enumerate(regions if isinstance(regions, list) else [])
    ]
    if isinstance(management, dict):
        places.append((("management", "home_region"), management.get("home_region")))
    left_out = zones.left_out
    return [
        _placed(marked, where, f"{region!r} cannot be used: {left_out[region]}")
        for where, region in places
        if isinstance(region, str) and region in left_out
    ]


def _placed(marked: MarkedYaml, where: Location, what: str) -> tuple[int, str]:
    return marked.line(where), f"{location_text(where)}: {what}"


def _field_problems(details: ErrorDetails, marked: MarkedYaml) -> Iterator[tuple[Location, str]]:
    # The rules report these themselves, together with everything else that does not fit.
    if details["type"] == CROSS_RULES:
        return
    if details["type"] == "too_long" and details["loc"][-1] == "regions":
        return
    # Not empty: each entry has a problem of its own, which is reported.
    if details["type"] == "too_short" and details["input"]:
        return
    where = tuple(part for part in details["loc"] if part != "[key]")
    yield where, _message(details, where, marked)


def _message(details: ErrorDetails, where: Location, marked: MarkedYaml) -> str:
    kind, value = details["type"], details["input"]
    if kind == "account_number":
        digits = marked.texts.get(where, str(value))
        return f'{digits} {details["msg"]}: "{digits}"'
    if kind == "extra_forbidden":
        return _unknown_key(where)
    if kind == "too_short":
        return "needs at least one entry"
    if kind == "too_long":
        return f"has {len(value)} entries; {details['ctx']['max_length']} are allowed"
    text = _PLAIN_WORDS.get(kind, details["msg"].removeprefix("Value error, "))
    if kind == "missing" or kind == "value_error":
        return text
    return f"{text}, not {value!r}" if isinstance(value, str | int | float | bool) else text


def _unknown_key(where: Location) -> str:
    parent = tuple("*" if isinstance(part, int) else part for part in where[:-1])
    model = _ALLOWED_KEYS.get(parent)
    allowed = sorted(model.model_fields) if model else []
    close = get_close_matches(str(where[-1]), allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"is not known{hint} Known here: {', '.join(allowed)}"
