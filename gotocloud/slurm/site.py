"""What batch scripts need of the cluster that they run on."""

from __future__ import annotations

from dataclasses import dataclass

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.contract.head_node import ClusterFacts


@dataclass(frozen=True, kw_only=True)
class Site:
    """A cluster, for the scripts that run on its nodes.

    Args:
        partitions: Its queues.
        facts: Which cluster it is.
        gotocloud: How nodes call `gotocloud`.
        module_folder: Where its environment modules are; empty if there are none.
    """

    partitions: tuple[Partition, ...]
    facts: ClusterFacts
    gotocloud: str
    module_folder: str

    def partition(self, queue: str) -> Partition | None:
        """A queue by name."""
        return next((one for one in self.partitions if one.name == queue), None)
