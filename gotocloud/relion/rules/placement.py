"""Rules about queues, machines and spot."""

from __future__ import annotations

from math import ceil

from gotocloud.relion.findings import Severity
from gotocloud.relion.job_facts import Parallelism, Shape
from gotocloud.relion.rules.model import Broken, Rule, Situation


def _too_wide(case: Situation) -> Broken | None:
    job, hardware = case.job, case.hardware
    if hardware is None or job.threads < 1 or job.ranks < 1:
        return None
    if case.nodes and case.nodes > hardware.max_nodes:
        return Broken(
            f"{job.name} wants {case.nodes} machines; queue {hardware.name} has "
            f"{hardware.max_nodes}."
        )
    working = case.most_working
    if working is None:
        # Nobody has said how many machines: try with all that the queue has.
        workers = job.ranks - (1 if case.has_leader else 0)
        working = ceil(workers / hardware.max_nodes)
    if working * job.threads <= hardware.vcpus:
        return None
    return Broken(
        f"{job.name}: {working} working rank(s) x {job.threads} thread(s) on one machine, but "
        f"{hardware.instance_type} has {hardware.vcpus} vCPUs."
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
    if job.type.parallelism is Parallelism.NONE or job.flag("do_queue"):
        return None
    return Broken(f"{job.name} is not for a queue: it would run on the head node.")


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
    if job.program.shape is not Shape.GPUS:
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
        "Ranks x threads of a machine are more than its vCPUs, or the machines more than the "
        "queue has: Slurm would refuse the job or let it wait for ever. A refinement's leader "
        "does no image work and is not counted.",
        "Use fewer ranks or threads, or a queue with larger machines.",
        "Slurm: a request must fit the partition's nodes",
        _too_wide,
    ),
    Rule(
        "head-node",
        Severity.WARNING,
        "Without a queue RELION runs the job where RELION runs: on the head node, which is "
        "small and draws everybody's desktop.",
        "Say Yes to 'Submit to queue?', unless the job takes seconds.",
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
