"""A job on its route: with the numbers that it really gets, and what the rules state of them."""

from __future__ import annotations

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.findings import Finding
from gotocloud.relion.job import Job
from gotocloud.relion.routing import Route
from gotocloud.relion.rules import check


def as_routed(job: Job, chosen: Route) -> Job:
    """The job with the ranks, threads and GPUs of its route."""
    return job.shaped(
        ranks=chosen.ranks,
        threads=chosen.threads,
        gpu_ids=chosen.gpu_ids if chosen.gpus_per_node else None,
    )


def check_routed(
    job: Job, chosen: Route, queue: Partition | None, *, without_python: str = ""
) -> tuple[Finding, ...]:
    """What the rules state about a job on its route, errors first.

    Args:
        job: The job as its form has it.
        chosen: Its route.
        queue: The queue that the route names; None if unknown.
        without_python: The module of its build, if that has no Python of RELION's.
    """
    return check(
        as_routed(job, chosen),
        queue,
        nodes=chosen.nodes,
        layout=chosen.layout,
        without_python=without_python,
        foreign_queue=chosen.foreign_queue,
    )
