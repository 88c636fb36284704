"""The cluster configurations that a platform publishes: GoToCloud's, and its own files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gotocloud.cluster_configs.model import (
    ClusterConfiguration,
    configuration_names,
    load_configuration,
)
from gotocloud.cluster_configs.selection import select
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.platform.zones import ZoneMap
from gotocloud.yaml_files import load_yaml, read_text

Configurations = Mapping[str, ClusterConfiguration]
KEY = "cluster_configurations"


def shipped_configurations() -> Configurations:
    """GoToCloud's own cluster configurations, by name."""
    return {name: load_configuration(name) for name in configuration_names()}


def read_configurations(platform_path: Path, own: tuple[str, ...]) -> Configurations:
    """Every cluster configuration that a platform publishes, by name.

    Args:
        platform_path: The platform file, from whose folder the others are read.
        own: Files of configurations of its own, as `cluster_configurations` names them.

    Raises:
        InputError: with every problem of every file.
    """
    found = dict(shipped_configurations())
    problems: list[str] = []
    for number, name in enumerate(own):
        path = platform_path.parent / name
        if path.stem in found:
            whose = "GoToCloud's" if path.stem in configuration_names() else "in the list already"
            problems.append(f"{KEY}[{number}]: the name {path.stem!r} is {whose}; choose another")
            continue
        try:
            found[path.stem] = load_configuration(path)
        except InputError as error:
            problems += [f"{KEY}[{number}]: {one}" for one in (error.message, *error.problems)]
    if problems:
        raise InputError(
            "Some cluster configurations of the platform cannot be used.",
            problems=problems,
            next_command="gotocloud platform check",
        )
    return found


def configurations_beside(platform_path: Path) -> Configurations:
    """The cluster configurations of a platform file that need not be in order otherwise.

    A region that the file cannot have yet must not stop the command that makes it usable.

    Raises:
        InputError: if the file is not YAML, or as `read_configurations`.
    """
    if not platform_path.exists():
        return shipped_configurations()
    text = read_text(platform_path, "platform file", "gotocloud platform check")
    data = load_yaml(text, str(platform_path)).data
    own = data.get(KEY) if isinstance(data, dict) else None
    names = own if isinstance(own, list) else []
    return read_configurations(platform_path, tuple(one for one in names if isinstance(one, str)))


def instance_types_of(configurations: Configurations) -> tuple[str, ...]:
    """Every instance type that any of them may use, head nodes included, sorted."""
    return tuple(sorted({one for it in configurations.values() for one in it.instance_types}))


def unavailable(
    configurations: Configurations, zones: ZoneMap, regions: Iterable[str]
) -> list[str]:
    """Which configurations cannot be had in which region, each with the reason."""
    problems = []
    for region in regions:
        zone = zones.region(region).best
        for name, configuration in configurations.items():
            try:
                select(configuration, zone.offerings)
            except GoToCloudError as error:
                problems.append(f"{name} in {region}, zone {zone.zone_id}: {error.message}")
    return problems
