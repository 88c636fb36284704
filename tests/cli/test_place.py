"""`--region` and `--profile` of every command that calls AWS, and what shells complete."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import typer

from gotocloud.cli import completion
from gotocloud.cli.main import CALL_AWS, FAMILIES, VERBS, _family
from gotocloud.cli.place import with_place
from gotocloud.cli.typed import typed_again


@pytest.mark.parametrize("module", sorted(CALL_AWS))
def test_every_command_that_calls_aws_takes_a_profile_and_a_region(module: str) -> None:
    for command in _family(module, module).commands.values():
        for leaf in getattr(command, "commands", {"": command}).values():
            flags = [flag for param in leaf.params for flag in param.opts]
            assert flags.count("--profile") == 1
            assert flags.count("--region") <= 1
            assert module in FAMILIES or "--region" in flags


def test_every_verb_that_imports_the_cloud_is_one_of_them() -> None:
    folder = Path(completion.__file__).parent / "commands"
    calling = {
        module
        for module, _ in VERBS.values()
        if "StandardCloud" in (folder / f"{module}.py").read_text()
    }
    assert calling - CALL_AWS == set()


def test_what_was_typed_counts_before_the_environment_and_is_typed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.setenv(name, "before")
    app = typer.Typer()
    seen: list[str] = []

    @app.command()
    def status(context: typer.Context) -> None:
        seen.append(os.environ["AWS_REGION"])
        seen.append(os.environ["AWS_PROFILE"])
        seen.append(os.environ.get("AWS_ACCESS_KEY_ID", "none"))
        seen.append(typed_again(context, "status"))

    command = with_place(typer.main.get_command(app))
    command(["--region", "us-east-1", "--profile", "lab"], standalone_mode=False)
    again = "gotocloud status --region us-east-1 --profile lab"
    assert seen == ["us-east-1", "lab", "none", again]


def test_a_shell_completes_names_without_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert completion.projects("") == []
    (tmp_path / "gotocloud").mkdir()
    known = tmp_path / "gotocloud" / "projects.json"
    known.write_text(json.dumps({"lab": ["apoferritin", "actin"], "": ["other"]}))
    (tmp_path / "config").write_text("[default]\n[profile lab]\n[profile other]\n")
    assert completion.projects("a") == ["actin", "apoferritin"]
    assert completion.profiles("l") == ["lab"]
    assert "tutorial" in completion.configurations("t")
    assert completion.regions("us-e") == ["us-east-1", "us-east-2"]
    known.write_text("[1")
    assert completion.projects("") == []
