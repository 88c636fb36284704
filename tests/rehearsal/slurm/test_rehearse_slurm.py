"""`gotocloud rehearse` with Slurm: up, status, down, relion."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gotocloud.cli.commands.rehearse import app, up_slurm
from gotocloud.errors import InputError
from gotocloud.platform.load import load_platform
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.rehearsal.slurm.upkeep import bring_up_slurm, slurm_folder
from tests.needs import ROOT, need_relion, need_slurm


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=True)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_status_shows_the_slurm_and_down_ends_it(tmp_path: Path) -> None:
    need_slurm()
    cluster = bring_up_slurm(tmp_path, "tutorial", "us-east-1", 0.0)
    try:
        assert bring_up_slurm(tmp_path, "tutorial", "us-east-1", 0.0) == cluster
        with pytest.raises(InputError, match="that of tutorial in us-east-1, not of cryoem-spa"):
            bring_up_slurm(tmp_path, "cryoem-spa", "us-east-1", 0.0)
        cluster.warm("gpu")
        _, stdout, _ = run("status", "--json", "--state", str(tmp_path))
        slurm = json.loads(stdout)["slurm"]
        assert (slurm["running"], slurm["configuration"]) == (True, "tutorial")
        assert slurm["queues"][0] == {
            "queue": "gpu",
            "instance_type": "g6.4xlarge",
            "nodes": 1,
            "running": 1,
        }
        _, stdout, stderr = run("status", "--state", str(tmp_path))
        assert "gpu-spot" in stdout
        assert "The Slurm of tutorial runs" in stderr
    finally:
        code, _, stderr = run("down", "--state", str(tmp_path))
    assert (code, RehearsalCluster.running(slurm_folder(tmp_path))) == (0, None)
    assert "Ended the Slurm" in stderr
    assert "Nothing to do" not in stderr


def test_up_starts_the_slurm_of_the_platform_and_prints_a_head_nodes_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need_slurm()
    try:
        up_slurm(tmp_path, load_platform(ROOT / "platform.example.yaml"), "cryoem-spa", 0.0)
        said = capsys.readouterr()
        assert "The Slurm of cryoem-spa in us-east-1 runs" in said.err
        script = said.out + "sinfo -h -p refine3d-spot -N -o %N; command -v mpirun\n"
        done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=True)
        assert done.stdout.split() == [
            "refine3d-spot-dy-g4dn-metal-1",
            "refine3d-spot-dy-g4dn-metal-2",
            str(tmp_path / "slurm" / "bin" / "mpirun"),
        ]
    finally:
        run("down", "--state", str(tmp_path))


def test_up_without_root_refuses_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    example = str(ROOT / "platform.example.yaml")
    with pytest.raises(InputError, match="cannot run here"):
        run("up", "--with-slurm", "--platform", example, "--state", str(tmp_path / "s"))
    assert LocalAws.running(tmp_path / "s") is None
    assert not (tmp_path / "s").exists()


def test_relion_needs_a_new_folder_and_starts_nothing_without_it(tmp_path: Path) -> None:
    (tmp_path / "default_pipeline.star").touch()
    with pytest.raises(InputError, match="already"):
        run("relion", str(tmp_path), "--state", str(tmp_path / "s"))
    assert not (tmp_path / "s").exists()


def test_a_dataset_that_cannot_be_made_leaves_no_slurm_behind(tmp_path: Path) -> None:
    need_slurm()
    need_relion()
    folder, state = tmp_path / "p", tmp_path / "s"
    with pytest.raises(InputError, match="No dataset"):
        run("relion", str(folder), "--box", "7", "--state", str(state))
    assert RehearsalCluster.running(slurm_folder(state)) is None
