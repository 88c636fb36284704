"""What a check of a job reports, and the numbers that its rules compute with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.findings import Severity
from gotocloud.relion.job import read_job
from gotocloud.relion.memory import gpu_memory_gb, particles_gib
from gotocloud.relion.rules import check
from tests.relion.samples import (
    VERSIONS,
    cpu_queue,
    gpu_queue,
    job_files,
    make_job,
    write_particles,
)
from tests.relion.test_rules import (
    AUTOMATIC,
    REFINED,
    TRAINING,
    Case,
    particles,
    rules_broken,
)


def test_findings_start_with_what_would_fail(tmp_path: Path) -> None:
    changes = {"nr_mpi": "4", "nr_pool": "3", "scratch_dir": "/scratch"}
    write_particles(tmp_path / REFINED, 10, 64)
    found = check(make_job(tmp_path, "Refine3D", changes), gpu_queue(exclusive=False))
    severities = [one.severity for one in found]
    assert severities == sorted(severities, key=list(Severity).index)
    assert {"mpi-odd", "scratch-shared", "pool-gpu"} <= {one.check for one in found}


def test_an_unreadable_setting_is_reported_once_and_hides_no_other_finding(tmp_path: Path) -> None:
    found = check(make_job(tmp_path, "Refine3D", {"nr_threads": "many", "nr_mpi": "4"}))
    assert [one.check for one in found if one.check == "setting"] == ["setting"]
    assert "mpi-odd" in {one.check for one in found}


def test_a_variable_of_a_scheme_is_named_as_such(tmp_path: Path) -> None:
    (found,) = (
        one
        for one in check(make_job(tmp_path, "Refine3D", {"nr_mpi": "$$ranks"}))
        if one.check == "setting"
    )
    assert "a variable of a scheme" in found.text


VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(("Yes", "No", "", "0", "-1", "1", "64", "1e9", "1e400", "nan", "0:1", "a b")),
)


@given(
    path=st.sampled_from([path for version in VERSIONS for path in job_files(version)]),
    data=st.data(),
    nodes=st.one_of(st.none(), st.integers(1, 9)),
    hardware=st.sampled_from((None, cpu_queue(spot=True), gpu_queue(exclusive=False))),
)
def test_no_settings_make_the_check_fail(
    path: Path, data: st.DataObject, nodes: int | None, hardware: Partition | None
) -> None:
    job = read_job(path)
    names = data.draw(st.lists(st.sampled_from(sorted(job.options)), max_size=8))
    changed = {**job.options, **{name: data.draw(VALUES) for name in names}}
    odd = replace(job, options=changed, is_continue=data.draw(st.booleans()))
    found = check(odd, hardware, nodes=nodes, script=data.draw(st.text(max_size=30)))
    assert all(one.text and one.remedy and one.source for one in found)


@pytest.mark.parametrize("gpu_ids", ["0", "0,1", "0:1:2"])
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("MotionCorr", {"do_own_motioncor": "No"}),
        ("AutoPick", {"do_topaz": "Yes", "do_topaz_train": "No", "do_log": "No"}),
        ("AutoPick", {"do_topaz": "No", "do_refs": "Yes", "do_log": "No"}),
        ("AlignTiltSeries", {"do_aretomo2": "Yes"}),
    ],
)
def test_every_program_whose_ranks_read_the_list_needs_an_entry_for_each(
    tmp_path: Path, kind: str, changes: dict[str, str], gpu_ids: str
) -> None:
    given = changes | {"use_gpu": "Yes", "nr_mpi": "4", "gpu_ids": gpu_ids}
    assert "gpu-ids-short" in rules_broken(tmp_path, Case(kind, given))
    # RELION shares GPUs out by itself where no list is given, and refinements repeat a list.
    assert "gpu-ids-short" not in rules_broken(tmp_path, Case(kind, given | {"gpu_ids": ""}))
    assert "gpu-ids-short" not in rules_broken(tmp_path, Case("Class3D", given))


def test_only_what_relion_refuses_with_mpi_is_an_error(tmp_path: Path) -> None:
    topaz = rules_broken(tmp_path, Case("AutoPick", TRAINING | {"nr_mpi": "4"}))
    polishing = rules_broken(tmp_path, Case("Polish", {"nr_mpi": "4"}))
    assert topaz & {"mpi-training", "mpi-idle"} == {"mpi-idle"}
    assert polishing & {"mpi-training", "mpi-idle"} == {"mpi-training"}


@pytest.mark.parametrize("fields", [{"queuename": "openmpi"}, {"qsub_extra1": "24:00:00"}])
def test_fields_of_another_site_matter_only_to_a_job_for_a_queue(
    tmp_path: Path, fields: dict[str, str]
) -> None:
    for queue in ("Yes", "No"):
        found = rules_broken(tmp_path, Case("Class2D", AUTOMATIC | {"do_queue": queue} | fields))
        assert ("fields-foreign" in found) == (queue == "Yes")


def test_multibody_analysis_alone_needs_no_odd_number_of_ranks(tmp_path: Path) -> None:
    case = Case("MultiBody", {"nr_mpi": "1", "fn_cont": ""}, is_continue=True)
    assert "mpi-odd" not in rules_broken(tmp_path, case)


def test_gradient_descent_of_3_1_may_use_mpi(tmp_path: Path) -> None:
    case = Case("InitialModel", {"nr_mpi": "5"}, version="3.1")
    assert "mpi-vdam" not in rules_broken(tmp_path, case)


def test_only_the_leader_reads_ahead_without_parallel_disc_access(tmp_path: Path) -> None:
    changes = {"do_preread_images": "Yes", "use_gpu": "No", "do_parallel_discio": "No"}
    case = Case(
        "Refine3D", changes, cpu_queue(memory_gib=0.3), nodes=1, prepare=particles(1000, 256)
    )
    assert "preread-memory" not in rules_broken(tmp_path, case)


@pytest.mark.parametrize(("box_px", "gb"), [(360, 4.1), (450, 8.0), (512, 11.8)])
def test_gpu_memory_is_what_relion_states(box_px: int, gb: float) -> None:
    assert gpu_memory_gb(box_px) == pytest.approx(gb, abs=0.05)


@pytest.mark.parametrize(("box_px", "gib"), [(200, 15), (400, 60)])
def test_preread_memory_is_what_relion_states(box_px: int, gib: float) -> None:
    assert particles_gib(100_000, box_px) == pytest.approx(gib, rel=0.01)
