"""Rules about MPI ranks and threads."""

from __future__ import annotations

from math import ceil

from gotocloud.findings import Severity
from gotocloud.printed import lines_of
from gotocloud.relion.job_facts import MemoryFormula
from gotocloud.relion.rules.model import Broken, Rule, Situation
from gotocloud.relion.settings import published_setting
from gotocloud.relion.sizing import frame_threads, frames_to_sum


def _odd_ranks(case: Situation) -> Broken | None:
    job = case.job
    only_analyses = job.flag("do_analyse") and job.is_continue and not job.text("fn_cont")
    if not job.splits_halves or only_analyses or (job.ranks >= 3 and job.ranks % 2):
        return None
    better = "3" if job.ranks < 3 else f"{job.ranks - 1} or {job.ranks + 1}"
    return Broken(
        f"{job.name} has {job.ranks} MPI rank(s), but needs an odd number, at least 3.",
        f"Set 'Number of MPI procs' to {better}.",
    )


def _vdam_ranks(case: Situation) -> Broken | None:
    if not case.job.is_vdam or case.job.ranks == 1:
        return None
    return Broken(f"{case.job.name} runs VDAM with {case.job.ranks} MPI ranks.")


def _vdam_threads(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if not (job.is_vdam and job.uses_gpu and hardware and hardware.gpus):
        return None
    published = published_setting(job.kind, hardware.instance_type)
    if job.threads in (hardware.gpus, published.threads if published else 0):
        return None
    return Broken(
        f"{job.name} has {job.threads} threads for the {hardware.gpus} GPUs of "
        f"{hardware.instance_type}.",
        f"Set 'Number of threads' to {hardware.gpus}, unless you have measured better.",
    )


def _training_ranks(case: Situation) -> Broken | None:
    program = case.job.program
    if not (program.trains and program.refuses_mpi) or case.job.ranks == 1:
        return None
    return Broken(f"{case.job.name} trains with {case.job.ranks} MPI ranks.")


def _no_mpi(case: Situation) -> Broken | None:
    job = case.job
    program = job.program
    if job.ranks == 1 or not program.refuses_mpi or program.vdam or program.trains:
        return None
    return Broken(f"{job.name} has {job.ranks} MPI ranks, but {job.program.method} has no MPI.")


def _idle_ranks(case: Situation) -> Broken | None:
    job, program = case.job, case.job.program
    if job.ranks <= 1 or program.mpi or program.refuses_mpi or program.refines:
        return None
    return Broken(
        f"{job.name} has {job.ranks} MPI ranks, of which {job.ranks - 1} do nothing: "
        f"{program.name} works with the first alone."
    )


def _program_alone(case: Situation) -> Broken | None:
    if case.script is None or case.job.ranks > 1:
        return None
    lines = (line for line in lines_of(case.script) if not line.lstrip().startswith("#"))
    if not any("relion_" in line and "_mpi" in line for line in lines):
        return None
    return Broken(f"The queue script of {case.job.name} starts an MPI program with 1 rank.")


def _algorithm(case: Situation) -> Broken | None:
    job = case.job
    if "do_em" not in job.options or "do_grad" not in job.options:
        return None
    if job.flag("do_em") != job.flag("do_grad"):
        return None
    chosen = "both the EM and the VDAM" if job.flag("do_em") else "neither the EM nor the VDAM"
    return Broken(f"{job.name} has {chosen} algorithm selected.")


def _frames(case: Situation) -> Broken | None:
    job = case.job
    if job.program.memory is not MemoryFormula.MOVIE or job.threads < 2:
        return None
    frames = frames_to_sum(job)
    if not frames or frames % job.threads == 0:
        return None
    most = 2 * job.threads
    if case.hardware and case.most_working:
        most = min(most, case.hardware.vcpus // case.most_working)
    nearest = frame_threads(frames, job.threads, most)
    if nearest is None:
        return None
    return Broken(
        f"{job.name} has {job.threads} threads for movies of {frames} frames: the last round "
        f"of {ceil(frames / job.threads)} leaves threads idle.",
        f"Set 'Number of threads' to {nearest}.",
    )


RULES = (
    Rule(
        "mpi-odd",
        Severity.ERROR,
        "Refine3D and MultiBody refine two halves of the data apart. One rank leads and the "
        "others are shared out among the halves, so their number must be odd and at least 3.",
        "Set 'Number of MPI procs' to an odd number, at least 3.",
        "3dem/relion 5.0.1, src/ml_optimiser_mpi.cpp, initialiseWorkLoad",
        _odd_ranks,
    ),
    Rule(
        "mpi-vdam",
        Severity.ERROR,
        "The VDAM algorithm (InitialModel, and Class2D with it) has no MPI: RELION stops.",
        "Set 'Number of MPI procs' to 1 and use threads.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp and src/ml_optimiser_mpi.cpp",
        _vdam_ranks,
    ),
    Rule(
        "threads-vdam",
        Severity.NOTE,
        "With VDAM on GPUs as many threads as GPUs were the best setting found.",
        "Set 'Number of threads' to the number of GPUs, unless you have measured better.",
        "Moriya et al., Communications Biology 2024, doi 10.1038/s42003-024-07031-6",
        _vdam_threads,
    ),
    Rule(
        "mpi-training",
        Severity.ERROR,
        "Polishing trains its parameters in one process: the MPI program refuses to.",
        "Set 'Number of MPI procs' to 1 and use threads.",
        "3dem/relion 5.0.1, src/jaz/single_particle/motion/motion_refiner_mpi.cpp",
        _training_ranks,
    ),
    Rule(
        "mpi-none",
        Severity.ERROR,
        "ResMap, and reverting to the original particles, run in one process: RELION refuses MPI.",
        "Set 'Number of MPI procs' to 1.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp",
        _no_mpi,
    ),
    Rule(
        "mpi-idle",
        Severity.WARNING,
        "The training of Topaz, and a window for picking by hand, work with the first MPI rank. "
        "RELION starts the others, which idle and are paid for.",
        "Set 'Number of MPI procs' to 1.",
        "3dem/relion 5.0.1, src/apps/autopick_mpi.cpp:53-57",
        _idle_ranks,
    ),
    Rule(
        "mpi-alone",
        Severity.ERROR,
        "RELION's MPI programs need a leader and at least one follower: 2 ranks.",
        "Start the program without _mpi, or with 2 ranks or more.",
        "3dem/relion 5.0.1, src/ml_optimiser_mpi.cpp, motion_refiner_mpi.cpp, ctf_refiner_mpi.cpp",
        _program_alone,
    ),
    Rule(
        "class2d-algorithm",
        Severity.ERROR,
        "Class2D runs either the EM or the VDAM algorithm; RELION refuses both and neither.",
        "Answer Yes to one of 'Use EM algorithm?' and 'Use VDAM algorithm?'.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp",
        _algorithm,
    ),
    Rule(
        "threads-frames",
        Severity.WARNING,
        "RELION's own motion correction gives each thread whole frames: when the threads do "
        "not divide the frames, some wait for the others in the last round.",
        "Set 'Number of threads' to a number that divides the frames of a movie.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp, help of 'Use RELION's own implementation?'",
        _frames,
    ),
)
