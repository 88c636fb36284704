"""Rules about GPUs."""

from __future__ import annotations

import re

from gotocloud.findings import Severity
from gotocloud.printed import lines_of
from gotocloud.relion.gpu_map import IDS, device_lists
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import GPU_TICKED, GpuUse
from gotocloud.relion.memory import gpu_memory_gb, gpu_memory_there_gb
from gotocloud.relion.rules.model import Broken, Rule, Situation
from gotocloud.relion.sizing import most_workers

_WITHOUT_RANKS = {GpuUse.ONE: r"\d{1,9}", GpuUse.SOME: r"\d{1,9}(,\d{1,9})*"}
"""What the field may hold for a program without ranks."""

_BINDING = re.compile(r"--(?:gpus-per-task|gpu-bind|ntasks-per-gpu)\b")


def _without_alignment(case: Situation) -> Broken | None:
    job = case.job
    if not (job.skips_alignment and _refused_gpu(job)):
        return None
    return Broken(f"{job.name} classifies without alignment and requests GPUs.")


def _cpu_method(case: Situation) -> Broken | None:
    job = case.job
    if job.skips_alignment or not _refused_gpu(job):
        return None
    return Broken(f"{job.name} {job.program.method} and requests GPUs.")


def _refused_gpu(job: Job) -> bool:
    """Whether RELION's form refuses a GPU that another method of the job type could use."""
    program = job.program
    refuses = bool(program.method) and program.gpu is GpuUse.NONE and job.type.can_use_gpu
    return refuses and GPU_TICKED.holds(job)


def _useless(case: Situation) -> Broken | None:
    job = case.job
    # What is in no table may well use them.
    if not job.requests_gpu or job.uses_gpu or _refused_gpu(job) or not job.type.registered:
        return None
    return Broken(f"{job.name} requests GPUs, but works only on CPUs.")


def _not_ticked(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    refines_on_gpu = job.program.gpu is GpuUse.FOLLOWERS
    if not refines_on_gpu or job.uses_gpu or (hardware is not None and hardware.gpus):
        return None
    return Broken(f"{job.name} does not use GPUs, so it goes to CPUs.")


def _no_gpus(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or hardware.gpus or not job.uses_gpu:
        return None
    return Broken(
        f"{job.name} uses GPUs, but the machines of queue {hardware.name} "
        f"({hardware.instance_type}) have none."
    )


def _unused_gpus(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or not hardware.gpus or job.uses_gpu:
        return None
    if not job.program.name:
        # The program is not RELION's: the job gets the GPUs, and may well use them.
        return None
    return Broken(
        f"{job.name} uses no GPU, but would pay for {hardware.gpus} of them on each "
        f"{hardware.instance_type} of queue {hardware.name}."
    )


def _syntax(case: Situation) -> Broken | None:
    ids = case.job.gpu_ids
    # cryoCARE and AreTomo take the field as it is.
    if not case.job.uses_gpu or not ids or not case.job.type.parallelism.takes_mpi:
        return None
    if IDS.fullmatch(ids):
        return None
    return Broken(f"{case.job.name}: 'Which GPUs to use' is {ids!r}, which RELION misreads.")


def _absent(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or not hardware.gpus or not job.uses_gpu:
        return None
    absent = sorted({n for one in device_lists(job.gpu_ids) for n in one if n >= hardware.gpus})
    if not absent:
        return None
    named = ", ".join(map(str, absent))
    return Broken(
        f"{job.name} names GPU {named}, but {hardware.instance_type} has only "
        f"{hardware.gpus}: 0 to {hardware.gpus - 1}."
    )


def _too_few(case: Situation) -> Broken | None:
    job = case.job
    lists = device_lists(job.gpu_ids)
    if job.program.gpu is not GpuUse.RANKS or not job.uses_gpu or not lists:
        return None
    if len(lists) >= job.ranks:
        return None
    return Broken(
        f"{job.name}: 'Which GPUs to use' is {job.gpu_ids!r}, which is {len(lists)} "
        f"entr{'y' if len(lists) == 1 else 'ies'} for {job.ranks} MPI ranks."
    )


def _only_one(case: Situation) -> Broken | None:
    job, program = case.job, case.job.program
    if program.gpu not in _WITHOUT_RANKS or not job.uses_gpu:
        return None
    allowed = _WITHOUT_RANKS[program.gpu]
    if re.fullmatch(allowed, job.gpu_ids) or not (job.gpu_ids or program.gpu_named):
        return None
    most = "exactly one" if program.gpu is GpuUse.ONE else "one, or several with commas"
    return Broken(f"{job.name}: 'Which GPU to use' is {job.gpu_ids!r}; the program takes {most}.")


def _idle(case: Situation) -> Broken | None:
    found = case.gpu_map
    if found is None or found.idle == 0 or found.missing:
        return None
    total = found.machines * found.gpus_per_machine
    job = case.job
    fed = most_workers(job, job.threads)
    if fed is not None and job.ranks - 1 >= fed:
        # More followers would get no particles.
        return None
    detail = f"with {job.ranks} rank(s) x {job.threads} thread(s) and GPU ids {job.gpu_ids!r}"
    return Broken(
        f"{job.name} leaves {found.idle} of {total} GPUs idle {detail}.", _better_ids(case)
    )


def _better_ids(case: Situation) -> str:
    gpus = case.hardware.gpus if case.hardware else 0
    if case.job.ranks == 1:
        listed = ",".join(map(str, range(gpus)))
        return (
            f"Leave 'Which GPUs to use' empty or enter {listed} (commas: one process, its threads "
            f"spread), with {gpus} threads or more."
        )
    machines = len(case.ranks_of or (1,))
    return (
        f"Leave 'Which GPUs to use' empty and set 'Number of MPI procs' to 1 + k x "
        f"{machines * gpus}: one leader, k followers for each GPU."
    )


def _uneven(case: Situation) -> Broken | None:
    found = case.gpu_map
    if found is None or found.idle or found.most_followers == found.fewest_followers:
        return None
    return Broken(
        f"{case.job.name} puts {found.most_followers} followers on some GPUs and "
        f"{found.fewest_followers} on others.",
        _better_ids(case),
    )


def _shared(case: Situation) -> Broken | None:
    found = case.gpu_map
    if found is None or not case.job.splits_halves or found.most_followers < 2:
        return None
    if (memory := _memory_gb(case)) and memory[0] <= memory[1]:
        return None
    total = found.machines * found.gpus_per_machine
    return Broken(
        f"{case.job.name} puts {found.most_followers} followers on one GPU.",
        "Use machines with two GPUs or more: the two halves need a follower each."
        if total < 2
        else f"Set 'Number of MPI procs' to {1 + total - total % 2}: the leader and one "
        "follower for each GPU.",
    )


def _memory_gb(case: Situation) -> tuple[float, float] | None:
    """GPU memory that the last iteration needs, and what there is; None if not known."""
    job, hardware = case.job, case.hardware
    there_gb = gpu_memory_there_gb(hardware) if hardware else None
    if there_gb is None or job.box_px is None:
        return None
    sharers = max(1, case.gpu_map.most_followers if case.gpu_map else 1)
    return sharers * gpu_memory_gb(job.box_px, job.padding), there_gb


def _too_large(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    memory = _memory_gb(case) if job.splits_halves and job.uses_gpu else None
    if memory is None or hardware is None or memory[0] <= memory[1]:
        return None
    return Broken(
        f"{job.name}: boxes of {job.box_px} px need about {memory[0]:.1f} GB on the fullest GPU "
        f"in the last iteration; {hardware.instance_type} has {memory[1]:.1f} GB each."
    )


def _bound(case: Situation) -> Broken | None:
    if case.script is None or not case.job.uses_gpu:
        return None
    lines = [line for line in lines_of(case.script) if _BINDING.search(line)]
    if not lines:
        return None
    return Broken(f"The queue script of {case.job.name} contains {lines[0].strip()!r}.")


def _many_machines(case: Situation) -> Broken | None:
    if not (case.job.refines and case.job.uses_gpu and case.nodes and case.nodes > 1):
        return None
    return Broken(f"{case.job.name} spreads its GPUs over {case.nodes} machines.")


_JOBS = "3dem/relion 5.0.1, src/pipeline_jobs.cpp"
RULES = (
    Rule(
        "gpu-no-alignment",
        Severity.ERROR,
        "Class3D without alignment has no GPU code: RELION refuses the job.",
        "Answer No to 'Use GPU acceleration?'; the job then goes to a CPU queue.",
        _JOBS,
        _without_alignment,
    ),
    Rule(
        "gpu-log-picking",
        Severity.ERROR,
        "The Laplacian-of-Gaussian picker has no GPU code: RELION refuses the job.",
        "Answer No to 'Use GPU acceleration?'.",
        _JOBS,
        _cpu_method,
    ),
    Rule(
        "gpu-useless",
        Severity.WARNING,
        "The job requests a GPU, but its program cannot use one. It changes nothing but may "
        "lead to an expensive machine.",
        "Take the GPU out of the settings or of 'Additional arguments'.",
        _JOBS,
        _useless,
    ),
    Rule(
        "gpu-not-ticked",
        Severity.WARNING,
        "In RELION's form GPUs are off by default. Refinements and classifications with "
        "alignment take many times longer on CPUs.",
        "Answer Yes to 'Use GPU acceleration?'.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp:3824",
        _not_ticked,
    ),
    Rule(
        "gpu-missing",
        Severity.ERROR,
        "RELION stops at once when its settings request GPUs on a machine without them.",
        "Choose a queue with GPUs, or answer No to 'Use GPU acceleration?'.",
        "3dem/relion 5.0.1, src/ml_optimiser.cpp",
        _no_gpus,
    ),
    Rule(
        "gpu-unused",
        Severity.WARNING,
        "A machine with GPUs costs several times one without; a job that uses none wastes it.",
        "Answer Yes to 'Use GPU acceleration?' if the job can, or choose a CPU queue.",
        "On-demand prices of 2024-02 (KEK-SBRC-CryoEM/CS-Schemes)",
        _unused_gpus,
    ),
    Rule(
        "gpu-ids-syntax",
        Severity.WARNING,
        "RELION reads device numbers separated by ',' (threads) and ':' (MPI followers). "
        "Anything else is ignored or read in part, and GPUs stay idle.",
        "Leave 'Which GPUs to use' empty, or write for example 0:1:2:3.",
        "3dem/relion 5.0.1, src/args.cpp, untangleDeviceIDs",
        _syntax,
    ),
    Rule(
        "gpu-ids-absent",
        Severity.ERROR,
        "A GPU number that the machine does not have stops RELION. Numbers start at 0 on every "
        "machine.",
        "Leave 'Which GPUs to use' empty: RELION then takes all that are there.",
        "3dem/relion 5.0.1, src/ml_optimiser_mpi.cpp",
        _absent,
    ),
    Rule(
        "gpu-ids-short",
        Severity.ERROR,
        "Each MPI rank that picks particles, or starts MotionCor2, Gctf or AreTomo, takes its own "
        "entry of the list, the first rank too; entries are separated by ':'. RELION stops at a "
        "rank without an entry.",
        "Leave 'Which GPUs to use' empty: each rank then takes the next GPU of its machine.",
        "3dem/relion 5.0.1, src/motioncorr_runner.cpp:639, src/align_tiltseries_runner.cpp:497, "
        "src/autopicker_mpi.cpp:54; 4.0.1, src/ctffind_runner.cpp",
        _too_few,
    ),
    Rule(
        "gpu-ids-one",
        Severity.ERROR,
        "cryoCARE, DynaMight and the training of Topaz run on exactly one GPU, ModelAngelo on one "
        "or several. Without a number cryoCARE and ModelAngelo stop, the others take GPU 0. No "
        "setting runs DynaMight without a GPU.",
        "Write one number, for example 0.",
        f"{_JOBS}; 3dem/DynaMight, optimize_deformations.py:131",
        _only_one,
    ),
    Rule(
        "gpus-idle",
        Severity.WARNING,
        "The leader does no image work, so GPUs serve the followers: with too few followers or "
        "threads, or a list that names some GPUs only, the others idle and are paid for.",
        "One leader and k followers for each GPU: 1 + k x GPUs ranks.",
        "3dem/relion 5.0.1, src/ml_optimiser_mpi.cpp; #156",
        _idle,
    ),
    Rule(
        "gpus-uneven",
        Severity.NOTE,
        "A GPU that serves more followers than another has less memory for each of them, and "
        "the two halves of a refinement may get unequal shares of the GPUs.",
        "One leader and k followers for each GPU: 1 + k x GPUs ranks.",
        "3dem/relion 5.0.1, src/ml_optimiser_mpi.cpp; #156",
        _uneven,
    ),
    Rule(
        "gpu-shared",
        Severity.WARNING,
        "In a refinement's last iteration two followers on one GPU usually run out of its "
        "memory. In classifications, and with boxes small enough, sharing is fine.",
        "One follower for each GPU.",
        "3dem/relion 5.0.1, src/error.h, ERRGPUCAOOM",
        _shared,
    ),
    Rule(
        "gpu-memory",
        Severity.WARNING,
        "The last iteration of a refinement uses the data to Nyquist frequency and needs about "
        "1.1e-8 x (2 x box)^3 GB on the GPU for each follower: 4.1 GB at 360 px, 8.0 at 450, "
        "11.8 at 512.",
        "Choose machines with larger GPUs, extract smaller boxes, or choose 'Skip padding?'.",
        "3dem/relion 5.0.1, src/error.h, ERRGPUCAOOM",
        _too_large,
    ),
    Rule(
        "gpu-binding",
        Severity.WARNING,
        "When Slurm gives each task its own GPU, every rank sees its own as number 0: RELION "
        "treats all ranks as if they shared one GPU, and a list of other numbers fails.",
        "Ask for GPUs by machine: --gres=gpu:N or --gpus-per-node=N.",
        "3dem/relion #1074",
        _bound,
    ),
    Rule(
        "gpu-machines",
        Severity.NOTE,
        "RELION's developers advise against GPU jobs over several machines; the paper measured "
        "gains from them. It depends on the data.",
        "Measure both, or ask the advisor, before a long series.",
        "3dem/relion issues; Moriya et al. 2024, doi 10.1038/s42003-024-07031-6",
        _many_machines,
    ),
)
