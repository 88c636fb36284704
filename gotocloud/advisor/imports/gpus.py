"""How many GPUs a job used: not the number of digits in `gpu_ids`."""

from __future__ import annotations


def gpus_named(gpu_ids: str, *, ranks: int, nodes: int, gpus_per_node: int | None) -> int | None:
    """GPUs that a job's `--gpu` gives it; None if unknown.

    ':' separates ranks, ',' separates threads; the leader takes none, and a short list is
    repeated over the followers, machine after machine (3dem/relion #156). An empty list
    leaves every GPU to RELION.

    Args:
        gpu_ids: For example "0:1:2:3", "10:11" or "0,1,2,3".
        ranks: MPI ranks, the leader counted; 1 is no MPI.
        nodes: Machines.
        gpus_per_node: GPUs of each; None when unknown.
    """
    followers = max(ranks - 1, 1)
    if not gpu_ids.strip():
        if gpus_per_node is None:
            return None
        return min(nodes * gpus_per_node, followers) if ranks > 1 else gpus_per_node
    lists = [one.split(",") for one in gpu_ids.strip().strip('"').split(":")]
    used = set()
    for follower in range(followers):
        node = follower * nodes // followers
        for gpu in lists[follower % len(lists)]:
            if not gpu.strip().isdecimal():
                return None
            used.add((node, int(gpu)))
    return len(used)
