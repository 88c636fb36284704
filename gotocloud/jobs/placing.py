"""Where a job runs, and what the rules find there: the only place that decides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.findings import Finding, Severity, by_severity, errors
from gotocloud.jobs.cluster import Cluster
from gotocloud.relion.job import Job
from gotocloud.relion.overrides import Overrides, overrides_of
from gotocloud.relion.routed_job import check_routed
from gotocloud.relion.routing import Route, route
from gotocloud.relion.rules import check


@dataclass(frozen=True)
class PlacedJob:
    """A job on its machines.

    Args:
        job: The job as its form has it.
        route: Where it runs and how it is spread.
        queue: The queue's machines.
        findings: What the rules state about it there, errors first.
        remarks: What was not considered and why, in sentences.
    """

    job: Job
    route: Route
    queue: Partition
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]

    def accepted(self) -> tuple[Finding, ...]:
        """The warnings of a job that can run.

        Raises:
            InputError: with every rule that the job breaks, if it would fail.
        """
        fatal = errors(self.findings)
        if fatal:
            raise InputError(
                f"{self.job.name} would fail in {self.route.queue} ({self.route.shape}).",
                problems=[str(finding) for finding in fatal],
                next_command=shell_line("gotocloud", "check", self.job.name),
            )
        return tuple(one for one in self.findings if one.severity is Severity.WARNING)


def chosen_in_form(job: Job) -> Overrides:
    """What the scientist chose in the form of a job.

    Raises:
        InputError: with every field that cannot be used, and what is allowed there.
    """
    chosen = overrides_of(job)
    # Without "Submit to queue?" the queue's name is RELION's default, which no person chose.
    return chosen if job.flag("do_queue") else replace(chosen, queue=None)


def place(job: Job, cluster: Cluster, chosen: Overrides) -> PlacedJob:
    """The machines for a job on a cluster.

    Args:
        job: The job.
        cluster: The cluster.
        chosen: What is not left to GoToCloud: `chosen_in_form`, or what a sweep varies.

    Raises:
        InputError: with everything in the choice that cannot be had, and what can.
        GoToCloudError: if the cluster has no queue for it.
    """
    settings, problem = cluster.measured(job)
    found = route(
        job,
        cluster.partitions,
        chosen,
        configuration=cluster.configuration,
        prefer_spot=cluster.prefers_spot,
        settings=settings,
    )
    queue = cluster.partition(found.queue)
    if queue is None:
        raise GoToCloudError(f"The cluster has no queue {found.queue!r}.", next_command="sinfo")
    return PlacedJob(
        job=job,
        route=found,
        queue=queue,
        findings=check_routed(job, found, queue, without_python=_without_python(job, found)),
        remarks=(*cluster.remarks, *([problem] if problem else [])),
    )


def _without_python(job: Job, chosen: Route) -> str:
    """The module of the job's build, if that has no Python of RELION's and the job calls it."""
    if not job.needs_python:
        return ""
    from gotocloud.software.in_force import executable_for, has_python

    module = (
        chosen.module or executable_for(job.queue_job_type, chosen.instance_type or None).module
    )
    return module if has_python(module) is False else ""


def place_job(job: Job, cluster: Cluster) -> PlacedJob:
    """The machines for a job as its form has it: what `check` shows and `submit` submits.

    Raises:
        InputError: with everything in the form that cannot be used.
        GoToCloudError: if the cluster has no queue for it.
    """
    return place(job, cluster, chosen_in_form(job))


def in_queue(job: Job, cluster: Cluster, queue: str) -> PlacedJob:
    """The machines for a job that continues in a queue.

    What was typed is kept where the machines of that queue allow it.
    """
    typed = replace(chosen_in_form(job), foreign=(), of_form=False)
    try:
        return place(job, cluster, replace(typed, queue=queue, spot=None))
    except InputError:
        return place(job, cluster, Overrides(queue=queue, module=typed.module))


def unplaced_findings(
    job: Job, script: str | None, refusal: GoToCloudError | None
) -> tuple[Finding, ...]:
    """What the rules state about a job without machines.

    Args:
        job: The job.
        script: The queue script of another template, as text; None without one.
        refusal: Why the cluster has no place for it; None where there is no cluster.
    """
    findings = check(job, script=script)
    if refusal is None:
        return findings
    return by_severity((_refused(refusal), *findings))


def _refused(error: GoToCloudError) -> Finding:
    sentences: Sequence[str] = (error.message, *error.problems)
    return Finding(
        check="placement",
        severity=Severity.ERROR,
        text=" ".join(sentences),
        remedy=error.remedy or "Change the fields of the Running tab.",
        source="The queues of this cluster",
    )
