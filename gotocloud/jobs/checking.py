"""Check a job before it runs: its place as `submit` would choose it, and every finding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.findings import Finding
from gotocloud.jobs.cluster import Cluster, cluster_of
from gotocloud.jobs.placing import place_job, unplaced_findings
from gotocloud.jobs.relion_commands import parse_filled
from gotocloud.jobs.relion_workload import as_commanded
from gotocloud.relion.job import Job, read_job
from gotocloud.relion.routing import Route

SCRIPT = "run_submit.script"
"""What RELION makes of its queue template."""


@dataclass(frozen=True)
class Checked:
    """A job, where it would run and what was found.

    Args:
        job: The job as its settings describe it.
        route: Where it would run; None if that is not known or not possible.
        findings: What the rules state about it there, errors first.
        remarks: What was not considered and why, in sentences.
    """

    job: Job
    route: Route | None
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]


def checked_job(jobdir: Path, configuration: str | None, region: str | None) -> Checked:
    """A job as it would be submitted now.

    Args:
        jobdir: The job's folder, or its job.star.
        configuration: Of a cluster that need not run; None for the running one.
        region: Likewise.

    Raises:
        InputError: if there is no such job, configuration or region.
    """
    job = read_job(jobdir)
    script, commands = _script(job.directory)
    job = as_commanded(job, commands)
    if script:
        remark = f"{SCRIPT} was not made from GoToCloud's template: checked as typed."
        return Checked(job, None, unplaced_findings(job, script, None), (remark,))
    cluster, remarks = _cluster(configuration, region)
    if cluster is None:
        return Checked(job, None, unplaced_findings(job, None, None), remarks)
    try:
        found = place_job(job, cluster)
    except GoToCloudError as error:
        return Checked(job, None, unplaced_findings(job, None, error), remarks)
    return Checked(job, found.route, found.findings, (*remarks, *found.remarks))


def _cluster(
    configuration: str | None, region: str | None
) -> tuple[Cluster | None, tuple[str, ...]]:
    try:
        cluster, problem = cluster_of(configuration, region)
    except InputError as error:
        if configuration or region:
            raise
        return None, (
            *error.problems,
            "So no rule about machines is checked. To check them too, add for example: "
            "--config cryoem-spa --region us-east-1",
        )
    return cluster, (f"The queues are those of the configuration ({problem})",) if problem else ()


def _script(folder: Path) -> tuple[str, tuple[str, ...]]:
    """A queue script that another template made, or the commands of one of our own.

    `submit` accepts its own only.
    """
    script = folder / SCRIPT
    if not script.is_file():
        return "", ()
    try:
        text = script.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ()
    try:
        return "", parse_filled(text, str(script)).commands
    except InputError:
        return text, ()
