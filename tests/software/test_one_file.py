"""The one-file command line: what goes in, how it starts, and where it unpacks itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import gotocloud
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.software.publishing import bundle, starter
from gotocloud.software.publishing.reachable import ON_HEAD_NODES, left_out
from tests.needs import ROOT
from tests.software.small_site import MAIN, THIS_PYTHON, make_site


def lock() -> str:
    return (ROOT / "requirements.txt").read_text()


def roots() -> frozenset[str]:
    return bundle.runtime_roots((ROOT / "pyproject.toml").read_text())


def needed(name: str) -> set[str]:
    """What a package needs by its own metadata, itself included."""
    found = {bundle._normal(name)}
    for line in metadata.requires(name) or ():
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            found |= needed(wanted.name) if bundle._normal(wanted.name) not in found else set()
    return found


def test_exactly_what_the_command_line_needs_is_fetched() -> None:
    subset = bundle.locked_subset(lock(), roots())
    fetched = {bundle._normal(name) for name in re.findall(r"(?m)^([\w.-]+)==", subset)}
    assert fetched == set().union(*(needed(name) for name in roots()))
    assert not fetched & {"aws-cdk-lib", "moto", "numpy", "pytest", "shiv"}


def test_every_package_is_fetched_by_its_hash() -> None:
    subset = bundle.locked_subset(lock(), roots())
    for block in re.split(r"(?m)^(?=\w)", subset)[1:]:
        assert "--hash=sha256:" in block


def test_an_extra_goes_along_when_it_is_requested() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    more = bundle.locked_subset(lock(), bundle.runtime_roots(text, ["advice"]))
    assert "\nnumpy==" in more
    with pytest.raises(InputError, match=r"No extra named 'advise'.*Did you mean 'advice'"):
        bundle.runtime_roots(text, ["advise"])


def test_a_package_that_is_not_locked_is_named() -> None:
    with pytest.raises(InputError, match=r"does not lock numbers, words\.\nNext: make lock"):
        bundle.locked_subset(lock(), frozenset({"numbers", "words", "boto3"}))
    with pytest.raises(InputError, match="names no dependencies"):
        bundle.runtime_roots("[project]\n")


def test_pip_gets_wheels_for_the_python_of_the_nodes_and_builds_nothing(tmp_path: Path) -> None:
    words = bundle.pip_arguments(tmp_path / "r.txt", tmp_path / "site")
    told = " ".join(words)
    for option in (
        "--python-version 3.12",
        "--abi cp312 --abi abi3 --abi none",
        "--only-binary=:all:",
        "--require-hashes",
        "--no-deps",
    ):
        assert option in told
    assert bundle.interpreter() == "/usr/bin/python3.12 -I"


def test_a_module_made_for_another_python_is_refused(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    for name in ("a.cpython-311-x86_64-linux-gnu.so", "b.abi3.so", "c.cpython-312-x86_64.so"):
        (site / name).write_bytes(b"")
    with pytest.raises(GoToCloudError) as caught:
        bundle.one_file(site, python="3.12")
    assert caught.value.problems == ("a.cpython-311-x86_64-linux-gnu.so is made for Python 3.11",)


def test_the_same_packages_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = make_site(tmp_path / "a"), make_site(tmp_path / "b")
    (second / "gotocloud" / "__pycache__").mkdir()
    (second / "gotocloud" / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    os.utime(second / "gotocloud" / "__init__.py", (1, 1))
    assert bundle.one_file(first) == bundle.one_file(second)
    (second / "gotocloud" / "__init__.py").write_text("# changed")
    assert bundle.one_file(first) != bundle.one_file(second)


class File:
    """A built file and the folder in which it unpacks itself."""

    def __init__(self, folder: Path, main: str = MAIN, python: str = THIS_PYTHON) -> None:
        self.path = folder / "shared" / "gotocloud.pyz"
        self.path.parent.mkdir(parents=True)
        self.cache = folder / "cache"
        self.put(folder / "site", main, python)

    def put(self, site: Path, main: str, python: str = THIS_PYTHON) -> None:
        made = make_site(site, main)
        self.path.write_bytes(
            bundle.one_file(made, python=python, first_line=f"{sys.executable} -I")
        )
        self.path.chmod(0o755)

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [str(self.path), *arguments],
            env={**os.environ, starter.CACHE_VARIABLE: str(self.cache), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def unpacked(self) -> Path:
        return Path(self.run("--where")[1].strip())


def test_the_file_runs_from_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = File(tmp_path)
    file.path.parent.chmod(0o555)
    assert file.run("a", "b c") == (0, "small a b c\n", "")
    assert list(file.path.parent.iterdir()) == [file.path]


def test_it_may_be_moved_and_linked(tmp_path: Path) -> None:
    file = File(tmp_path)
    file.run()
    moved = tmp_path / "a b" / "gotocloud"
    moved.parent.mkdir()
    shutil.move(file.path, moved)
    file.path = tmp_path / "link"
    file.path.symlink_to(moved)
    assert file.run("again") == (0, "small again\n", "")


def test_what_shells_set_for_other_pythons_does_not_reach_it(tmp_path: Path) -> None:
    (tmp_path / "gotocloud.py").write_text("raise SystemExit('another one')")
    file = File(tmp_path)
    status, out, _ = file.run("--path", PYTHONPATH=str(tmp_path), PYTHONHOME="/nowhere")
    assert status == 0
    assert str(tmp_path) not in out.split("\n")
    assert str(file.path) not in out.split("\n")


def test_it_is_unpacked_once(tmp_path: Path) -> None:
    file = File(tmp_path)
    complete = file.unpacked() / starter.COMPLETE
    before = complete.stat()
    assert file.run() == (0, "small\n", "")
    assert complete.stat().st_ino == before.st_ino


def test_many_starts_at_once_unpack_it_once(tmp_path: Path) -> None:
    file = File(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda number: file.run(str(number)), range(8)))
    assert [end[:2] for end in ends] == [(0, f"small {number}\n") for number in range(8)]
    kept = [path for path in file.cache.iterdir() if path.suffix != ".lock"]
    assert len(kept) == 1


def test_what_was_interrupted_or_cleaned_away_is_unpacked_again(tmp_path: Path) -> None:
    file = File(tmp_path)
    folder = file.unpacked()
    (folder / starter.COMPLETE).unlink()
    (folder / "gotocloud" / "cli" / "main.py").unlink()
    folder.with_name(folder.name + ".part").mkdir()
    assert file.run("whole") == (0, "small whole\n", "")
    assert not folder.with_name(folder.name + ".part").exists()


def test_old_files_are_touched_before_the_system_cleans_them_away(tmp_path: Path) -> None:
    file = File(tmp_path)
    folder = file.unpacked()
    old = time.time() - starter.KEEP_S - 60
    for path in folder.rglob("*"):
        os.utime(path, (old, old))
    file.run()
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.stat().st_mtime > old + 60, path


def test_code_is_not_taken_from_a_folder_that_others_may_write(tmp_path: Path) -> None:
    file = File(tmp_path)
    file.cache.mkdir()
    file.cache.chmod(0o777)
    status, out, err = file.run()
    assert (status, out) == (1, "")
    assert f"{file.cache} is not yours alone" in err
    assert "Set GOTOCLOUD_CACHE to a folder on this machine" in err
    file.cache.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    file.cache.symlink_to(tmp_path / "elsewhere")
    assert "is not a folder" in file.run()[2]


def test_the_unpacked_files_are_for_their_user_alone(tmp_path: Path) -> None:
    file = File(tmp_path)
    file.run()
    assert file.cache.stat().st_mode & 0o777 == 0o700


def test_a_python_that_it_was_not_made_for_is_reported(tmp_path: Path) -> None:
    file = File(tmp_path, python="3.99")
    status, out, err = file.run()
    assert (status, out) == (1, "")
    assert f"is made for Python 3.99, not {THIS_PYTHON}" in err
    assert "Next: /usr/bin/python3.99 -I " in err


def test_a_release_that_changes_while_it_starts_is_run_as_the_new_one(tmp_path: Path) -> None:
    """The old file's starter finds the new file under its name."""
    file = File(tmp_path)
    old_start = f"starter.BUILD = 'an older one'; starter.PYTHON = '{THIS_PYTHON}'"
    file.put(tmp_path / "new", MAIN.replace("small", "new"))
    code = (
        f"import sys; from gotocloud.software.publishing import starter; {old_start}; "
        f"sys.argv = [{str(file.path)!r}, 'x']; starter.start()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, starter.CACHE_VARIABLE: str(file.cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "new x\n"


IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import gotocloud
assert gotocloud.__file__.startswith(sys.argv[1])
for one in pkgutil.walk_packages(gotocloud.__path__, "gotocloud."):
    if one.name != "gotocloud.__main__":
        importlib.import_module(one.name)
"""


OWN_COMPUTER = frozenset(
    {
        *("connect", "doctor", "finish", "login", "pause", "people", "platform", "prove"),
        *("rehearse", "setup", "ssh", "start", "status", "transfer"),
    }
)
"""Commands that need a person's own credentials, screen or checked-out release."""

ROOMS = {
    *("advisor", "aws", "cli", "cluster_configs", "contract", "costs", "jobs", "node", "platform"),
    *("projects", "relion", "slurm", "software"),
}

MOST_KB = 505
"""490 kB were measured on 30 November 2026, and 3 % more."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with this package as the head node's program holds it."""
    site = tmp_path_factory.mktemp("program")
    bundle.add_package(site, Path(gotocloud.__file__).parent)
    return site


def test_every_command_runs_on_head_nodes_or_on_a_persons_own_computer() -> None:
    folder = Path(gotocloud.__file__).parent / "cli" / "commands"
    assert not ON_HEAD_NODES & OWN_COMPUTER
    assert {path.stem for path in folder.glob("[!_]*.py")} == ON_HEAD_NODES | OWN_COMPUTER


def test_the_program_holds_no_room_that_no_command_of_a_head_node_needs(program: Path) -> None:
    """A new room or command gets in by a decision here, not by an import elsewhere."""
    files = {path.relative_to(program / "gotocloud") for path in program.rglob("*.*")}
    assert {path.parts[0] for path in files if len(path.parts) > 1} == ROOMS
    assert {path.stem for path in files if path.match("cli/commands/*.py")} == {
        "__init__",
        *ON_HEAD_NODES,
    }
    own_computer = {"aws/sign_in.py", "aws/offboarding.py", "aws/transfer", "aws/proving"}
    assert not own_computer & {str(path) for path in files}
    assert Path("aws/pausing.py") in files, "the guard pauses with it"


def test_the_program_stays_small(program: Path) -> None:
    packed = bundle._zipped(dict(bundle._contents(program)), zipfile.ZIP_DEFLATED)
    assert len(packed) / 1000 < MOST_KB


def test_only_what_the_commands_of_a_head_node_execute_goes_along(tmp_path: Path) -> None:
    package = tmp_path / "gotocloud"
    texts = {
        "__init__.py": "",
        "__main__.py": "from gotocloud.cli import main",
        "cli/__init__.py": "",
        "cli/main.py": "",
        "cli/commands/__init__.py": "",
        "cli/commands/jobs.py": """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from gotocloud import checked
def jobs():
    from gotocloud import late
    from gotocloud.rehearsal import local
""",
        "cli/commands/platform.py": "from gotocloud import own",
        "cli/commands/new.py": "from gotocloud import own",
        "rehearsal/__init__.py": "",
        "rehearsal/local.py": "from gotocloud import own",
        **{f"{name}.py": "" for name in ("checked", "late", "own")},
    }
    for name, text in texts.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    assert {str(path.relative_to(package)) for path in left_out(package)} == {
        *("checked.py", "own.py", "rehearsal/__init__.py", "rehearsal/local.py"),
        *("cli/commands/platform.py", "cli/commands/new.py"),
    }


def test_the_whole_command_line_runs_out_of_one_file(tmp_path: Path, program: Path) -> None:
    """With this environment's packages, not the nodes'; without AWS's data, for speed."""
    site = tmp_path / "packages"
    for name in set().union(*(needed(name) for name in roots())):
        for path in metadata.files(name) or ():
            source = Path(str(path.locate()))
            if ".." not in path.parts and path.suffix != ".pyc" and "data" not in path.parts:
                (site / path).parent.mkdir(parents=True, exist_ok=True)
                (site / path).symlink_to(source)
    shutil.copytree(program, site, dirs_exist_ok=True)
    subprocess.run([sys.executable, "-I", "-c", IMPORT_ALL, site], check=True)
    file = tmp_path / "gotocloud"
    file.write_bytes(bundle.one_file(site, python=THIS_PYTHON, first_line=f"{sys.executable} -I"))
    file.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", starter.CACHE_VARIABLE: str(tmp_path / "cache")}
    for arguments in (["--version"], ["software", "list", "--json"], ["cluster", "list", "--json"]):
        done = subprocess.run(
            [file, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stderr == "" or "Sources" in done.stderr
        if "--json" in arguments:
            assert json.loads(done.stdout)
        else:
            assert done.stdout == f"gotocloud {gotocloud.__version__}\n"
    for words, reason in (
        ("platform check", "no command 'platform': it runs on your own computer"),
        ("upload movies", "no command 'upload': it runs on your own computer"),
        ("software publish", "it runs from the folder of the repository"),
        ("advise idle", "no command 'advise idle': it runs on your own computer"),
        ("advise replay", "no command 'advise replay': it runs on your own computer"),
        ("cluster new mine", "no command 'cluster new': it runs on your own computer"),
        ("cluster schema", "no command 'cluster schema': it runs on your own computer"),
        ("cluster render tutorial --region us-east-1", "no command 'cluster render'"),
        ("advise refine3d --picture x.svg", "without the libraries that draw pictures"),
        ("bench report", "without the libraries that draw pictures"),
    ):
        elsewhere = subprocess.run(
            [file, *words.split()], env=environment, capture_output=True, text=True, check=False
        )
        assert elsewhere.returncode == 1
        assert reason in elsewhere.stderr
    shown = subprocess.run(
        [file, "--help"], env=environment, capture_output=True, text=True, check=True
    )
    listed = set(re.findall(r"(?m)^\W+(\w+) ", shown.stdout))
    assert {"submit", "jobs", "software"} <= listed
    assert not {"start", "pause", "platform"} & listed
