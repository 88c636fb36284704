"""The rules of the house that imports and folders can break."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gotocloud"

PURE = (
    "platform",
    "cluster_configs",
    "costs",
    "projects",
    "transfer",
    "relion",
    "advisor",
    "software",
)
"""Packages that take values and return text or data: no AWS, no CDK."""

ALLOWED = {
    "stacks": {"stacks", "constructs", "cluster_configs", "platform"},
    "constructs": {"constructs", "cluster_configs", "platform"},
    "platform": {"platform", "cluster_configs"},
    "cluster_configs": {"cluster_configs", "platform"},
    "costs": {"costs", "cluster_configs", "platform"},
    "transfer": {"transfer"},
    "relion": {"relion", "cluster_configs", "software"},
    "slurm": {"slurm", "relion", "cluster_configs", "costs", "software"},
    "advisor": {"advisor", "relion", "costs", "cluster_configs"},
    "aws": {"aws", "cluster_configs", "costs", "platform", "projects", "transfer"},
    "cli": {
        *("cli", "aws", "platform", "cluster_configs", "costs", "projects", "rehearsal"),
        *("transfer", "relion", "slurm", "advisor", "software"),
    },
    "rehearsal": {
        *("rehearsal", "aws", "platform", "cluster_configs", "costs", "projects", "cli"),
        *("relion", "slurm", "software"),
    },
    "projects": {"projects", "cluster_configs", "costs", "platform"},
    "software": {"software"},
    "node": set[str](),
}
"""The arrows of the architecture: a room, and the rooms it may import from."""


def imported_names(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(path: Path) -> set[str]:
    """Our own packages that a file imports."""
    parts = (name.split(".") for name in imported_names(path))
    rooms = {part[1] for part in parts if part[0] == "gotocloud" and len(part) > 1}
    return {room for room in rooms if (PACKAGE / room).is_dir()}


def libraries_of(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported_names(path)}


def files(room: str) -> list[Path]:
    return sorted((PACKAGE / room).rglob("*.py"))


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_rooms_import_only_along_the_arrows(room: str) -> None:
    strangers = {str(f.relative_to(ROOT)): rooms_of(f) - ALLOWED[room] for f in files(room)}
    assert {name: rooms for name, rooms in strangers.items() if rooms} == {}


def test_every_room_has_its_arrows() -> None:
    rooms = {folder.name for folder in PACKAGE.iterdir() if list(folder.glob("*.py"))}
    assert rooms - {"__pycache__"} == set(ALLOWED)


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_know_neither_aws_nor_cdk(room: str) -> None:
    effects = {"boto3", "botocore", "aws_cdk", "moto", "subprocess"}
    assert {
        f.name: libraries_of(f) & effects for f in files(room) if libraries_of(f) & effects
    } == {}


def test_only_the_client_of_slurm_runs_commands() -> None:
    assert {f.name for f in files("slurm") if "subprocess" in libraries_of(f)} == {"client.py"}


def test_only_aws_and_the_rehearsal_import_boto3() -> None:
    importers = {
        f.relative_to(PACKAGE).parts[0]
        for f in PACKAGE.rglob("*.py")
        if libraries_of(f) & {"boto3", "botocore"}
    }
    assert importers <= {"aws", "rehearsal"}


def test_the_command_line_never_imports_the_cdk() -> None:
    offenders = [f.name for f in files("cli") if libraries_of(f) & {"aws_cdk", "constructs"}]
    assert offenders == []


def test_no_top_level_name_hides_a_library() -> None:
    """ADR 1: a top-level `constructs` hides the library that aws_cdk imports."""
    ours = {p.stem for p in ROOT.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    ours |= {p.name for p in ROOT.iterdir() if p.is_dir() and list(p.glob("*.py"))}
    assert ours & {"constructs", "aws_cdk", "stacks", "cluster_configs", "platform"} == set()


def test_the_library_constructs_is_found_from_the_repository() -> None:
    """As the CDK command line runs it: the repository first on the path."""
    done = subprocess.run(
        [sys.executable, "-c", "import constructs; print(constructs.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    library = importlib.util.find_spec("constructs")
    assert library is not None
    assert done.stdout.strip() == library.origin
    assert ROOT / "gotocloud" not in Path(done.stdout.strip()).parents


def test_the_guard_sees_imports_inside_functions(tmp_path: Path) -> None:
    source = tmp_path / "hidden.py"
    source.write_text("def f():\n    from gotocloud import aws\n    import boto3.session\n")
    assert rooms_of(source) == {"aws"}
    assert libraries_of(source) == {"gotocloud", "boto3"}
