"""`gotocloud rehearse`, as far as nothing has to be deployed for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gotocloud.aws.command_line import CommandLine
from gotocloud.cli.commands.rehearse import app
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.rehearsal.local_aws import LocalAws
from tests.needs import ROOT


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=True)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_down_with_nothing_running_is_nothing_to_do(tmp_path: Path) -> None:
    code, stdout, stderr = run("down", "--state", str(tmp_path))
    assert (code, stdout) == (0, "")
    assert "Nothing to do" in stderr


def test_status_with_nothing_running_shows_what_to_type(tmp_path: Path) -> None:
    code, stdout, stderr = run("status", "--state", str(tmp_path))
    assert (code, stdout) == (0, "")
    assert f"gotocloud rehearse up --state {tmp_path}" in stderr
    code, stdout, _ = run("status", "--json", "--state", str(tmp_path))
    assert json.loads(stdout)["running"] is False


def test_down_ends_what_runs(tmp_path: Path) -> None:
    LocalAws.start(tmp_path)
    _, stdout, _ = run("status", "--json", "--state", str(tmp_path))
    assert json.loads(stdout)["running"] is True
    code, _, stderr = run("down", "--state", str(tmp_path))
    assert (code, LocalAws.running(tmp_path)) == (0, None)
    assert "Ended" in stderr


def test_a_missing_platform_file_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="no platform file nowhere"):
        run("up", "--platform", "nowhere.yaml", "--state", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="neither"):
        run("up", "--state", str(tmp_path / "state"))


def test_a_bad_platform_file_starts_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: [")
    with pytest.raises(InputError):
        run("up", "--platform", str(bad), "--state", str(tmp_path / "state"))
    assert LocalAws.running(tmp_path / "state") is None
    assert not (tmp_path / "state").exists()


def test_a_folder_with_other_files_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(ROOT / "platform.example.yaml", tmp_path / "platform.example.yaml")
    (tmp_path / "platform.record.yaml").write_text("precious")
    monkeypatch.chdir(tmp_path)
    for words in (("up", "--state", "."), ("demo", "--output", ".")):
        with pytest.raises(InputError, match="other files"):
            run(*words)
    assert {path.name for path in tmp_path.iterdir()} == {
        "platform.example.yaml",
        "platform.record.yaml",
    }
    with pytest.raises(InputError, match="cannot be used as a folder"):
        run("up", "--state", "platform.record.yaml")


def test_the_next_command_takes_a_folder_with_a_space(tmp_path: Path) -> None:
    _, _, stderr = run("status", "--state", str(tmp_path / "a b"))
    assert f"gotocloud rehearse up --state '{tmp_path / 'a b'}'" in stderr


def test_a_command_that_fails_shows_what_it_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    command_line = CommandLine(tmp_path, lines.append)
    with pytest.raises(GoToCloudError, match="gotocloud platform chekc") as caught:
        command_line.gotocloud(["platform", "chekc"], {"PATH": "/usr/bin:/bin"})
    assert any("chekc" in problem for problem in caught.value.problems)
    assert lines[0] == "$ gotocloud platform chekc"


def test_without_the_cdk_it_is_shown_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gotocloud.aws.command_line.shutil.which", lambda *_, **__: None)
    with pytest.raises(InputError, match="not installed") as caught:
        CommandLine(tmp_path, lambda _: None).cdk(["deploy"], {})
    assert caught.value.next_command == "make env"
