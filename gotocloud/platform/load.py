"""Read `platform.yaml`: a checked platform, or every problem of the file at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gotocloud.errors import shell_line
from gotocloud.platform.model import CROSS_RULES, Platform
from gotocloud.platform.rules import cross_problems
from gotocloud.platform.zones import ZoneMap, zone_map
from gotocloud.yaml_files import (
    BLOCK,
    Location,
    MarkedYaml,
    Problem,
    load_yaml,
    model_problems,
    problems_of,
    read_text,
)

CHECK_COMMAND = "gotocloud platform check"


def load_platform(path: Path, *, zones: ZoneMap | None = None) -> Platform:
    """Read and check a platform file.

    Args:
        path: The file.
        zones: Where clusters can run. Default: the shipped zone map, and the one beside the file.

    Raises:
        InputError: if it cannot be read or breaks a rule; names every problem.
    """
    check = f"{CHECK_COMMAND} {shell_line('--platform', path)}"
    # To copy the example over a file that cannot be read would destroy a user's work.
    start = "cp platform.example.yaml platform.yaml"
    text = read_text(path, "platform file", check if path.exists() else start)
    marked = load_yaml(text, str(path), next_command=check)
    platform, found = _validate(marked)
    found += _zone_problems(zones or zone_map(path), marked)
    if found or platform is None:
        raise problems_of(str(path), found, next_command=check)
    return platform


def record_path(platform_path: Path) -> Path:
    """Where the record of a platform lies: platform.yaml -> platform.record.yaml."""
    return platform_path.with_name(f"{platform_path.stem}.record.yaml")


def _validate(marked: MarkedYaml) -> tuple[Platform | None, list[Problem]]:
    platform = None
    found = list(marked.problems)
    if not isinstance(marked.data, dict):
        return None, [*found, (1, f"file: {BLOCK}")]
    try:
        platform = Platform.model_validate(marked.data)
    except ValidationError as error:
        # Two kinds are reported by the rules, together with everything else that does not fit.
        found += model_problems(
            error,
            marked,
            Platform,
            left_out=lambda kind, where: (
                kind == CROSS_RULES or (kind == "too_long" and where[-1] == "regions")
            ),
        )
    found += [marked.problem(where, what) for where, what in cross_problems(marked.data)]
    return platform, found


def _zone_problems(zones: ZoneMap, marked: MarkedYaml) -> list[Problem]:
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
        marked.problem(where, f"{region!r} cannot be used: {left_out[region]}")
        for where, region in places
        if isinstance(region, str) and region in left_out
    ]
