"""What a shell completes: commands, projects, cluster configurations, regions and profiles.

A shell waits for each answer, so nothing here calls AWS or imports a library: projects are those
that the last command found. Reading the options of a command takes longer than all of it, so what
is typed most is answered before, and typer does the rest.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from pathlib import Path

from gotocloud.formats import parse_json

VARIABLE = "_GOTOCLOUD_COMPLETE"
"""What typer's scripts for shells set, to `complete_` and the shell."""

OF_A_PROJECT = frozenset({"start", "connect", "ssh", "pause", "finish"})
"""Commands whose argument is a project."""

# Others could end the quotes in which a shell evaluates the answer.
_PLAIN = re.compile(r"[\w.@+-]+", re.ASCII)


def quick_answer(environment: Mapping[str, str], commands: list[str]) -> str | None:
    """What a shell is given; None where the options of a command must be read first.

    Args:
        environment: As typer's scripts set it.
        commands: Every first word.
    """
    shell = environment.get(VARIABLE, "").removeprefix("complete_")
    typed = _typed(shell, environment)
    names = None if typed is None else _names(*typed, commands)
    if not names:
        return None
    plain = [name for name in names if _PLAIN.fullmatch(name)]
    if shell == "zsh":
        quoted = "\n".join(f'"{name}"' for name in plain)
        return f"_arguments '*: :(({quoted}))'"
    return "\n".join(plain)


def _typed(shell: str, environment: Mapping[str, str]) -> tuple[list[str], str] | None:
    """The words before the one to complete, and that one."""
    if shell == "bash":
        words = environment.get("COMP_WORDS", "").split()
        number = environment.get("COMP_CWORD", "")
        if not re.fullmatch("[0-9]{1,9}", number):
            return None
        before, now = words[1 : int(number)], "".join(words[int(number) : int(number) + 1])
        # Bash takes the two sides of --config=NAME apart.
        return ([word for word in before if word != "="], "" if now == "=" else now)
    if shell in {"zsh", "fish"}:
        if environment.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
            return None
        text = environment.get("_TYPER_COMPLETE_ARGS", "")
        words = text.split()[1:]
        return (words, "") if not words or text.endswith(" ") else (words[:-1], words[-1])
    return None


def _names(before: list[str], now: str, commands: list[str]) -> list[str] | None:
    if not before:
        return _beginning(now, commands)
    if before[0] not in OTHERWISE and before[-1] in OF_OPTION:
        return OF_OPTION[before[-1]](now)
    if len(before) == 1 and before[0] in OF_A_PROJECT and not now.startswith("-"):
        return projects(now)
    return None


def projects(incomplete: str) -> list[str]:
    """The caller's projects."""
    return _beginning(incomplete, _kept_regions().get(os.environ.get("AWS_PROFILE", ""), []))


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


def _kept_regions() -> dict[str, list[str]]:
    from gotocloud.files import cache_folder

    try:
        found = parse_json((cache_folder() / "projects.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _beginning(incomplete: str, names: list[str]) -> list[str]:
    return sorted(name for name in names if isinstance(name, str) and name.startswith(incomplete))


OF_OPTION = {
    "--config": configurations,
    "--region": regions,
    "--profile": profiles,
    "--project": projects,
}
"""What the value of an option is, in every command that has it."""

OTHERWISE = frozenset({"advise", "rehearse"})
"""Families in which an option of such a name means something else."""
