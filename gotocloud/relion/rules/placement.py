"""Rules about queues, machines and spot."""

from __future__ import annotations

from math import ceil

from gotocloud.findings import Severity
from gotocloud.relion.job_facts import Parallelism, SpreadRule
from gotocloud.relion.overrides import foreign_queue, overrides_of
from gotocloud.relion.rules.model import Broken, Rule, Situation


def _too_wide(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or job.threads < 1 or job.ranks < 1:
        return None
    if case.nodes and case.nodes > hardware.max_nodes:
        return Broken(
            f"{job.name} requests {case.nodes} machines; queue {hardware.name} has "
            f"{hardware.max_nodes}."
        )
    working = case.most_working
    if working is None:
        # The number of machines is unknown: try with all that the queue has.
        workers = job.ranks - case.leaders
        working = ceil(workers / hardware.max_nodes)
    if working <= hardware.vcpus:
        return None
    return Broken(
        f"{job.name}: {working} working rank(s) on one machine, but {hardware.instance_type} has "
        f"{hardware.vcpus} vCPUs."
    )


def _too_many_threads(case: Situation) -> Broken | None:
    job, hardware, working = case.job, case.hardware, case.most_working
    if hardware is None or working is None or not 0 < working <= hardware.vcpus:
        return None
    if working * job.threads <= hardware.vcpus:
        return None
    return Broken(
        f"{job.name}: {working} working rank(s) x {job.threads} thread(s) on one machine, but "
        f"{hardware.instance_type} has {hardware.vcpus} vCPUs.",
        f"Set 'Number of threads' to {max(1, hardware.vcpus // working)} or less.",
    )


def _none_for_some(case: Situation) -> Broken | None:
    if case.nodes is None or case.nodes <= case.job.ranks:
        return None
    return Broken(
        f"{case.job.name} has {case.job.ranks} rank(s) for {case.nodes} machines: "
        f"{case.nodes - case.job.ranks} of them would do nothing."
    )


def _positive(case: Situation) -> Broken | None:
    job = case.job
    if job.ranks >= 1 and job.threads >= 1:
        return None
    return Broken(f"{job.name} has {job.ranks} MPI rank(s) x {job.threads} thread(s).")


def _on_head_node(case: Situation) -> Broken | None:
    job = case.job
    if job.flag("do_queue"):
        return None
    if job.uses_gpu:
        return Broken(
            f"{job.name} is not for a queue but uses a GPU, which the head node does not have."
        )
    if job.type.parallelism is Parallelism.NONE:
        return None
    return Broken(f"{job.name} is not for a queue: it would run on the head node.")


def _window(case: Situation) -> Broken | None:
    job = case.job
    if not job.program.window or not job.flag("do_queue"):
        return None
    return Broken(f"{job.name} opens a window, but a queue's machines have no display.")


def _unknown_type(case: Situation) -> Broken | None:
    job = case.job
    if job.type.registered:
        return None
    return Broken(
        f"{job.name} is of the type {job.label!r}, which is not in "
        f"gotocloud/relion/job_table: it runs with {job.ranks} rank(s) x {job.threads} "
        "thread(s), as typed."
    )


def _no_python(case: Situation) -> Broken | None:
    job = case.job
    if not case.without_python or not job.needs_python:
        return None
    return Broken(
        f"{job.name} calls RELION's Python, which the build of the module "
        f"{case.without_python!r} does not have."
    )


def _foreign(case: Situation) -> Broken | None:
    fields = [*overrides_of(case.job).foreign] if case.job.flag("do_queue") else []
    if case.foreign_queue:
        fields.insert(0, foreign_queue(case.foreign_queue))
    if not fields:
        return None
    return Broken(
        f"{case.job.name} has fields for another site, which do not count here: "
        f"{'; '.join(fields)}."
    )


def _starts_again(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or not hardware.spot or job.can_resume:
        return None
    return Broken(
        f"{job.name} cannot continue after an interruption, but queue {hardware.name} is spot."
    )


def _repeats_some(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or not hardware.spot or not job.type.continues:
        return None
    # Gradient descent, VDAM's and that of 3.1.
    if job.program.shape is not SpreadRule.GPUS:
        return None
    every = job.integer("sgd_write_iter", 10)
    return Broken(
        f"{job.name} writes its state every {every} iterations; an interruption repeats up to "
        f"{every} of them."
    )


RULES = (
    Rule(
        "counts",
        Severity.ERROR,
        "A job needs at least one rank and one thread.",
        "Set 'Number of MPI procs' and 'Number of threads' to 1 or more.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp",
        _positive,
    ),
    Rule(
        "cores",
        Severity.ERROR,
        "The ranks of a machine are more than its vCPUs, or the machines more than the queue "
        "has: Slurm would refuse the job or let it wait for ever. A refinement's leader does no "
        "image work and is not counted.",
        "Use fewer ranks, or a queue with larger machines.",
        "Slurm: a request must fit the partition's nodes",
        _too_wide,
    ),
    Rule(
        "threads-many",
        Severity.WARNING,
        "Ranks x threads of a machine are more than its vCPUs: threads take turns, and each "
        "takes memory of its own.",
        "Use fewer threads.",
        "gotocloud/slurm/script.py: each task gets its share of the vCPUs",
        _too_many_threads,
    ),
    Rule(
        "window",
        Severity.WARNING,
        "The program shows a window. RELION_QUEUE_USE=Yes sends it to a queue by default, where "
        "it fails without a display.",
        "Answer No to 'Submit to queue?': the window then opens on the desktop.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp: relion_display, relion_manualpick, napari",
        _window,
    ),
    Rule(
        "build-python",
        Severity.ERROR,
        "Blush, Topaz, class ranking, DynaMight, ModelAngelo and parts of tomography are Python "
        "programs of RELION 5. A build without them starts the job and ends it with an error, "
        "after the machines were paid for.",
        "Leave 'Software module' automatic, or type a build with Python: `gotocloud software "
        "list` shows them.",
        "3dem/relion 5.0.1, CMakeLists.txt: relion_python_*; gotocloud/software/catalogue.yaml",
        _no_python,
    ),
    Rule(
        "type-unknown",
        Severity.WARNING,
        "A later RELION, or another program, has more job types than the table. Ranks, threads "
        "and GPUs cannot be chosen for them. Where its settings name GPUs, the job goes to the "
        "smallest machines that have them.",
        "Check the numbers in the Running tab, and type a queue if others suit the job better.",
        "3dem/relion, src/pipeline_jobs.h: labels of 3.1.3, 4.0.1 and 5.0.1",
        _unknown_type,
    ),
    Rule(
        "fields-foreign",
        Severity.WARNING,
        "Other sites use the form's extra fields for a time, a number of GPUs or a partition, "
        "and RELION's own queue is called openmpi. Such extra fields count as automatic, all "
        "four of them. The name openmpi, or one unlike every queue here, counts as automatic "
        "alone.",
        "Choose the fields of the Running tab again, or leave them automatic.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp: RELION_QSUB_EXTRA_COUNT, DEFAULTQUEUENAME",
        _foreign,
    ),
    Rule(
        "head-node",
        Severity.WARNING,
        "Without a queue RELION runs the job where RELION runs: on the head node, which is "
        "small and draws everybody's desktop.",
        "Answer Yes to 'Submit to queue?', unless the job takes seconds.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp, prepareFinalCommand",
        _on_head_node,
    ),
    Rule(
        "machines-idle",
        Severity.WARNING,
        "A rank runs on one machine. Machines without a rank are paid for and do nothing.",
        "Ask for no more machines than ranks; one without MPI.",
        "3dem/relion 5.0.1, src/mpi.cpp",
        _none_for_some,
    ),
    Rule(
        "spot-restart",
        Severity.WARNING,
        "Spot machines can be taken away. This job type neither writes a state to continue "
        "from nor skips what is finished, so it would start again from nothing.",
        "Choose the on-demand queue unless the job is short.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp: --continue and --only_do_unfinished",
        _starts_again,
    ),
    Rule(
        "spot-repeats",
        Severity.NOTE,
        "VDAM and the gradient descent of RELION 3.1 write their state only every few "
        "iterations, EM after each.",
        "Nothing, unless iterations are very long: then choose the on-demand queue.",
        "3dem/relion 5.0.1, src/pipeline_jobs.cpp: --grad_write_iter 10; 3.1.3: --sgd_write_iter",
        _repeats_some,
    ),
)
