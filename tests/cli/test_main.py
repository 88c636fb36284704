"""The frame of the command line: lazy families, one funnel for errors."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
import typer

from gotocloud import __version__
from gotocloud.cli import main as cli
from gotocloud.errors import GoToCloudError, InputError, unknown_name


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gotocloud", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], int]:
    """Runs a family whose only purpose is to raise; gives the exit code."""

    def raising(error: Exception) -> int:
        app = typer.Typer()

        @app.command("fail")
        def fail() -> None:
            raise error

        @app.command("other")
        def other() -> None:
            """A second command makes it a family."""

        module = SimpleNamespace(app=app, __spec__=ModuleSpec("platform", None))
        monkeypatch.setitem(
            sys.modules, "gotocloud.cli.commands.platform", cast(ModuleType, module)
        )
        monkeypatch.setattr(sys, "argv", ["gotocloud", "platform", "fail"])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        assert isinstance(stopped.value.code, int)
        return stopped.value.code

    return raising


def test_version_is_printed_to_stdout() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"gotocloud {__version__}")


def test_help_lists_every_family() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert [family for family in cli.FAMILIES if family not in done.stdout] == []


@pytest.mark.parametrize("family", sorted(cli.FAMILIES))
def test_every_family_has_help(family: str) -> None:
    done = run(family, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: gotocloud" in done.stdout


@pytest.mark.parametrize("arguments", [("--version",), ("--help",)])
def test_starting_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    program = (
        "import sys\n"
        f"sys.argv = ['gotocloud', {arguments[0]!r}]\n"
        "from gotocloud.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'boto3', 'botocore', 'pydantic', 'aws_cdk', 'moto', 'yaml'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_unknown_command_is_a_usage_error() -> None:
    done = run("clutser")
    assert done.returncode == 2
    assert "No such command 'clutser'" in done.stderr


def test_an_error_shows_every_problem_and_the_next_command(
    command: Callable[[Exception], int], capsys: pytest.CaptureFixture[str]
) -> None:
    code = command(
        GoToCloudError("It failed.", problems=["a", "b"], next_command="gotocloud status")
    )
    assert code == 1
    assert capsys.readouterr().err == "Error: It failed.\n  - a\n  - b\nNext: gotocloud status\n"


def test_bad_input_exits_with_2(command: Callable[[Exception], int]) -> None:
    assert command(InputError("no")) == 2


def test_an_unexpected_error_shows_no_traceback(
    command: Callable[[Exception], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(cli.DEBUG_VARIABLE, raising=False)
    assert command(RuntimeError("boom")) == 1
    said = capsys.readouterr().err
    assert "RuntimeError: boom" in said
    assert f"{cli.DEBUG_VARIABLE}=1 gotocloud platform fail" in said
    assert "Traceback" not in said


def test_a_full_disk_is_no_bug() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gotocloud", "platform", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "Error: Nothing more can be written: [Errno 28] No space left on device\n"
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("arguments", ["--version", "cluster list", "cluster list --json"])
def test_a_closed_stream_is_no_bug(tmp_path: Path, arguments: str, closed: str) -> None:
    kept = tmp_path / "kept"
    others = "" if "2>" in closed else f"2>{kept}"
    script = f"{shlex.quote(sys.executable)} -m gotocloud {arguments} {closed} {others}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr + (kept.read_text() if kept.exists() else "")
    assert done.returncode == 0
    assert "Traceback" not in said
    assert "bug" not in said


def test_letters_that_the_terminal_does_not_have_are_no_bug() -> None:
    script = (
        "import sys; from gotocloud.cli import main, output\n"
        "main.app = lambda **_: output.print_json('β \\udcff')\n"
        "main.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, rb'"\u03b2 \udcff"')


def test_unknown_names_come_with_a_suggestion_and_the_list() -> None:
    error = unknown_name(
        "group", "membrain", ["membrane", "virus"], next_command="gotocloud cluster list"
    )
    assert str(error) == (
        "No group named 'membrain'. Did you mean 'membrane'? Available: membrane, virus.\n"
        "Next: gotocloud cluster list"
    )


@pytest.mark.parametrize("family", ["", "advise", "bench", "platform", "rehearse", "software"])
def test_the_help_of_every_command_fits_an_80_column_terminal(family: str) -> None:
    command = [sys.executable, "-m", "gotocloud", *family.split(), "--help"]
    environment = os.environ | {"COLUMNS": "80", "TERMINAL_WIDTH": "80"}
    shown = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert [line for line in shown.stdout.splitlines() if re.search(r"[\w,)]\.\.\.$", line)] == []
    assert "Commands:" in shown.stdout
