"""The rules of the house that imports, folders and effects can break."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Container, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.rooms import (
    BEGIN,
    DOCUMENT,
    END,
    EVERYWHERE,
    ROOMS,
    ROOT,
    Room,
    is_module,
    part_of,
    table,
)

PACKAGE = ROOT / "gotocloud"
BY_NAME = {room.name: room for room in ROOMS}


def imported_names(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(path: Path) -> set[str]:
    """Our own rooms that a file imports."""
    parts = (name.split(".") for name in imported_names(path))
    rooms = {part[1] for part in parts if part[0] == "gotocloud" and len(part) > 1}
    return {room for room in rooms if (PACKAGE / room).is_dir() or is_module(room)}


def libraries_of(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported_names(path)}


def files(room: str) -> list[Path]:
    return [PACKAGE / f"{room}.py"] if is_module(room) else sorted((PACKAGE / room).rglob("*.py"))


def modules(package: Path) -> dict[str, Path]:
    """The modules of a package by their dotted names."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def module_graph(package: Path) -> dict[str, set[str]]:
    """Which module imports which, at the top or inside a function."""
    known = modules(package)
    return {name: set(_imported_modules(path, known)) - {name} for name, path in known.items()}


def _imported_modules(path: Path, known: Container[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def cycle_of(graph: Mapping[str, set[str]]) -> list[str]:
    """A cycle of a graph, for example [a, b, a]; empty when it has none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_rooms_import_only_along_the_arrows(room: Room) -> None:
    allowed = {room.name, *room.imports, *EVERYWHERE}
    strangers = {str(f.relative_to(ROOT)): rooms_of(f) - allowed for f in files(room.name)}
    assert {name: rooms for name, rooms in strangers.items() if rooms} == {}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_an_arrow_that_no_file_uses_is_not_in_the_table(room: Room) -> None:
    used = set().union(*(rooms_of(f) for f in files(room.name)))
    assert set(room.imports) <= used


def test_every_room_is_in_the_table() -> None:
    rooms = {folder.name for folder in PACKAGE.iterdir() if list(folder.glob("*.py"))}
    rooms |= {path.stem for path in PACKAGE.glob("*.py")}
    assert rooms - {"__pycache__", "__init__"} == set(BY_NAME)


def test_no_room_imports_a_room_that_imports_it() -> None:
    assert cycle_of({room.name: set(room.imports) for room in ROOMS}) == []


def test_the_table_shows_lower_rooms_first() -> None:
    above: set[str] = set(EVERYWHERE)
    for room in ROOMS:
        assert set(room.imports) <= above, room.name
        above.add(room.name)


def test_no_file_imports_a_file_that_imports_it() -> None:
    assert cycle_of(module_graph(PACKAGE)) == []


@pytest.mark.parametrize("room", ["aws", "cli", "rehearsal", "relion", "advisor", "software"])
def test_no_folder_of_a_room_imports_a_neighbour_that_imports_it(room: str) -> None:
    graph: dict[str, set[str]] = {}
    for name, others in module_graph(PACKAGE).items():
        for other in others:
            here, there = (each.split(".") for each in (name, other))
            both = here[1:2] == there[1:2] == [room] and len(here) > 3 and len(there) > 3
            if both and here[2] != there[2]:
                graph.setdefault(here[2], set()).add(there[2])
    assert cycle_of(graph) == []


def test_a_cycle_through_a_function_is_seen(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("from package import b\n")
    (package / "b.py").write_text("def f():\n    from package.a import x\n")
    assert set(cycle_of(module_graph(package))) == {"package.a", "package.b"}


def test_contributing_shows_the_rooms_of_the_tests() -> None:
    text = part_of(DOCUMENT.read_text("utf-8"), BEGIN, END)
    assert text == table(), "To write it again: python -m tests.rooms"


PURE = [room for room in ROOMS if room.pure]
WRITES = {
    *("write_text", "write_bytes", "mkdir", "unlink", "rename", "touch", "chmod", "rmdir"),
    *("symlink_to", "hardlink_to", "savefig", "write_whole", "write_file", "replacing"),
}
"""Names of calls that change a file or a folder."""
CLOCKS = {"datetime.now", "date.today", "time.time", "time.monotonic", "time.sleep"}
EFFECTS = {"boto3", "botocore", "aws_cdk", "moto", "subprocess", "socket", "shutil", "tempfile"}


def effects_of(source: str) -> set[str]:
    """Effects that a source has: what it imports, writes, and reads of its surroundings."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & EFFECTS
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module.split(".")[0]} & EFFECTS
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}:
            found.add("environment")
        elif isinstance(node, ast.Call):
            found |= _effects_of_call(node)
    return found


def _effects_of_call(call: ast.Call) -> set[str]:
    called = ast.unparse(call.func)
    if called in CLOCKS:
        return {called}
    name = called.rpartition(".")[2]
    if name in WRITES:
        return {name}
    if name == "open":
        return {"open"} if any(set(mode) & set("wax+") for mode in _modes(call)) else set()
    return set()


def _modes(call: ast.Call) -> Iterator[str]:
    """What a call of `open` may have as its mode."""
    position = 0 if isinstance(call.func, ast.Attribute) else 1
    words = [*call.args[position : position + 1], *(each.value for each in call.keywords)]
    for word in words:
        if isinstance(word, ast.Constant) and isinstance(word.value, str):
            yield word.value if set(word.value) <= set("rwxab+t") else ""


def has_edge(room: Room, file: Path) -> bool:
    """Whether the table names an effect for a file of a pure room."""
    inside = str(file.relative_to(PACKAGE / room.name)) if not is_module(room.name) else file.name
    return any(inside == edge or inside.startswith(edge) for edge, _ in room.edges)


@pytest.mark.parametrize("room", PURE, ids=lambda room: room.name)
def test_pure_rooms_have_only_the_effects_that_the_table_names(room: Room) -> None:
    found = {
        str(file.relative_to(ROOT)): effects
        for file in files(room.name)
        if not has_edge(room, file) and (effects := effects_of(file.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("room", "edge"), [(room, edge) for room in PURE for edge, _ in room.edges], ids=str
)
def test_an_effect_that_the_table_names_is_there(room: Room, edge: str) -> None:
    inside = PACKAGE / room.name / edge
    paths = sorted(inside.rglob("*.py")) if inside.is_dir() else [inside]
    assert set().union(*(effects_of(path.read_text()) for path in paths))


@pytest.mark.parametrize(
    "source",
    [
        "def f(p):\n    p.open('w')",
        "open('x', mode='ab')",
        "p.write_text('')",
        "import os\nos.environ['A']",
        "def f():\n    import subprocess",
        "from datetime import datetime\ndatetime.now(UTC)",
        "with replacing(path) as draft: pass",
    ],
)
def test_effects_are_seen_wherever_they_stand(source: str) -> None:
    assert effects_of(source)


def test_reading_a_file_is_no_effect() -> None:
    assert effects_of("open('x')\np.open('rb')\np.read_text()") == set()


def test_only_one_file_above_relion_decides_where_a_job_runs() -> None:
    """Commands that put a route together themselves named different machines."""
    routing = "gotocloud.relion.routing.route"
    callers = {f.name for f in PACKAGE.rglob("*.py") if routing in imported_names(f)}
    assert callers == {"placing.py"}


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
