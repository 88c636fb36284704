"""Which rank works on which GPU, as RELION decides it.

Source: 3dem/relion, `MlOptimiserMpi::initialise`, `MlOptimiser::initialise` and
`untangleDeviceIDs` of the tags 3.1.3, 4.0.1 and 5.0.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gotocloud.relion.spreading import spread

IDS = re.compile(r"\d{1,3}(,\d{1,3})*(:\d{1,3}(,\d{1,3})*)*")
"""What RELION understands: device numbers, ',' between threads, ':' between followers."""


@dataclass(frozen=True)
class GpuMap:
    """Who uses what.

    Args:
        users: (machine, device) -> followers on it; without MPI the only process is 0.
        machines: How many machines there are.
        gpus_per_machine: GPUs of each.
    """

    users: Mapping[tuple[int, int], frozenset[int]]
    machines: int
    gpus_per_machine: int

    @property
    def idle(self) -> int:
        """GPUs that no rank uses."""
        used = sum(device < self.gpus_per_machine for _, device in self.users)
        return self.machines * self.gpus_per_machine - used

    @property
    def missing(self) -> tuple[int, ...]:
        """Devices that are named but not there, sorted."""
        return tuple(sorted({one for _, one in self.users if one >= self.gpus_per_machine}))

    @property
    def most_followers(self) -> int:
        """Followers on the fullest GPU."""
        return max((len(followers) for followers in self.users.values()), default=0)

    @property
    def fewest_followers(self) -> int:
        """Followers on the emptiest GPU that is used."""
        return min((len(followers) for followers in self.users.values()), default=0)


def device_lists(gpu_ids: str) -> tuple[tuple[int, ...], ...]:
    """The devices of each follower; empty where RELION would map them itself."""
    if not IDS.fullmatch(gpu_ids):
        return ()
    return tuple(tuple(int(one) for one in part.split(",")) for part in gpu_ids.split(":"))


def gpu_map(
    gpu_ids: str, threads: int, ranks_of: Sequence[int], gpus: int, *, leader: bool = True
) -> GpuMap:
    """Map ranks and their threads to devices.

    Args:
        gpu_ids: RELION's "Which GPUs to use".
        threads: Threads of each rank.
        ranks_of: Ranks of each machine, in order. One rank in all is the program without
            MPI, which has no leader.
        gpus: GPUs of each machine.
        leader: Whether the first rank takes no GPU, as in `relion_refine`. Without one every
            rank takes the whole of its entry, or device `rank % gpus`, as the programs do
            that pick particles or start MotionCor2 or AreTomo (5.0.1,
            motioncorr_runner.cpp:632, autopicker_mpi.cpp:54).
    """
    lists = device_lists(gpu_ids)
    users: dict[tuple[int, int], set[int]] = {}
    for machine, follower, position, beside in _workers(ranks_of, leader=leader):
        if not leader:
            devices = set(lists[follower % len(lists)]) if lists else {follower % max(1, gpus)}
        elif lists:
            # Lists shorter than the followers repeat over all of them, not by machine.
            devices = set(lists[(max(follower, 1) - 1) % len(lists)][:threads])
        else:
            devices = _mapped(position * threads, threads, beside * threads, gpus)
        for device in devices:
            users.setdefault((machine, device), set()).add(follower)
    return GpuMap(
        users=MappingProxyType({place: frozenset(who) for place, who in users.items()}),
        machines=len(ranks_of),
        gpus_per_machine=gpus,
    )


def gpus_used(
    gpu_ids: str, shape: tuple[int, int, int], gpus_per_machine: int | None, *, leader: bool
) -> int | None:
    """GPUs that a job used, from its settings; None if unknown.

    Args:
        gpu_ids: RELION's "Which GPUs to use".
        shape: Machines, MPI ranks, threads of a rank.
        gpus_per_machine: GPUs of each machine; None if unknown.
        leader: Whether the first rank takes no GPU.
    """
    lists, (machines, ranks, threads) = device_lists(gpu_ids), shape
    if (gpu_ids and not lists) or (not gpu_ids and gpus_per_machine is None):
        return None
    layout = spread(ranks, machines, idle_leader=leader and ranks > 1)
    return len(gpu_map(gpu_ids, threads, layout, gpus_per_machine or 0, leader=leader).users)


def _mapped(first: int, threads: int, of_threads: int, gpus: int) -> set[int]:
    """Devices of a follower's threads when RELION shares GPUs out among all threads."""
    if threads >= gpus:
        # No device is skipped then, however many threads there are.
        last = gpus * (first + threads - 1) // of_threads
        return set(range(gpus * first // of_threads, last + 1))
    return {gpus * (first + thread) // of_threads for thread in range(threads)}


def _workers(ranks_of: Sequence[int], *, leader: bool) -> list[tuple[int, int, int, int]]:
    """Machine, rank, position among the machine's working ranks and how many these are."""
    if sum(ranks_of) == 1:
        return [(0, 0, 0, 1)]
    first = 1 if leader else 0
    found = []
    rank = 0
    for machine, ranks in enumerate(ranks_of):
        own = [one for one in range(rank, rank + ranks) if one >= first]
        rank += ranks
        found += [(machine, one, (one - first) % len(own), len(own)) for one in own]
    return found
