"""The commands of the README that install `gotocloud`, and where it is never installed from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from gotocloud import __version__
from gotocloud.cli.work.platform import SCIENTISTS_LOCK
from gotocloud.platform.release import install_files
from tests.docs.command_blocks import ROOT, commands, documents

FROM_AN_INDEX = re.compile(r"pip3? install\b[^\n`]*?[\s\"']gotocloud(?![-\w])")


def run(command: str, folder: Path, **environment: str) -> str:
    """What a shell prints for a command, with `folder` as home and as working folder."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    environment = {"HOME": str(folder), **environment}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_readmes_commands_build_a_wheel_and_install_it(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "gotocloud", tmp_path / "gotocloud", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    lines = commands((ROOT / "README.md").read_text())
    build, checksum = lines[lines.index("make wheel") :][:2]
    run(f"{build} --old-file=env", tmp_path)
    assert re.match(r"[0-9a-f]{64} ", run(checksum, tmp_path))

    home = tmp_path / "home"
    home.mkdir()
    (wheel,) = (tmp_path / "build" / "wheel").iterdir()
    shutil.copy(wheel, home)
    first = lines.index("python3 -m venv ~/gotocloud")
    venv, install, start = lines[first : first + 3]
    run(venv, home)
    # The libraries are those of this environment: no index is needed.
    run(install, home, PIP_NO_DEPS="1", PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    libraries = sysconfig.get_path("purelib")
    assert "submit" in run(start, home, PYTHONPATH=libraries)
    started = run("~/gotocloud/bin/gotocloud --version", home, PYTHONPATH=libraries)
    assert __version__ in started
    assert (home / "gotocloud" / "bin" / "gotocloud").exists()


def test_nothing_names_gotocloud_on_a_public_index() -> None:
    """Anybody may register the name there."""
    sources = [
        *documents(),
        *(ROOT / "gotocloud").rglob("*.py"),
        *(ROOT / "gotocloud").rglob("*.sh"),
    ]
    naming = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in sources
        for found in FROM_AN_INDEX.finditer(path.read_text())
    ]
    assert naming == []


def test_pip_takes_what_is_published_from_its_folder_and_refuses_a_changed_byte(
    wheel: Path, tmp_path: Path
) -> None:
    files = install_files(wheel.name, wheel.read_bytes(), "", __version__)
    folder = tmp_path / "gotocloud-install"
    folder.mkdir()
    for path, content in files.items():
        (folder / Path(path).name).write_bytes(content)
    install = f"cd {folder} && {sys.executable} -m pip install --no-deps --no-index --target x"
    run(f"{install} -r requirements.txt", tmp_path)
    assert (folder / "x" / "gotocloud" / "__init__.py").exists()
    with (folder / wheel.name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(AssertionError, match="DO NOT MATCH THE HASHES"):
        run(f"{install}2 -r requirements.txt", tmp_path)


def test_the_hashes_cover_every_library_of_the_wheel(wheel: Path) -> None:
    lock = (ROOT / SCIENTISTS_LOCK).read_text()
    locked = {name.lower() for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    with zipfile.ZipFile(wheel) as packed:
        (name,) = (one for one in packed.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = packed.read(name).decode()
    needed = re.findall(r"^Requires-Dist: ([\w.-]+)(?!.*extra ==)", metadata, re.MULTILINE)
    assert len(needed) > 4
    assert {name.lower() for name in needed} <= locked
    everything = (ROOT / "requirements.txt").read_text()
    assert [line for line in lock.splitlines() if "==" in line and line not in everything] == []


def test_a_command_that_names_gotocloud_on_an_index_is_found() -> None:
    for text in (
        "pip install 'gotocloud[advice]'",
        "pip install gotocloud",
        "pip install -U gotocloud",
    ):
        assert FROM_AN_INDEX.search(text), text
    assert not FROM_AN_INDEX.search("pip install ./gotocloud-0.1.0-py3-none-any.whl")
