"""What a shell completes: projects, cluster configurations, regions and profiles.

A shell waits for each answer, so nothing here calls AWS or imports a library: projects are those
that the last command found.
"""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from gotocloud.formats import parse_json


def projects(incomplete: str) -> list[str]:
    """The caller's projects."""
    return _beginning(incomplete, _known().get(os.environ.get("AWS_PROFILE", ""), []))


def configurations(incomplete: str) -> list[str]:
    """The package's cluster configurations."""
    folder = Path(__file__).parents[1] / "cluster_configs"
    return _beginning(incomplete, [path.stem for path in folder.glob("*.yaml")])


def regions(incomplete: str) -> list[str]:
    """AWS's regions."""
    from gotocloud.platform.regions import REGIONS

    return _beginning(incomplete, list(REGIONS))


def profiles(incomplete: str) -> list[str]:
    """The profiles of the AWS configuration."""
    path = os.environ.get("AWS_CONFIG_FILE") or Path("~/.aws/config").expanduser()
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return []
    return _beginning(incomplete, [name.removeprefix("profile ") for name in parser.sections()])


def _known() -> dict[str, list[str]]:
    from gotocloud.files import cache_folder

    try:
        found = parse_json((cache_folder() / "projects.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _beginning(incomplete: str, names: list[str]) -> list[str]:
    return sorted(name for name in names if isinstance(name, str) and name.startswith(incomplete))
