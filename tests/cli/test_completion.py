"""Shell completion: what is completed, in each shell, and that it waits for no library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gotocloud.cli.completion import OF_A_PROJECT, OF_OPTION, OTHERWISE, quick_answer
from gotocloud.cli.main import FAMILIES, VERBS, _family

COMMANDS = [*VERBS, *FAMILIES]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with two projects and two profiles."""
    known = tmp_path / "cache" / "gotocloud"
    known.mkdir(parents=True)
    projects = {"": ["apoferritin", "ribosome", "$(reboot)"], "lab": ["membrane"]}
    (known / "projects.json").write_text(json.dumps(projects))
    (tmp_path / "config").write_text("[profile lab]\n[default]\n[profile with blanks]\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return tmp_path


def asked(shell: str, line: str) -> dict[str, str]:
    """What typer's script for a shell sets when TAB is typed after a line."""
    words = line.split(" ")
    if shell == "bash":
        number = str(len(words) - 1)
        return {"_GOTOCLOUD_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": number}
    return {"_GOTOCLOUD_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}


LINES = {
    "gotocloud sta": ["start", "status"],
    "gotocloud start ": ["apoferritin", "ribosome"],
    "gotocloud pause ap": ["apoferritin"],
    "gotocloud start --config ": ["cryoem-spa", "tutorial"],
    "gotocloud start apoferritin --config cr": ["cryoem-spa"],
    "gotocloud status --region us-": ["us-east-1", "us-east-2", "us-west-1", "us-west-2"],
    "gotocloud upload . --project rib": ["ribosome"],
    "gotocloud doctor --profile ": ["default", "lab"],
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("line", LINES)
def test_what_is_typed_most_is_completed_in_every_shell(shell: str, line: str) -> None:
    answer = quick_answer(asked(shell, line), COMMANDS)
    wanted = "\n".join(LINES[line])
    if shell == "zsh":
        wanted = "_arguments '*: :((" + "\n".join(f'"{name}"' for name in LINES[line]) + "))'"
    assert answer == wanted


def test_bash_takes_the_two_sides_of_an_equals_sign_apart() -> None:
    given = asked("bash", "gotocloud start --config = tu")
    assert quick_answer(given, COMMANDS) == "tutorial"
    assert quick_answer(asked("bash", "gotocloud start --config ="), COMMANDS)


@pytest.mark.parametrize(
    "line", ["gotocloud start --", "gotocloud rehearse iam --config ", "gotocloud upload ", "x"]
)
def test_the_rest_is_left_to_typer(line: str) -> None:
    for shell in ("bash", "zsh", "fish", "powershell"):
        assert quick_answer(asked(shell, line), COMMANDS) is None or line == "x"
    assert quick_answer({"_GOTOCLOUD_COMPLETE": "complete_bash"}, COMMANDS) is None


def leaves(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if inner := getattr(command, "commands", None):
        for name, one in inner.items():
            yield from leaves((*path, name), one)
    else:
        yield path, command


def everything() -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, (module, _) in VERBS.items():
        yield from leaves((name,), _family(module, name).commands[name])
    for family in FAMILIES:
        yield from leaves((family,), _family(family, family))


def test_the_quick_answers_are_those_of_the_options_themselves() -> None:
    seen = set()
    for path, command in everything():
        for param in command.params:
            flags = set(param.opts) & set(OF_OPTION)
            if flags and path[0] not in OTHERWISE:
                seen |= flags
                assert param._custom_shell_complete is not None, (path, param.opts)
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        if path[0] in OF_A_PROJECT:
            seen.add(path[0])
            assert [one.name for one in arguments] == ["project"]
            assert arguments[0]._custom_shell_complete is not None
    assert seen == {*OF_OPTION, *OF_A_PROJECT}


def test_a_shell_waits_for_no_library() -> None:
    line = "gotocloud start --config "
    program = (
        "import sys; from gotocloud.cli.main import main; sys.argv = ['gotocloud']; main(); "
        "heavy = {'boto3', 'botocore', 'pydantic', 'rich.console', 'yaml', 'awscrt'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **asked("bash", line)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.split()) == (0, "", LINES[line])
