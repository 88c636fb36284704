"""Modules of a rehearsed cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.rehearsal.slurm.modules import lay_out_modules
from gotocloud.software.in_force import catalogue_in_force, executable_for, module_to_load
from tests.needs import need_modules, need_relion


def test_a_rehearsed_cluster_offers_this_machine_s_relion_as_a_module(tmp_path: Path) -> None:
    need_modules()
    need_relion()
    known = catalogue_in_force(lay_out_modules(tmp_path))
    wanted = executable_for("refine3d", "g4dn.metal", catalogue=known)
    module = module_to_load(wanted, tmp_path / "gotocloud" / "modulefiles")
    assert module == f"relion/{known.packages['relion'].default}"


def test_without_relion_there_are_no_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lay_out_modules(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
