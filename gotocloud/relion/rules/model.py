"""What a rule is, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.findings import Finding, Severity
from gotocloud.relion.gpu_map import GpuMap, gpu_map
from gotocloud.relion.job import Job
from gotocloud.relion.spreading import spread


@dataclass(frozen=True)
class Situation:
    """A job, and what is known of where it will run.

    Args:
        job: The job.
        hardware: The queue's machines; None if not known.
        nodes: How many of them the job gets; None if not known.
        layout: Ranks of each machine, in order; None for an even spread.
        script: The queue script, if there is one.
        without_python: The module of a build that has no Python of RELION's; empty if it has
            one, or if the build is not known.
        foreign_queue: The form's queue, if that is another site's and did not count.
    """

    job: Job
    hardware: Partition | None = None
    nodes: int | None = None
    layout: tuple[int, ...] | None = None
    script: str | None = None
    without_python: str = ""
    foreign_queue: str = ""

    @cached_property
    def ranks_of(self) -> tuple[int, ...] | None:
        """Ranks of each machine; None while the number of machines is unknown."""
        if self.layout is not None and sum(self.layout) == self.job.ranks:
            return self.layout
        nodes = 1 if self.job.ranks == 1 else self.nodes
        if nodes is None and self.hardware is not None and self.hardware.max_nodes == 1:
            nodes = 1
        if not nodes or self.job.ranks < nodes:
            return None
        return spread(self.job.ranks, nodes, idle_leader=bool(self.leaders))

    @property
    def leaders(self) -> int:
        """Ranks that do no image work: 0 or 1."""
        return self.job.program.leaders(self.job.ranks)

    @property
    def most_working(self) -> int | None:
        """Ranks at work on the fullest machine; the leader is on the first and idle."""
        if self.ranks_of is None:
            return None
        first, *others = self.ranks_of
        return max(first - self.leaders, *others, 0)

    @cached_property
    def gpu_map(self) -> GpuMap | None:
        """Who uses which GPU in `relion_refine`; None if unknown."""
        if not (self.job.refines and self.job.uses_gpu and self.ranks_of):
            return None
        if self.hardware is None or not self.hardware.gpus:
            return None
        return gpu_map(self.job.gpu_ids, self.job.threads, self.ranks_of, self.hardware.gpus)


@dataclass(frozen=True)
class Broken:
    """How a job breaks a rule.

    Args:
        text: What is so, with the figures.
        remedy: What to do in this case. Default: the rule's remedy.
    """

    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Rule:
    """One setting that makes jobs fail or wastes money.

    Args:
        id: Its name in reports, for example "mpi-odd".
        severity: What breaking it means.
        explanation: Why it is so, in plain words.
        remedy: What to do.
        source: Where it comes from.
        broken_by: How a situation breaks it, or None.
    """

    id: str
    severity: Severity
    explanation: str
    remedy: str
    source: str
    broken_by: Callable[[Situation], Broken | None]

    def look(self, situation: Situation) -> Finding | None:
        """The finding, if the rule is broken.

        Raises:
            InputError: if a setting that it looks at cannot be read.
        """
        broken = self.broken_by(situation)
        if broken is None:
            return None
        return Finding(
            check=self.id,
            severity=self.severity,
            text=broken.text,
            remedy=broken.remedy or self.remedy,
            source=self.source,
        )
