"""Checks for what stands in one file of a change but not in the other."""

from __future__ import annotations

from pathlib import Path

import gotocloud


def unused_types() -> None:
    """Refuse rows of the table of instance types that no configuration uses and no price has."""
    from gotocloud.cluster_configs.instances import instance_types
    from gotocloud.cluster_configs.model import used_instance_types
    from gotocloud.costs.prices import shipped_table

    priced = {item for item, _, _ in shipped_table()}
    unused = sorted({*instance_types()} - {*used_instance_types()} - priced)
    assert not unused, f"no queue of gotocloud/cluster_configs/*.yaml uses {', '.join(unused)}"


def unlisted_commands() -> None:
    """Refuse modules of commands that `--help` does not list, and the other way round."""
    from gotocloud.cli.main import FAMILIES, HIDDEN, VERBS

    folder = Path(gotocloud.__file__).parent / "cli" / "commands"
    there = {path.stem for path in folder.glob("*.py") if "typer.Typer(" in path.read_text()}
    named = {*FAMILIES, *HIDDEN.values(), *(module for module, _ in VERBS.values())}
    for name in sorted(named - there):
        raise AssertionError(f"there is no gotocloud/cli/commands/{name}.py")
    for name in sorted(there - named):
        raise AssertionError(f"gotocloud/cli/main.py does not name {name}")
