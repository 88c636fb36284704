"""Every rule with a job that breaks it and one that just does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.findings import Severity
from gotocloud.relion.job import read_job
from gotocloud.relion.job_types import job_type_or_unknown
from gotocloud.relion.memory import gpu_memory_gb, particles_gib
from gotocloud.relion.rules import RULES, check
from tests.relion.samples import (
    VERSIONS,
    cpu_queue,
    gpu_queue,
    job_files,
    make_job,
    write_iteration,
    write_map,
    write_particles,
)

REFINED = "Select/job007/particles.star"


@dataclass(frozen=True)
class Case:
    """A job in a place."""

    kind: str
    changes: dict[str, str] = field(default_factory=dict)
    hardware: Partition | None = None
    nodes: int | None = None
    script: str | None = None
    without_python: str = ""
    version: str = "5.0"
    first: int = 0
    is_continue: bool = False
    label: str = ""
    prepare: Callable[[Path], None] = lambda _: None


def particles(count: int, box_px: int) -> Callable[[Path], None]:
    return lambda project: write_particles(project / REFINED, count, box_px)


def inputs(project: Path) -> None:
    write_particles(project / REFINED, 10, 64)
    write_map(project / "Class3D/job011/run_it025_class001.mrc")


def movie(frames: int) -> Callable[[Path], None]:
    def prepare(project: Path) -> None:
        star = project / "Import/job001/movies.star"
        star.parent.mkdir(parents=True)
        star.write_text(
            "\ndata_movies\n\nloop_\n_rlnMicrographMovieName #1\nMovies/a.mrcs\n \n",
            encoding="utf-8",
        )
        (project / "Movies").mkdir()
        header = frames.to_bytes(4, "little")
        side = (64).to_bytes(4, "little")
        (project / "Movies/a.mrcs").write_bytes(2 * side + header + bytes(1012))

    return prepare


def optimiser(project: Path) -> None:
    write_iteration(project / "Refine3D/job012", 3, halves=True)


CONTINUED = {"fn_cont": "Refine3D/job012/run_it003_optimiser.star"}
EM = {"first": 1}
"""The second Class2D job of the fixtures runs EM."""

AUTOMATIC = {"do_queue": "Yes", "queuename": "automatic"}
MOTIONCOR2 = {"do_own_motioncor": "No", "nr_mpi": "3"}
TRAINING = {"do_topaz": "Yes", "do_topaz_train": "Yes", "do_log": "No", "gpu_ids": "0"}
TOMO = {"box_size": "512", "nr_threads": "8"}

PAIRS: dict[str, tuple[Case, Case]] = {
    "setting": (Case("Refine3D", {"nr_mpi": "five"}), Case("Refine3D", {"nr_mpi": "5.0"})),
    "mpi-odd": (Case("Refine3D", {"nr_mpi": "4"}), Case("Refine3D", {"nr_mpi": "3"})),
    "mpi-vdam": (Case("InitialModel", {"nr_mpi": "2"}), Case("InitialModel", {"nr_mpi": "1"})),
    "threads-vdam": (
        Case("Class2D", {"nr_threads": "12"}, gpu_queue()),
        Case("Class2D", {"nr_threads": "4"}, gpu_queue()),
    ),
    "mpi-training": (Case("Polish", {"nr_mpi": "2"}), Case("Polish", {"nr_mpi": "2"}, first=1)),
    "mpi-none": (
        Case("LocalRes", {"do_resmap_locres": "Yes", "nr_mpi": "2"}),
        Case("LocalRes", {"do_resmap_locres": "Yes", "nr_mpi": "1"}),
    ),
    "mpi-idle": (
        Case("AutoPick", TRAINING | {"nr_mpi": "2"}),
        Case("AutoPick", TRAINING | {"nr_mpi": "1"}),
    ),
    "mpi-alone": (
        Case(
            "CtfRefine", {"nr_mpi": "1"}, script="mpirun -n 1 `which relion_ctf_refine_mpi` --i a"
        ),
        Case(
            "CtfRefine", {"nr_mpi": "2"}, script="mpirun -n 2 `which relion_ctf_refine_mpi` --i a"
        ),
    ),
    "class2d-algorithm": (
        Case("Class2D", {"do_em": "Yes", "do_grad": "Yes"}),
        Case("Class2D", {"do_em": "No", "do_grad": "Yes"}),
    ),
    "threads-frames": (
        Case("MotionCorr", {"nr_threads": "12"}, prepare=movie(40)),
        Case("MotionCorr", {"nr_threads": "12"}, prepare=movie(36)),
    ),
    "gpu-no-alignment": (
        Case("Class3D", {"dont_skip_align": "No", "use_gpu": "Yes"}),
        Case("Class3D", {"dont_skip_align": "No", "use_gpu": "No"}),
    ),
    "gpu-log-picking": (
        Case("AutoPick", {"do_log": "Yes", "do_topaz": "No", "use_gpu": "Yes"}),
        Case("AutoPick", {"do_log": "Yes", "do_topaz": "No", "use_gpu": "No"}),
    ),
    "gpu-useless": (
        Case("CtfRefine", {"other_args": "--gpu 0"}),
        Case("Class2D", {"use_gpu": "No", "other_args": "--gpu 0"}),
    ),
    "gpu-missing": (
        Case("Class2D", hardware=cpu_queue()),
        Case("Class2D", {"use_gpu": "No"}, cpu_queue()),
    ),
    "gpu-unused": (
        Case("CtfFind", hardware=gpu_queue()),
        Case("AutoPick", hardware=gpu_queue()),
    ),
    "gpu-ids-syntax": (
        Case("Refine3D", {"gpu_ids": "0;1;2;3"}),
        Case("Refine3D", {"gpu_ids": "0,1:2,3"}),
    ),
    "gpu-ids-absent": (
        Case("Refine3D", {"gpu_ids": "1:2:3:4"}, gpu_queue(gpus=4)),
        Case("Refine3D", {"gpu_ids": "0:1:2:3"}, gpu_queue(gpus=4)),
    ),
    "gpu-ids-short": (
        Case("MotionCorr", MOTIONCOR2 | {"gpu_ids": "0:1"}),
        Case("MotionCorr", MOTIONCOR2 | {"gpu_ids": "0:1:0"}),
    ),
    "gpu-ids-one": (Case("Denoise", {"gpu_ids": "0:1"}), Case("Denoise", {"gpu_ids": "1"})),
    "gpus-idle": (
        # ':' parts the followers, of which a job without MPI has none.
        Case("Class2D", {"gpu_ids": "0:1:2:3", "nr_threads": "4"}, gpu_queue()),
        Case("Class2D", {"gpu_ids": "0,1,2,3", "nr_threads": "4"}, gpu_queue()),
    ),
    "gpus-uneven": (
        Case("Class3D", {"gpu_ids": "", "nr_mpi": "7", "nr_threads": "1"}, gpu_queue(), nodes=1),
        Case("Class3D", {"gpu_ids": "", "nr_mpi": "9", "nr_threads": "1"}, gpu_queue(), nodes=1),
    ),
    "gpu-shared": (
        Case("Refine3D", {"gpu_ids": "", "nr_mpi": "9"}, gpu_queue(), nodes=1),
        Case("Refine3D", {"gpu_ids": "", "nr_mpi": "5"}, gpu_queue(), nodes=1),
    ),
    "gpu-memory": (
        Case("Refine3D", hardware=gpu_queue(gpu_memory_gib=14.9), prepare=particles(5, 570)),
        Case("Refine3D", hardware=gpu_queue(gpu_memory_gib=14.9), prepare=particles(5, 560)),
    ),
    "gpu-binding": (
        Case("Class3D", script="#SBATCH --gpus-per-task=1\nmpirun -n 5 relion_refine_mpi"),
        Case("Class3D", script="#SBATCH --gpus-per-node=4\nmpirun -n 5 relion_refine_mpi"),
    ),
    "gpu-machines": (
        Case("Class3D", {"nr_mpi": "9"}, gpu_queue(), nodes=2),
        Case("Class3D", {"nr_mpi": "5"}, gpu_queue(), nodes=1),
    ),
    "pool-gpu": (Case("Refine3D", {"nr_pool": "9"}), Case("Refine3D", {"nr_pool": "10"})),
    "pool-cpu": (
        Case("Refine3D", {"use_gpu": "No", "nr_pool": "10"}),
        Case("Refine3D", {"use_gpu": "No", "nr_pool": "9"}),
    ),
    "preread-memory": (
        # 1,000 particles of 256 px are 0.244 GiB; five ranks of a machine read them all.
        Case(
            "Refine3D",
            {"do_preread_images": "Yes", "use_gpu": "No", "nr_threads": "1"},
            cpu_queue(memory_gib=1.2),
            nodes=1,
            prepare=particles(1000, 256),
        ),
        Case(
            "Refine3D",
            {"do_preread_images": "Yes", "use_gpu": "No", "nr_threads": "1"},
            cpu_queue(memory_gib=1.25),
            nodes=1,
            prepare=particles(1000, 256),
        ),
    ),
    "memory-host": (
        # 24 x 512^3 B for each of 8 threads are 24 GiB: 16 ranks fill 384 GiB.
        Case("Reconstruct", TOMO | {"nr_mpi": "17"}, cpu_queue(memory_gib=384.0), nodes=1),
        Case("Reconstruct", TOMO | {"nr_mpi": "16"}, cpu_queue(memory_gib=384.0), nodes=1),
    ),
    "scratch-shared": (
        Case("Refine3D", {"scratch_dir": "/scratch"}, gpu_queue(exclusive=False)),
        Case("Refine3D", {"scratch_dir": "/scratch"}, gpu_queue(exclusive=True)),
    ),
    "scratch-size": (
        Case("Refine3D", {"scratch_dir": "/scratch"}, prepare=particles(10, 64)),
        # RELION ignores the scratch folder when it reads everything into memory.
        Case(
            "Refine3D",
            {"scratch_dir": "/scratch", "do_preread_images": "Yes"},
            prepare=particles(10, 64),
        ),
    ),
    "input-missing": (
        Case("Refine3D", {"fn_mask": "mask.mrc"}, prepare=inputs),
        Case("Refine3D", {"fn_mask": ""}, prepare=inputs),
    ),
    "continue-from": (
        Case("Refine3D", CONTINUED, is_continue=True),
        Case("Refine3D", CONTINUED, is_continue=True, prepare=optimiser),
    ),
    "counts": (Case("CtfFind", {"nr_mpi": "0"}), Case("CtfFind", {"nr_mpi": "1"})),
    "cores": (
        # The leader of the last of CS-Schemes' shapes is not counted: 16 x 3 of 48 vCPUs.
        Case("Class2D", {"nr_mpi": "386", "nr_threads": "1"}, gpu_queue(max_nodes=8), 8, **EM),  # type: ignore[arg-type]
        Case("Class2D", {"nr_mpi": "385", "nr_threads": "1"}, gpu_queue(max_nodes=8), 8, **EM),  # type: ignore[arg-type]
    ),
    "threads-many": (
        # The leader of the last of CS-Schemes' shapes is not counted: 16 x 3 of 48 vCPUs.
        Case("Class2D", {"nr_mpi": "130", "nr_threads": "3"}, gpu_queue(max_nodes=8), 8, **EM),  # type: ignore[arg-type]
        Case("Class2D", {"nr_mpi": "129", "nr_threads": "3"}, gpu_queue(max_nodes=8), 8, **EM),  # type: ignore[arg-type]
    ),
    "window": (
        Case("ExcludeTiltImages", {"do_queue": "Yes"}),
        Case("ExcludeTiltImages", {"do_queue": "No"}),
    ),
    "build-python": (
        Case("Refine3D", {"do_blush": "Yes"}, without_python="relion/4.0.1"),
        Case("Refine3D", {"do_blush": "No"}, without_python="relion/4.0.1"),
    ),
    "type-unknown": (
        Case("CtfFind", label="relion.sharpen"),
        Case("CtfFind"),
    ),
    "fields-foreign": (
        Case("Class2D", AUTOMATIC | {"qsub_extra1": "24:00:00"}),
        Case("Class2D", AUTOMATIC | {"qsub_extra1": "typed"}),
    ),
    "gpu-not-ticked": (Case("Class3D", {"use_gpu": "No"}), Case("Class3D")),
    "head-node": (Case("CtfFind"), Case("CtfFind", {"do_queue": "Yes"})),
    "machines-idle": (
        Case("CtfFind", {"nr_mpi": "3"}, cpu_queue(), nodes=4),
        Case("CtfFind", {"nr_mpi": "4"}, cpu_queue(), nodes=4),
    ),
    "spot-restart": (
        Case("Subtract", hardware=cpu_queue(spot=True)),
        Case("CtfFind", hardware=cpu_queue(spot=True)),
    ),
    "spot-repeats": (
        Case("Class2D", hardware=gpu_queue(spot=True)),
        Case("Class2D", hardware=gpu_queue(spot=True), first=1),
    ),
}


def rules_broken(project: Path, case: Case) -> set[str]:
    case.prepare(project)
    job = make_job(
        project,
        case.kind,
        case.changes,
        version=case.version,
        first=case.first,
        is_continue=case.is_continue,
    )
    if case.label:
        unknown = job_type_or_unknown(case.label, case.kind)
        job = replace(job, label=case.label, type=unknown)
    found = check(
        job,
        case.hardware,
        nodes=case.nodes,
        script=case.script,
        without_python=case.without_python,
    )
    return {one.check for one in found}


def test_every_rule_has_a_pair_of_jobs() -> None:
    assert sorted(PAIRS) == sorted(rule.id for rule in RULES)


@pytest.mark.parametrize("rule", PAIRS)
def test_a_job_that_breaks_the_rule_is_found(tmp_path: Path, rule: str) -> None:
    assert rule in rules_broken(tmp_path, PAIRS[rule][0])


@pytest.mark.parametrize("rule", PAIRS)
def test_a_job_that_just_keeps_the_rule_passes(tmp_path: Path, rule: str) -> None:
    assert rule not in rules_broken(tmp_path, PAIRS[rule][1])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_explains_itself_and_names_its_source(rule: object) -> None:
    for words in (rule.explanation, rule.remedy, rule.source):  # type: ignore[attr-defined]
        assert len(words) > 10


def test_findings_start_with_what_would_fail(tmp_path: Path) -> None:
    changes = {"nr_mpi": "4", "nr_pool": "3", "scratch_dir": "/scratch"}
    write_particles(tmp_path / REFINED, 10, 64)
    found = check(make_job(tmp_path, "Refine3D", changes), gpu_queue(exclusive=False))
    severities = [one.severity for one in found]
    assert severities == sorted(severities, key=list(Severity).index)
    assert {"mpi-odd", "scratch-shared", "pool-gpu"} <= {one.check for one in found}


def test_an_unreadable_setting_is_told_once_and_hides_no_other_finding(tmp_path: Path) -> None:
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
def test_gpu_memory_is_what_relion_says(box_px: int, gb: float) -> None:
    assert gpu_memory_gb(box_px) == pytest.approx(gb, abs=0.05)


@pytest.mark.parametrize(("box_px", "gib"), [(200, 15), (400, 60)])
def test_preread_memory_is_what_relion_says(box_px: int, gib: float) -> None:
    assert particles_gib(100_000, box_px) == pytest.approx(gib, rel=0.01)
