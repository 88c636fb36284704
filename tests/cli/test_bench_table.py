"""Where a sweep's plan and its records are put, without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gotocloud.advisor.imports.project import Imported
from gotocloud.advisor.places import BESIDE_THE_PROJECT, VARIABLE
from gotocloud.advisor.sweep.ledger import dump, new_sweep
from gotocloud.advisor.tables import read_records
from gotocloud.cli.commands.bench import app
from gotocloud.files import write_file
from gotocloud.jobs import measuring
from tests.advisor.measured import record


@pytest.mark.parametrize("named", [None, "group.csv"])
def test_collected_records_go_where_advise_looks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    if named:
        monkeypatch.setenv(VARIABLE, str(tmp_path / named))
    sweep = new_sweep("Class2D/job002/", "relion.class2d", None, ())
    write_file(tmp_path / "sweep.json", dump(sweep))
    found = Imported((record(),), ())
    monkeypatch.setattr(measuring, "gather", lambda *_, **__: found)
    done = CliRunner().invoke(app, ["collect", "sweep.json"])
    assert done.exit_code == 0, done.output
    assert read_records(tmp_path / (named or BESIDE_THE_PROJECT)) == found.records
