"""The cluster that jobs are placed on: its queues, its facts, what the group has measured."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.contract.head_node import ClusterFacts
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.slurm.cluster_facts import known_facts
from gotocloud.slurm.site import Site

if TYPE_CHECKING:
    from gotocloud.advisor.advice import Question
    from gotocloud.cluster_configs.model import ClusterConfiguration
    from gotocloud.relion.job import Job
    from gotocloud.relion.settings import Setting


@dataclass(frozen=True)
class Cluster:
    """Everything about a cluster that decides where a job runs.

    Args:
        partitions: Its queues.
        facts: Which cluster it is.
    """

    partitions: tuple[Partition, ...]
    facts: ClusterFacts

    def partition(self, queue: str) -> Partition | None:
        """A queue by name."""
        return next((one for one in self.partitions if one.name == queue), None)

    @property
    def prefers_spot(self) -> bool:
        """Whether it was started to use spot machines."""
        return self.facts.capacity == "spot"

    @cached_property
    def configuration(self) -> ClusterConfiguration | None:
        """Which queue serves which job type; None where queues have the names of job types.

        A configuration that this release does not contain is None too: `remarks` states it.
        """
        return self._configuration[0]

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What of the cluster's description cannot be used, in sentences."""
        problem = self._configuration[1]
        return (problem,) if problem else ()

    @cached_property
    def _configuration(self) -> tuple[ClusterConfiguration | None, str]:
        if not self.facts.configuration:
            return None, ""
        from gotocloud.cluster_configs.model import load_configuration
        from gotocloud.cluster_configs.packed import unpacked

        try:
            if self.facts.described:
                return unpacked(self.facts.described), ""
            return load_configuration(self.facts.configuration), ""
        except GoToCloudError as error:
            return None, f"Queues are matched by their names only: {error.message}"

    def measured(self, job: Job) -> tuple[tuple[Setting, ...], str]:
        """The group's own measurements of a job's work, best first, and why some are not used.

        Args:
            job: The job, beside whose project folder the records may lie.
        """
        from gotocloud.advisor.places import own_benchmarks

        # Advice takes a second; none is needed where nothing was measured.
        table = own_benchmarks(job.project)
        if table is None:
            return (), ""
        from gotocloud.advisor.measured_settings import question_of

        question = question_of(job, self.facts.region, spot=self.prefers_spot)
        if question is None:
            return (), "Your own benchmark records are not used: the job's size is not known."
        changed_ns = table.stat().st_mtime_ns if table.exists() else 0
        return _measured(table, changed_ns, question)

    @property
    def modules(self) -> Path:
        """Where the shared software's module files are."""
        return Path(self.facts.software) / "gotocloud" / "modulefiles"

    @property
    def site(self) -> Site:
        """What its batch scripts need."""
        return Site(
            partitions=self.partitions,
            facts=self.facts,
            gotocloud=own_path(),
            module_folder=str(self.modules) if self.modules.is_dir() else "",
        )


@cache
def _measured(table: Path, _changed_ns: int, question: Question) -> tuple[tuple[Setting, ...], str]:
    from gotocloud.advisor.measured_settings import settings_for_routing

    return settings_for_routing(table, question)


def this_cluster() -> Cluster:
    """The cluster that this machine belongs to.

    Raises:
        GoToCloudError: if there is no Slurm, or it does not answer.
    """
    from gotocloud.slurm import client
    from gotocloud.slurm.sinfo import SINFO_FORMAT, SINFO_OPTIONS, parse_sinfo

    found = parse_sinfo(client.partitions(SINFO_FORMAT, *SINFO_OPTIONS))
    if not found:
        raise GoToCloudError("Slurm has no queues yet.", next_command="sinfo")
    return Cluster(tuple(found), known_facts())


def described_cluster(configuration: str, region: str) -> Cluster:
    """A cluster that need not run: of a configuration, in a region.

    Raises:
        InputError: if there is no such configuration, or its region is unknown.
    """
    from gotocloud.cluster_configs.model import load_configuration
    from gotocloud.cluster_configs.partitions import configured_partitions
    from gotocloud.platform.zones import zone_map

    offered = zone_map().region(region).best.offerings
    partitions = configured_partitions(load_configuration(configuration), offered)
    facts = replace(known_facts(), configuration=configuration, region=region)
    return Cluster(tuple(partitions), facts)


def cluster_of(configuration: str | None, region: str | None) -> tuple[Cluster, str]:
    """The running cluster, or the one that was named; and why the running one is not used.

    Args:
        configuration: As typed; None for the running cluster, or its recorded configuration.
        region: Likewise.

    Raises:
        InputError: if no cluster runs here and none is named.
    """
    problem = ""
    if configuration is None and region is None:
        try:
            return this_cluster(), ""
        except GoToCloudError as error:
            problem = error.message
    facts = known_facts()
    configuration, region = configuration or facts.configuration, region or facts.region
    if not configuration or not region:
        raise InputError(
            "There is no Slurm on this machine and no record of a cluster: name a configuration "
            "and a region.",
            problems=[problem] if problem else (),
            next_command="gotocloud form --config cryoem-spa --region us-east-1",
        )
    return described_cluster(configuration, region), problem


def own_path() -> str:
    """How nodes call this program: it is on a file system that all of them have."""
    from gotocloud.software.layout import FILE as ONE_FILE

    called = Path(sys.argv[0])
    if called.name == "gotocloud" and called.is_file():
        # A published release is never changed: a job keeps the one that it began with.
        release = called.resolve()
        return str(release if release.name == ONE_FILE else called.absolute())
    return shutil.which("gotocloud") or "gotocloud"
