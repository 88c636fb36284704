"""The kinds of program that this release runs as jobs of Slurm, by the name in their records.

To add one, write a module like `relion_workload` and add a line here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gotocloud.errors import unknown_name
from gotocloud.jobs.cluster import Cluster
from gotocloud.jobs.relion_workload import RelionWorkload
from gotocloud.slurm.submissions import Attempt, Submission
from gotocloud.slurm.workload import Workload


class PlacedWorkload(Workload, Protocol):
    """A kind of program that also has a rule for its shape in a queue."""

    def attempt_in(self, folder: Path, record: Submission, cluster: Cluster, queue: str) -> Attempt:
        """The shape of a job in another queue than its own; number and round are 0.

        Raises:
            GoToCloudError: if the job cannot run there.
        """


WORKLOADS: dict[str, PlacedWorkload] = {one.name: one for one in (RelionWorkload(),)}


def workload_of(name: str) -> PlacedWorkload:
    """The kind of program with a name.

    Raises:
        InputError: if this release has none of that name.
    """
    if name not in WORKLOADS:
        raise unknown_name(
            "kind of program in gotocloud/jobs/workload.py",
            name,
            tuple(WORKLOADS),
            next_command="gotocloud --version",
        )
    return WORKLOADS[name]
