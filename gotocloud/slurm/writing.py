"""The batch script of an attempt, written into the job's folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gotocloud.errors import GoToCloudError
from gotocloud.slurm import client
from gotocloud.slurm.cluster_facts import facts_path
from gotocloud.slurm.script import BatchJob, MpiLauncher, batch_script, facts_copy
from gotocloud.slurm.site import Site
from gotocloud.slurm.submissions import Attempt, Submission
from gotocloud.slurm.workload import Workload

SCRIPT_NAME = "gotocloud_attempt_{number}.sh"


def batch_of(
    submission: Submission, attempt: Attempt, workload: Workload, site: Site, project: Path
) -> BatchJob:
    """The batch script of an attempt, as data.

    Raises:
        GoToCloudError: if the optimiser file to continue from cannot be read.
    """
    return BatchJob(
        project=str(project),
        job=submission.job,
        commands=workload.commands(submission, attempt, project),
        markers=workload.markers,
        attempt=attempt.number,
        token=attempt.token,
        queue=attempt.queue,
        layout=attempt.layout,
        ranks=attempt.ranks,
        threads=attempt.threads,
        vcpus=attempt.vcpus,
        gpus_per_node=attempt.gpus_per_node,
        exclusive=attempt.exclusive,
        modules=attempt.modules,
        module_folder=site.module_folder,
        mpi=mpi_of(attempt.modules),
        instance_type=attempt.instance_type or "unknown",
        spot=attempt.spot,
        price=price_words(attempt.instance_type, attempt.spot, site.facts.region),
        reason=attempt.why,
        gotocloud=site.gotocloud,
    )


def write_script(
    submission: Submission, attempt: Attempt, workload: Workload, site: Site, project: Path
) -> tuple[Path, BatchJob]:
    """Write the batch script of an attempt into the job's folder.

    Raises:
        GoToCloudError: if a shell cannot read the commands.
    """
    batch = batch_of(submission, attempt, workload, site, project)
    _keep_facts(project, submission.job)
    path = project / submission.job / SCRIPT_NAME.format(number=attempt.number)
    path.write_text(batch_script(batch), encoding="utf-8", errors="surrogateescape")
    wrong = client.syntax_error(path)
    if wrong:
        raise GoToCloudError(
            f"The job's command is no valid line of a shell: {wrong}. "
            "Look for a single quote or bracket in the job's settings, first in 'Additional "
            "arguments'."
        )
    return path, batch


def _keep_facts(project: Path, job: str) -> None:
    """Leave the cluster's facts where nodes find them: only the head node has them."""
    facts_file = facts_path()
    kept = project / facts_copy(job)
    if facts_file != kept and facts_file.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(facts_file.read_bytes())


def mpi_of(modules: Iterable[str]) -> MpiLauncher:
    """Which mpirun modules bring: Intel MPI if a name contains it, else Open MPI."""
    return (
        MpiLauncher.INTEL_MPI
        if any("intel" in one.lower() for one in modules)
        else MpiLauncher.OPEN_MPI
    )


def price_words(instance_type: str, spot: bool, region: str) -> str:
    """What an hour of a machine costs, with the price's age."""
    from gotocloud.costs.prices import price_usd_per_hour, spot_price_usd_per_hour

    find = spot_price_usd_per_hour if spot else price_usd_per_hour
    try:
        found = find(instance_type, region) if region else None
    except GoToCloudError:
        # A price table that cannot be used must not stop a job.
        found = None
    if found is None:
        return "unknown"
    kind = "mean spot price of" if spot else "on demand,"
    return f"{found.usd} USD per hour ({kind} {region}, {found.date})"
