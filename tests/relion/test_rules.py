"""Every rule with a job that breaks it and one that just does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.relion.job_types import job_type_or_unknown
from gotocloud.relion.rules import RULES, check
from tests.relion.samples import (
    cpu_queue,
    gpu_queue,
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
