"""Types `gotocloud advise …`, in a folder without records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gotocloud.advisor.places import VARIABLE
from gotocloud.cli.commands.advise import app

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without records, on a machine that knows no region."""
    monkeypatch.chdir(tmp_path)
    for name in (VARIABLE, "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOTOCLOUD_CLUSTER_FACTS", str(tmp_path / "none.json"))


def advise(*arguments: str) -> Result:
    done = RUNNER.invoke(app, arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def as_json(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(advise(*arguments, "--json").stdout)
    return found
