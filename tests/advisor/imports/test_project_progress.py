"""A project's own record of resolution, hours and US dollars."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from gotocloud.advisor.gains import margins
from gotocloud.advisor.imports.job import StatedFacts
from gotocloud.advisor.imports.progress import ProjectProgress, project_progress
from gotocloud.errors import GoToCloudError
from gotocloud.slurm.submissions import Attempt, Submission, load, save
from tests.advisor.imports.relion_project import JOBS, attempt, log

_HEAD = """
# version 50001

data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
_rlnPipeLineProcessTypeLabel #3
_rlnPipeLineProcessStatusLabel #4
"""


def project(folder: Path, *jobs: tuple[str, float, float]) -> Path:
    """A project of jobs, each with its hours on two nodes and its resolution; 0 is none."""
    rows = []
    for number, (kind, hours, resolution) in enumerate(jobs, start=1):
        name = f"{kind}/job{number:03d}"
        (folder / name).mkdir(parents=True)
        (sample,) = sorted((JOBS / kind).glob("job*"))[:1]
        shutil.copy(sample / "job.star", folder / name)
        said = f" + FINAL RESOLUTION: {resolution}\n" if resolution else ""
        (folder / name / "run.out").write_text(log(body=said) if hours else said)
        (folder / name / "RELION_JOB_EXIT_SUCCESS").touch()
        if hours:
            only = attempt(1, started_at_s=1e6, ended_at_s=1e6 + 3600 * hours)
            record = Submission(
                workload="relion", job=f"{name}/", label="x", stamp="s", attempts=(only,)
            )
            save(folder / name, record)
        label = f"relion.{kind.lower()}"
        rows.append(f"{name}/ None {label} Succeeded")
    (folder / "default_pipeline.star").write_text(_HEAD + "\n".join(rows) + "\n")
    return folder


def progress(folder: Path) -> ProjectProgress:
    def noted(job: Path) -> Sequence[Attempt]:
        submission = load(job)
        return submission.attempts if submission else ()

    return project_progress(folder, StatedFacts(region="us-east-1", source="a test"), noted=noted)


def test_every_job_until_a_resolution_counts_with_its_time_and_cost(tmp_path: Path) -> None:
    found = progress(
        project(
            tmp_path,
            ("Refine3D", 2, 0),
            ("PostProcess", 0, 4.0),
            ("Class3D", 3, 0),
            ("Refine3D", 1, 0),
            ("PostProcess", 0, 3.5),
        )
    )
    per_hour = 2 * 3.912
    assert [(s.name, s.resolution_angstrom, s.hours) for s in found.progress.steps] == [
        ("PostProcess/job002", 4.0, 2),
        ("PostProcess/job005", 3.5, 6),
    ]
    assert found.progress.steps[1].usd == pytest.approx(6 * per_hour)
    (margin,) = margins(found.progress)
    assert margin.usd_per_angstrom == pytest.approx(4 * per_hour / 0.5)
    assert (found.without_time, found.without_price) == ((), ())


def test_masked_and_unmasked_resolutions_are_never_mixed(tmp_path: Path) -> None:
    jobs = [("Refine3D", 2, 4.4), ("PostProcess", 0, 3.9), ("Refine3D", 1, 4.2)]
    found = progress(project(tmp_path / "a", *jobs))
    assert [s.resolution_angstrom for s in found.progress.steps] == [3.9]
    found = progress(project(tmp_path / "b", jobs[0], jobs[2]))
    assert [s.resolution_angstrom for s in found.progress.steps] == [4.4, 4.2]


def test_what_has_no_clock_is_named_and_a_project_without_resolution_refused(
    tmp_path: Path,
) -> None:
    found = progress(project(tmp_path / "a", ("Class3D", 0, 0), ("PostProcess", 0, 3.9)))
    assert found.without_time == ("Class3D/job001",)
    with pytest.raises(GoToCloudError, match="no PostProcess and no Refine3D"):
        progress(project(tmp_path / "b", ("Class3D", 1, 0)))
