"""What commands suggest to type can be pasted, whatever a project or a folder is called."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from gotocloud.cli.commands import connect, finish, pause, setup, ssh, start
from gotocloud.errors import GoToCloudError, shell_line
from gotocloud.platform.load import load_platform
from gotocloud.rehearsal import local_aws
from gotocloud.rehearsal.local_aws import LocalAws
from tests.cli.group_account import build, invoke
from tests.needs import ROOT

NAMES = ("Anna's sample", 'a "b" $(touch pwned) `x` \\', "β; rm -rf ~")
VERBS = "setup|start|connect|pause|finish|ssh"
_SUGGESTED = re.compile(rf"gotocloud (?:{VERBS})((?: --[a-z-]+)*) (?P<rest>[^\n]+)")


def said_by(app: typer.Typer, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Everything that a command prints, its error included."""
    capsys.readouterr()
    error = ""
    try:
        invoke(app, *arguments)
    except GoToCloudError as found:
        error = str(found)
    shown = capsys.readouterr()
    return f"{shown.out}\n{shown.err}\n{error}"


def suggestions(text: str, name: str) -> Iterator[str]:
    """What follows a suggested verb, where that is about to be the project."""
    for found in _SUGGESTED.finditer(text):
        if name[:2] in found["rest"][: len(name) + 4]:
            yield found["rest"]


@pytest.mark.usefixtures("aws", "cluster_in_moto")
@pytest.mark.filterwarnings("ignore:Tried to parse AWS..FSx")
@pytest.mark.parametrize("name", NAMES)
def test_every_suggested_command_can_be_pasted(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    build()
    tutorial = (name, "--config", "tutorial")
    steps = [
        said_by(start.app, capsys, *tutorial),
        said_by(setup.app, capsys, name),
        said_by(setup.app, capsys, name),
        said_by(start.app, capsys, *tutorial),
        said_by(connect.app, capsys, name),
        said_by(ssh.app, capsys, name),
        said_by(pause.app, capsys, name),
        said_by(finish.app, capsys, name),
        said_by(start.app, capsys, *tutorial, "--yes"),
        said_by(start.app, capsys, *tutorial),
        said_by(finish.app, capsys, name, "--confirm", name),
        said_by(setup.app, capsys, f"{name} 2"),
        said_by(pause.app, capsys),
    ]
    found = [rest for text in steps for rest in suggestions(text, name)]
    assert len(found) > 8
    quoted = shlex.quote(name)
    others = shlex.quote(f"{name} 2")
    assert [rest for rest in found if not rest.startswith((quoted, others))] == []


def test_no_suggestion_is_quoted_as_python_does() -> None:
    as_python = re.compile(
        rf"gotocloud (?:{VERBS}|upload|download|rehearse)\b[^\n]*?\{{[^}}]*!r\}}"
    )
    wrong = [
        f"{path.name}: {found[0]}"
        for path in (ROOT / "gotocloud").rglob("*.py")
        for found in as_python.finditer(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_folders_with_blanks_are_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "Anna's folder"
    folder.mkdir()
    (folder / "platform.yaml").write_text("name: 1\n")
    with pytest.raises(GoToCloudError) as caught:
        load_platform(folder / "platform.yaml")
    assert shlex.split(str(caught.value.next_command))[-1] == str(folder / "platform.yaml")
    monkeypatch.setattr(
        LocalAws, "running", lambda folder: local_aws.LocalAws(folder, 1, 1, "", "")
    )
    with pytest.raises(GoToCloudError) as caught:
        LocalAws.refuse_another(folder)
    assert shlex.split(str(caught.value.next_command))[-1] == str(folder)


@pytest.mark.parametrize("word", ["", "a b", "'", '"', "$(x)", "\\", "~", "β", "-x", "a\nb"])
def test_a_shell_reads_back_what_was_written(word: str) -> None:
    assert shlex.split(shell_line("gotocloud", "setup", word)) == ["gotocloud", "setup", word]
