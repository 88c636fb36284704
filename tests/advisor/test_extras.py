"""What to type when the libraries of advice are missing."""

from __future__ import annotations

import re
import shlex
import tomllib
from importlib.metadata import PackageNotFoundError

import pytest

from gotocloud.advisor import extras
from tests.needs import ROOT


def test_the_command_names_every_library_of_the_extra_and_never_gotocloud_itself() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split("[<>=]", each)[0] for each in project["optional-dependencies"]["advice"]}
    command = shlex.split(extras.install_command())
    assert command[:2] == ["pip", "install"]
    assert {re.split("[<>=]", each)[0] for each in command[2:]} == wanted


def test_a_program_without_metadata_names_how_it_is_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "requires", absent)
    assert extras.install_command() == "gotocloud software publish --to /efs --extra advice"
