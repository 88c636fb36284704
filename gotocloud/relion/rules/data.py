"""Rules about particles, memory, scratch and files."""

from __future__ import annotations

from math import ceil
from pathlib import Path

from gotocloud.findings import Severity
from gotocloud.relion.inputs import input_files
from gotocloud.relion.memory import all_particles_gib, rank_gib
from gotocloud.relion.optimisers import why_unusable
from gotocloud.relion.rules.model import Broken, Rule, Situation

LONGEST_SHOWN = 200


def _preread(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or not (job.refines and job.prereads):
        return None
    one_gib = all_particles_gib(job)
    if one_gib is None:
        return None
    apart = job.flag("do_parallel_discio") or "do_parallel_discio" not in job.options
    beside = max(case.ranks_of) if case.ranks_of else ceil(job.ranks / hardware.max_nodes)
    readers = beside if apart else 1
    if readers * one_gib <= hardware.memory_gib:
        return None
    return Broken(
        f"{job.name} reads {job.particles} particles of {job.box_px} px into memory: "
        f"{one_gib:.1f} GiB for each of {readers} rank(s) on a machine with "
        f"{hardware.memory_gib:g} GiB."
    )


def _host_memory(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or not case.ranks_of or job.prereads:
        return None
    one = rank_gib(job, job.threads)
    beside = max(case.ranks_of)
    if one is None or beside * one <= hardware.memory_gib:
        return None
    fits = int(hardware.memory_gib / one)
    return Broken(
        f"{job.name}: each rank needs about {one:.1f} GiB, and {beside} of them stand on a "
        f"{hardware.instance_type} with {hardware.memory_gib:g} GiB.",
        f"Use {fits} rank(s) a machine at most." if fits else "",
    )


def _scratch_shared(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or hardware.exclusive or not job.refines or not job.scratch:
        return None
    return Broken(
        f"{job.name} copies particles to {job.scratch} on machines of queue {hardware.name}, "
        "which jobs share."
    )


def _scratch_size(case: Situation) -> Broken | None:
    job = case.job
    gib = all_particles_gib(job) if job.refines and job.scratch else None
    if gib is None:
        return None
    return Broken(
        f"{job.name} needs {gib:.1f} GiB in {job.scratch} on each machine for "
        f"{job.particles} particles of {job.box_px} px."
    )


def _inputs(case: Situation) -> Broken | None:
    missing = [name for name in input_files(case.job) if not _is_there(case.job.project, name)]
    if not missing:
        return None
    return Broken(
        f"{case.job.name} names files that do not exist: {', '.join(map(_shortened, missing))}."
    )


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}…"


def _is_there(project: Path, name: str) -> bool:
    try:
        if any(sign in name for sign in "*?["):
            return next(iter(project.glob(name)), None) is not None
        return (project / name).exists()
    except (OSError, ValueError, NotImplementedError):
        # No file can have a name as long as that, and glob takes no absolute pattern.
        return name.startswith("/")


def _continuation(case: Situation) -> Broken | None:
    job = case.job
    if not (job.is_continue and job.type.continues):
        return None
    name = job.text("fn_cont").strip()
    if not name:
        if job.flag("do_analyse"):
            return None
        return Broken(f"{job.name} is to continue, but names no optimiser file.")
    reason = why_unusable(job.project / name, job.project)
    return Broken(f"{job.name} cannot continue from {name}: {reason}") if reason else None


RULES = (
    Rule(
        "preread-memory",
        Severity.ERROR,
        "Pre-reading takes particles x box^2 x 4 bytes, and with parallel disc I/O every rank "
        "of a machine, the leader included, reads them all.",
        "Answer No to 'Pre-read all particles into RAM?', or use fewer ranks on each machine.",
        "3dem/relion 5.0.1, src/ml_optimiser.cpp and src/pipeline_jobs.cpp",
        _preread,
    ),
    Rule(
        "memory-host",
        Severity.ERROR,
        "RELION's programs take memory by rank: 24 x box^3 B a thread for a tomogram average, "
        "20 x box^3 B a thread for pseudo-subtomograms, 12 B a pixel of a tilt series, "
        "128 x box^3 B for CTF refinement, all frames of a movie for motion correction, "
        "20 x (2 x box)^3 B for a refinement, 25 B a pixel of the square around a micrograph for "
        "picking with LoG and 96 with references, 32 B a voxel of the whole binned cube for a "
        "tomogram by Fourier inversion. What does not fit is killed by the system.",
        "Use fewer ranks, fewer threads, or a queue with more memory.",
        "3dem/relion 5.0.1: reconstruct_particle_mpi.cpp:91, subtomo.cpp:738, "
        "tomogram_set.cpp:272, reference_map.cpp:144, "
        "motioncorr_runner.cpp:1528, ml_optimiser.cpp:4086, reconstruct_tomogram.cpp:356; PR 1365; "
        "#1151; own measurements of RELION 3.1.3",
        _host_memory,
    ),
    Rule(
        "scratch-shared",
        Severity.ERROR,
        "RELION wipes its folder on the scratch disk when it starts. A second job on the same "
        "machine deletes the first one's particles.",
        "Use a queue that gives a job its machines alone, or leave the scratch folder empty.",
        "3dem/relion #455",
        _scratch_shared,
    ),
    Rule(
        "scratch-size",
        Severity.NOTE,
        "Every machine copies all the particles to its scratch disk, in single precision even "
        "if they are kept in half precision. What does not fit is read from the shared disk.",
        "Compare with the machine's local disk. GPUs idle while the copy is made.",
        "3dem/relion #959 and #719",
        _scratch_size,
    ),
    Rule(
        "input-missing",
        Severity.WARNING,
        "The job names a file that is not there. It may still be made by a job that runs "
        "before it; otherwise a machine is started and paid for an error.",
        "Correct the name, or wait for the job that makes the file.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp",
        _inputs,
    ),
    Rule(
        "continue-from",
        Severity.ERROR,
        "To continue, RELION reads the optimiser file and the data, model and sampling files "
        "that it names. A crash can leave each of them empty or cut off.",
        "Choose an earlier run_itNNN_optimiser.star.",
        "3dem/relion #596; 5.0.1, src/ml_optimiser.cpp, MlOptimiser::read",
        _continuation,
    ),
)
