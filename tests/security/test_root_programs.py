"""What runs as root on a head node takes no module and no program from where users write."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gotocloud.projects.pausing import SLURM, node_package, node_script
from gotocloud.software.publishing.bundle import interpreter

PACKAGE = Path(__file__).parents[2] / "gotocloud"
SCRIPTS = sorted((PACKAGE / "node").glob("*.sh"))
PLANTED = 'import os\nos.system("touch " + os.environ["CANARY"])\nraise SystemExit("planted")\n'


def started(text: str) -> list[str]:
    """The ways in which a shell script starts Python."""
    return re.findall(r"^[^#\n]*?(\bpython3?(?:\.\d+)? .*)$", text, re.MULTILINE)


def test_each_python_of_a_node_looks_for_modules_in_its_own_folders_alone() -> None:
    """`-I`: neither the current folder nor PYTHONPATH nor the user's own packages."""
    found = [line for script in SCRIPTS for line in started(script.read_text())]
    found += started(node_script("pass"))
    found += started(node_package({"__main__.py": "pass"}))
    assert len(found) >= 3
    assert [line for line in found if not line.startswith("python3 -I ")] == []
    assert interpreter().endswith(" -I")
    assert interpreter().startswith("/usr/bin/python")


def test_a_program_that_stays_on_the_node_looks_there_alone_too() -> None:
    first = (PACKAGE / "node" / "home.py").read_text().partition("\n")[0]
    assert first == "#!/usr/bin/env -S python3 -I"


IMPORTS = "import json, re, os, pathlib, hashlib\nprint(1)"
ONE_FILE = node_script(IMPORTS)
PROGRAM_OF_TWO_FILES = node_package(
    {"gotocloud/node/home.py": IMPORTS, "__main__.py": "import gotocloud.node.home"}
)


@pytest.mark.parametrize("script", [ONE_FILE, PROGRAM_OF_TWO_FILES])
@pytest.mark.parametrize("module", ["json", "re", "os", "pathlib", "hashlib", "gotocloud"])
def test_a_planted_module_is_not_imported(tmp_path: Path, module: str, script: str) -> None:
    share, stands = tmp_path / "share", tmp_path / "stands"
    for folder in (share, stands):
        folder.mkdir()
        (folder / f"{module}.py").write_text(PLANTED)
        (folder / "sitecustomize.py").write_text(PLANTED)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=stands,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(share),
            "PYTHONSTARTUP": str(share / f"{module}.py"),
            "HOME": str(stands),
            "CANARY": str(tmp_path / "canary"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert not (tmp_path / "canary").exists()


def test_the_software_share_comes_last_on_the_path() -> None:
    """A program there with the name of one of the system is not found first."""
    texts = [script.read_text() for script in SCRIPTS] + [SLURM]
    extended = [line for text in texts for line in re.findall(r'PATH="([^"]*)"', text)]
    assert len(extended) >= 3
    own = ("/opt/slurm/bin:", r"\$PATH:", "$PATH:")
    assert [line for line in extended if not line.startswith(own)] == []


def test_services_of_root_start_by_a_whole_path_that_root_alone_writes() -> None:
    text = (PACKAGE / "node" / "configure-head-node.sh").read_text()
    begun = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert len(begun) == 3
    assert all(line.startswith("/usr/local/sbin/") for line in begun)
