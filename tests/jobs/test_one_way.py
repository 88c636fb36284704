"""`check` names what `submit` submits, whatever a form contains and whatever was measured."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gotocloud.advisor.job_work import work_columns
from gotocloud.advisor.places import BESIDE_THE_PROJECT, VARIABLE
from gotocloud.advisor.records import BenchmarkRecord, records_text
from gotocloud.errors import GoToCloudError
from gotocloud.findings import errors
from gotocloud.jobs.checking import checked_job
from gotocloud.jobs.submitting import submit
from gotocloud.relion.job import read_job
from gotocloud.slurm.submissions import load
from tests.advisor.measured import record
from tests.relion.samples import write_job, write_particles
from tests.slurm.fake_slurm import FakeSlurm, install
from tests.slurm.relion_jobs import filled

KINDS = ("Refine3D", "Class3D", "Class2D", "InitialModel", "MotionCorr", "Extract", "Polish")
FORMS = st.fixed_dictionaries(
    {
        "do_queue": st.sampled_from(("Yes", "No")),
        "queuename": st.sampled_from(
            ("automatic", "openmpi", "class2d", "class3d-spot", "prep-cpu", "absent")
        ),
        "qsub_extra1": st.sampled_from(("automatic", "typed", "")),
        "qsub_extra2": st.sampled_from(("automatic", "1", "2", "99")),
        "qsub_extra3": st.sampled_from(("automatic", "spot", "on-demand")),
        "nr_mpi": st.sampled_from(("1", "3", "5", "8")),
        "nr_threads": st.sampled_from(("1", "4", "200")),
        "use_gpu": st.sampled_from(("Yes", "No")),
    }
)
RECORDS = st.lists(
    st.builds(
        record,
        job_type=st.sampled_from(("refine3d", "class3d", "class2d", "initialmodel")),
        instance_type=st.sampled_from(("g4dn.metal", "g5.12xlarge", "g4dn.12xlarge")),
        nodes=st.integers(1, 2),
        ranks=st.sampled_from((3, 5, 9)),
        threads=st.integers(1, 6),
        gpus=st.none(),
        in_job_s=st.integers(600, 9000).map(float),
        market=st.sampled_from(("on-demand", "spot")),
    ),
    max_size=4,
)


@pytest.fixture
def slurm_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return install(tmp_path / "slurm", monkeypatch)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    kind=st.sampled_from(KINDS),
    form=FORMS,
    measured=RECORDS,
    capacity=st.sampled_from(("on-demand", "spot")),
    configuration=st.sampled_from(("", "cryoem-spa", "tutorial", "of-another-release")),
)
def test_check_names_what_submit_submits(
    slurm_commands: FakeSlurm,
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    form: dict[str, str],
    measured: list[BenchmarkRecord],
    capacity: str,
    configuration: str,
) -> None:
    project = tmp_path_factory.mktemp("project")
    _describe(slurm_commands, capacity=capacity, configuration=configuration)
    if measured:
        (project / BESIDE_THE_PROJECT).write_text(records_text(measured))
    folder = write_job(project, kind, form)
    script = folder / "run_submit.script"
    name = f"{kind}/{folder.name}/"
    script.write_text(filled(name, ["`which relion_refine` --o x"], form))
    # A person checks from any folder; RELION submits from the project folder.
    os.chdir(project.parent)
    checked = checked_job(folder, None, None)
    os.chdir(project)
    try:
        submit(Path(name) / script.name)
    except GoToCloudError:
        assert checked.route is None or errors(checked.findings)
        return
    submitted = load(folder)
    assert checked.route is not None
    assert submitted is not None
    (attempt,) = submitted.attempts
    shown = dataclasses.asdict(checked.route)
    for field in ("queue", "instance_type", "nodes", "ranks", "threads", "layout", "gpu_ids"):
        assert getattr(attempt, field) == shown[field], field
    assert attempt.why == checked.route.reason
    assert slurm_commands.jobs[attempt.slurm_id]["partition"] == checked.route.queue


def test_own_measurements_lead_check_and_submit_to_the_same_machines(
    slurm_commands: FakeSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault: `check` named refine3d on g4dn.metal, `submit` used class3d on g5.12xlarge."""
    project = tmp_path / "project"
    write_particles(project / "Select/job007/particles.star", 100_000, 256)
    folder = write_job(project, "Refine3D", {"do_queue": "Yes", "queuename": "automatic"})
    work = work_columns(read_job(folder))
    best = record(instance_type="g5.12xlarge", ranks=9, gpus=8, in_job_s=600.0, **work)
    second = record(in_job_s=1200.0, **work)
    monkeypatch.chdir(tmp_path)
    before = checked_job(folder, None, None).route
    (project / BESIDE_THE_PROJECT).write_text(records_text([best, second]))
    after = checked_job(folder, None, None).route
    assert before is not None
    assert after is not None
    assert (before.queue, before.instance_type) == ("refine3d", "g4dn.metal")
    assert (after.queue, after.instance_type, after.nodes) == ("class3d", "g5.12xlarge", 2)


@pytest.mark.parametrize(
    ("module", "is_found"),
    [
        ("relion/4.0.1", True),
        ("relion/3.1.4-sm86", True),
        ("relion/5.0.1-avx2", False),
        ("automatic", False),
        # A lab's own build: nothing is known about it.
        ("lab/relion-blush", False),
    ],
)
def test_a_typed_build_without_relions_python_is_refused_for_a_job_that_calls_it(
    slurm_commands: FakeSlurm, tmp_path: Path, module: str, is_found: bool
) -> None:
    _describe(slurm_commands)
    form = {"do_queue": "Yes", "queuename": "automatic", "qsub_extra4": module}
    blush = write_job(tmp_path / "a", "Refine3D", {**form, "do_blush": "Yes"})
    plain = write_job(tmp_path / "b", "Refine3D", {**form, "do_blush": "No"})
    found = {one.check for one in errors(checked_job(blush, None, None).findings)}
    assert ("build-python" in found) is is_found
    assert "build-python" not in {one.check for one in checked_job(plain, None, None).findings}


def _describe(slurm_commands: FakeSlurm, **facts: str) -> None:
    path = slurm_commands.root / "cluster.json"
    software = str(slurm_commands.root / "efs")
    path.write_text(json.dumps({"region": "us-east-1", "software": software, **facts}))
