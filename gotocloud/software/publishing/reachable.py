"""Which files of this package the commands of a head node can reach."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from gotocloud.contract.releases import CONFIGURE_HEAD_NODE, MOUNT_SOFTWARE

ON_HEAD_NODES = frozenset(
    {
        *("advise", "advise_collect", "advise_queues", "advise_stop"),
        *("bench", "check", "form", "guard", "jobs"),
        *("cluster", "resume", "software", "submit"),
    }
)
"""Modules of the commands that head nodes run.

The role of a head node allows no other: it may neither see nor change what is not its own
cluster. The others run on a person's own computer.
"""

REPOSITORY_ONLY = frozenset(
    {
        *("rehearsal", "stacks", "constructs", "checks.py"),
        *("software/publishing", "cli/repository", "costs/platform_resources.yaml"),
        # Machines take these from a release, or from the shared software itself.
        *(CONFIGURE_HEAD_NODE, MOUNT_SOFTWARE),
        "node/relion-submit-template.sh",
    }
)
"""What runs, or is read, from the repository only: the rehearsal, what needs the CDK, the build
host's part, and what is published."""

OWN_COMPUTER_ONLY = frozenset(
    {
        *(f"advisor/{name}.py" for name in ("idling", "policies", "queue_times", "replay")),
        *("advisor/public_run.csv", "advisor/imports/spans.py", "cli/views/queues.py"),
        *(f"cluster_configs/{name}.py" for name in ("first_file", "renderer", "schema")),
        "platform/placeholders.py",
    }
)
"""Parts of families that head nodes have, for decisions that are not made there: how long idle
machines stay on, and what a cluster configuration is like."""

PICTURES = frozenset({"advisor/figures", "cli/views/bench_report.py"})
"""Draw with the libraries of the extra `advice`, without which they are of no use."""

_COMMANDS = ("cli", "commands")
_DATA = "node"
"""Its scripts are sent to machines as text, so no import names them."""


def left_out(package: Path, *, pictures: bool = False) -> frozenset[Path]:
    """Files that no command of a head node imports, and the data beside them.

    Args:
        package: The folder of this package.
        pictures: Whether the libraries that draw go along.
    """
    elsewhere = REPOSITORY_ONLY | OWN_COMPUTER_ONLY | (frozenset() if pictures else PICTURES)
    modules = {
        _name(package, path): path
        for path in package.rglob("*.py")
        if not _is_in(path.relative_to(package), elsewhere)
    }
    commands = ".".join((package.name, *_COMMANDS))
    reached: set[str] = set()
    waiting = [
        f"{package.name}.__main__",
        commands,
        *(f"{commands}.{stem}" for stem in ON_HEAD_NODES),
    ]
    while waiting:
        name = waiting.pop()
        if name in modules and name not in reached:
            reached.add(name)
            waiting += _imported(modules[name])
    kept = {modules[name] for name in reached}
    return frozenset(
        path
        for path in package.rglob("*")
        if path.is_file()
        and path not in kept
        and (
            _is_in(path.relative_to(package), elsewhere)
            or not _is_data_of(path, kept, package / _DATA)
        )
    )


def _is_in(path: Path, places: frozenset[str]) -> bool:
    return any(str(one) in places for one in (path, *path.parents))


def _is_data_of(path: Path, kept: set[Path], sent: Path) -> bool:
    """Whether a file is read by a package that is kept."""
    if sent in path.parents:
        return True
    around = next(folder / "__init__.py" for folder in path.parents if _is_package(folder))
    return path.suffix != ".py" and around in kept


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").exists()


def _name(package: Path, path: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, at once or later, with the packages around it."""
    for node in _executed(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{one.name}" for one in node.names]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes below one, without what only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _executed(node)
