"""RELION's own pipeliner on a rehearsed cluster, through `gotocloud submit`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gotocloud.cli.commands.rehearse import app
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.rehearsal.slurm.dataset import make_dataset
from gotocloud.rehearsal.slurm.show import STEPS, Landed, PipelineJob, Project
from gotocloud.rehearsal.slurm.upkeep import slurm_folder
from gotocloud.relion.pipeline import ProcessStatus, read_pipeline
from gotocloud.relion.run_log import ExitStatus, exit_status, read_run_log
from tests.needs import need_relion, need_slurm

EXPECTED = (
    Landed("Import/job001/", "small", 1, 1, "c7i.4xlarge"),
    Landed("Class2D/job002/", "prep-gpu", 1, 2, "g6.4xlarge"),
    Landed("InitialModel/job003/", "prep-gpu", 1, 1, "g6.4xlarge"),
    Landed("Class3D/job004/", "prep-gpu", 1, 3, "g6.4xlarge"),
    Landed("Refine3D/job005/", "prep-gpu", 1, 3, "g6.4xlarge"),
    Landed("MaskCreate/job006/", "small", 1, 1, "c7i.4xlarge"),
    Landed("PostProcess/job007/", "small", 1, 1, "c7i.4xlarge"),
)
"""Where automatic settings put jobs of 80 particles in us-east-1: minutes of work share small
machines and take one GPU (gotocloud/relion/sizing.py)."""


@contextmanager
def quietly(_name: str) -> Iterator[None]:
    yield


@dataclass(frozen=True)
class Run:
    """A pipeline that has run."""

    directory: Path
    cluster: RehearsalCluster
    said: dict[str, Any]

    @property
    def landed(self) -> tuple[Landed, ...]:
        places = ({k: v for k, v in job.items() if k != "seconds"} for job in self.said["jobs"])
        return tuple(Landed(**place) for place in places)

    def job(self, type_: str) -> Path:
        name = next(one.job for one in self.landed if one.job.startswith(f"{type_}/"))
        return self.directory / name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """`gotocloud rehearse relion`, once for all tests of this file, on a Slurm that it finds."""
    need_slurm()
    need_relion()
    state = tmp_path_factory.mktemp("s")
    folder = state / "relion"
    cluster = RehearsalCluster.start(slurm_folder(state), boot_delay_s=1.2, owner=os.getpid())
    words = ("relion", str(folder), "--state", str(state), "--particles", "80", "--json")
    try:
        done = CliRunner().invoke(app, list(words), catch_exceptions=True)
        assert done.exit_code == 0, done.stderr + str(done.exception)
        yield Run(folder, cluster, json.loads(done.stdout))
    finally:
        cluster.stop()


def test_each_job_lands_in_its_queue_with_its_nodes_and_ranks(run: Run) -> None:
    assert run.landed == EXPECTED


def test_each_job_ends_in_success_and_in_the_pipeline(run: Run) -> None:
    folders = [run.directory / one.job for one in run.landed]
    assert {exit_status(folder) for folder in folders} == {ExitStatus.SUCCESS}
    assert all((folder / "RELION_JOB_EXIT_SUCCESS").exists() for folder in folders)
    pipeline = read_pipeline(run.directory)
    assert [(one.name, one.status) for one in pipeline] == [
        (one.job, ProcessStatus.SUCCEEDED) for one in run.landed
    ]


def test_refine3d_reports_a_resolution(run: Run) -> None:
    log = read_run_log(run.job("Refine3D"))
    assert log.final_resolution_angstrom is not None
    assert log.final_resolution_angstrom == run.said["resolution_angstrom"]
    assert 8.0 <= log.final_resolution_angstrom <= 30.0
    assert (run.job("PostProcess") / "postprocess.mrc").exists()


def test_ranks_run_where_slurm_placed_them(run: Run) -> None:
    hosts = read_run_log(run.job("Refine3D")).hosts
    assert len(hosts) == 3
    assert {host.rpartition("-")[0] for host in hosts.values()} == {"prep-gpu-dy-g6-4xlarge"}


def test_the_refined_map_shows_the_molecule(run: Run) -> None:
    import mrcfile
    import numpy as np

    truth, refined = (
        mrcfile.read(path).ravel()
        for path in (
            run.directory / "molecule.mrc",
            run.job("Refine3D") / "run_class001.mrc",
        )
    )
    assert float(np.corrcoef(refined, truth)[0, 1]) > 0.42


def test_a_job_that_fails_is_reported_with_its_log(run: Run, tmp_path: Path) -> None:
    project = Project.made(tmp_path / "p", run.cluster.environment(), within_s=60)
    dataset = make_dataset(project.directory, particles=10)
    import_, refine = STEPS[0], next(step for step in STEPS if step.type == "Refine3D")
    broken = PipelineJob("Refine3D", {**refine.options, "sym_name": "X99"})
    with pytest.raises(GoToCloudError) as caught:
        list(project.run(dataset, quietly, (import_, broken)))
    assert caught.value.message == "Refine3D/job002/ did not succeed."
    assert caught.value.problems
    assert "less" in str(caught.value.next_command)


def test_a_project_that_exists_is_left_alone(run: Run) -> None:
    with pytest.raises(InputError, match="already"):
        Project.made(run.directory, {})


def test_its_shell_lines_bring_relions_form(run: Run) -> None:
    lines = "\n".join(
        [*run.cluster.exports(), 'echo "$RELION_QUEUE_NAME"; sinfo -h -p refine3d -o %D']
    )
    done = subprocess.run(["bash", "-ec", lines], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["automatic", "2"]
