"""`gotocloud check`, as a scientist runs it on the head node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gotocloud.cli.commands.check import app
from gotocloud.errors import ExitCode, InputError
from tests.relion.samples import VERSIONS, job_files, write_job, write_particles

RUNNER = CliRunner()
PLACE = ("--config", "cryoem-spa", "--region", "us-east-1")


@pytest.fixture(autouse=True)
def no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is no head node."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("GOTOCLOUD_CLUSTER_FACTS", str(tmp_path / "no-facts.json"))


def good_job(project: Path, changes: dict[str, str] | None = None) -> Path:
    write_particles(project / "Select/job007/particles.star", 200_000, 360)
    changes = {
        "fn_ref": "Select/job007/particles.star",
        "do_queue": "Yes",
        "queuename": "automatic",
        **(changes or {}),
    }
    return write_job(project, "Refine3D", changes)


def test_a_good_job_passes_and_states_where_it_would_run(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, [str(good_job(tmp_path)), *PLACE])
    assert done.exit_code == 0
    assert "Refine3D/job012/" in done.stdout
    assert "In queue refine3d: 2 x g4dn.metal, 17 ranks" in done.stdout


def test_all_findings_are_shown_at_once_with_remedy_and_source(tmp_path: Path) -> None:
    changes = {"nr_mpi": "4", "nr_pool": "3", "scratch_dir": "/scratch", "fn_mask": "none.mrc"}
    done = RUNNER.invoke(app, [str(good_job(tmp_path, changes))])
    assert done.exit_code == ExitCode.FAILED
    for rule in ("mpi-odd", "pool-gpu", "scratch-size", "input-missing"):
        assert f"[{rule}]" in done.stdout
    assert "-> Set 'Number of MPI procs' to 3 or 5." in done.stdout
    assert "(3dem/relion 5.0.1, src/ml_optimiser_mpi.cpp" in done.stdout
    assert "Next: gotocloud check Refine3D/job012/" in done.stderr
    assert done.stdout.index("ERROR") < done.stdout.index("WARNING") < done.stdout.index("NOTE")


def test_typed_numbers_are_checked_and_automatic_ones_replaced(tmp_path: Path) -> None:
    wrong = {"nr_mpi": "4", "gpu_ids": "0:1:2:3"}
    automatic = RUNNER.invoke(app, [str(good_job(tmp_path, wrong)), *PLACE, "--json"])
    assert "mpi-odd" not in automatic.stdout
    typed = {**wrong, "qsub_extra1": "typed"}
    done = RUNNER.invoke(app, [str(good_job(tmp_path, typed)), *PLACE, "--json"])
    assert "mpi-odd" in done.stdout
    assert done.exit_code == ExitCode.FAILED


def test_json_holds_the_job_its_place_and_every_finding(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, [str(good_job(tmp_path, {"nr_pool": "3"})), *PLACE, "--json"])
    found = json.loads(done.stdout)
    assert (found["job"], found["job_type"]) == ("Refine3D/job012/", "refine3d")
    assert found["route"]["instance_type"] == "g4dn.metal"
    rules = {one["check"]: one for one in found["findings"]}
    assert rules["pool-gpu"]["severity"] == "warning"
    assert set(rules["pool-gpu"]) == {"check", "severity", "text", "remedy", "source"}


def test_a_queue_that_is_not_there_is_a_finding_like_others(tmp_path: Path) -> None:
    job = good_job(tmp_path, {"queuename": "refine3", "nr_pool": "3"})
    done = RUNNER.invoke(app, [str(job), *PLACE])
    assert done.exit_code == ExitCode.FAILED
    assert "No queue named 'refine3'. Did you mean 'refine3d'?" in done.stdout
    assert "[pool-gpu]" in done.stdout


def test_without_a_cluster_rules_about_machines_are_left_out_and_reported_to_be(
    tmp_path: Path,
) -> None:
    done = RUNNER.invoke(app, [str(good_job(tmp_path))])
    assert done.exit_code == 0
    assert "no rule about machines is checked" in done.stderr


def test_the_clusters_own_record_names_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = tmp_path / "cluster.json"
    facts.write_text(json.dumps({"configuration": "tutorial", "region": "us-east-1"}))
    monkeypatch.setenv("GOTOCLOUD_CLUSTER_FACTS", str(facts))
    done = RUNNER.invoke(app, [str(good_job(tmp_path)), "--json"])
    assert json.loads(done.stdout)["route"]["queue"] == "gpu"


def test_a_foreign_queue_script_is_checked_as_typed(tmp_path: Path) -> None:
    job = good_job(tmp_path)
    (job / "run_submit.script").write_text("#SBATCH --gpus-per-task=1\nmpirun relion_refine_mpi\n")
    done = RUNNER.invoke(app, [str(job), *PLACE])
    assert done.exit_code == 0
    assert "[gpu-binding]" in done.stdout
    assert "not made from GoToCloud's template" in done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_every_job_type_of_every_version_finds_a_place_without_errors(
    version: str, tmp_path: Path
) -> None:
    for path in job_files(version):
        done = RUNNER.invoke(app, [str(path), *PLACE, "--json"])
        assert done.exit_code == 0, f"{path}: {done.output}"
        assert json.loads(done.stdout)["route"]["queue"]


def test_what_is_no_job_is_refused_in_words(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gotocloud", "check", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.USAGE
    assert "holds no job.star" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_name_longer_than_any_file_has_is_a_finding_and_a_short_one(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, [str(good_job(tmp_path, {"fn_mask": "m" * 5000}))])
    assert done.exit_code == ExitCode.DONE
    assert "[input-missing]" in done.stdout
    assert len(done.stdout) < 2000


def test_a_queue_script_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    folder = good_job(tmp_path)
    os.mkfifo(folder / "run_submit.script")
    assert RUNNER.invoke(app, [str(folder), *PLACE]).exit_code == ExitCode.DONE


def test_an_unknown_configuration_is_an_error_of_the_command(tmp_path: Path) -> None:
    done = RUNNER.invoke(
        app, [str(good_job(tmp_path)), "--config", "cryoem-sap", "--region", "us-east-1"]
    )
    assert isinstance(done.exception, InputError)
    assert "Did you mean 'cryoem-spa'" in str(done.exception)
