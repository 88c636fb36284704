"""Ranks over machines, and GPUs over ranks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def spread(ranks: int, nodes: int, *, idle_leader: bool) -> tuple[int, ...]:
    """Ranks of each machine: the working ones evenly, an idle leader on the first."""
    leader = 1 if idle_leader else 0
    share, extra = divmod(ranks - leader, nodes)
    even = [share + (1 if index < extra else 0) for index in range(nodes)]
    even[0] += leader
    return tuple(one for one in even if one)


def gpu_for_each(layout: Sequence[int], gpus: int) -> str:
    """A list with a GPU for every rank, the first one too."""
    return ":".join(str(rank % gpus) for count in layout for rank in range(count))


def gpu_list(layout: Sequence[int], gpus: int, *, idle_leader: bool) -> str:
    """RELION's `--gpu` for ranks in blocks: every GPU of every machine gets its share.

    RELION counts only followers and repeats a short list over them, so one machine's list
    does for all of them, if each has the same number of followers. Where memory allows fewer
    followers than a machine has GPUs, a follower's threads share several (5.0.1,
    ml_optimiser_mpi.cpp:285).

    Args:
        layout: Ranks of each machine.
        gpus: GPUs of a machine.
        idle_leader: Whether the first rank takes no GPU. False with a single rank, whose
            threads spread over the GPUs instead.
    """
    if sum(layout) == 1:
        return ",".join(str(gpu) for gpu in range(gpus))
    workers = [
        count - (1 if idle_leader and not index else 0) for index, count in enumerate(layout)
    ]
    lists = [_entries(count, gpus) for count in workers]
    if len({len(one) for one in lists}) == 1:
        first = lists[0]
        whole_rounds = len(first) % gpus == 0
        return ":".join(first[:gpus] if whole_rounds else first)
    return ":".join(gpu for one in lists for gpu in one)


def _entries(workers: int, gpus: int) -> list[str]:
    """The GPUs of each follower of a machine."""
    if workers >= gpus:
        return [str(rank % gpus) for rank in range(workers)]
    bounds = [gpus * rank // workers for rank in range(workers + 1)] if workers else []
    return [",".join(map(str, range(*pair))) for pair in pairwise(bounds)]
