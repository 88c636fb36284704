"""What the rehearsal adds to the local AWS: ParallelCluster, images, Slurm's commands, prices."""

from __future__ import annotations

from local_aws.additions import Additions

NAME = __name__
"""How the local AWS names this extension."""


def extend(additions: Additions) -> None:
    """Add everything; `local_aws.additions` calls this."""
    from gotocloud.cluster_configs.engine import ENGINES
    from gotocloud.rehearsal.extension import head_node_slurm, images, prices

    additions.images += images.parallelcluster_images(ENGINES.values())
    additions.prices += prices.listed()
    additions.spot_prices += prices.spot()
    additions.models += [f"{__name__}.pcluster", f"{__name__}.pcluster_head"]
    additions.models.append(f"{__name__}.pcluster_provider")
    additions.programs.append(head_node_slurm.put_commands)
    additions.controls["slurm"] = head_node_slurm.set_state
