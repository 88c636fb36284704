"""Which follower works on which GPU, as `relion_refine` decides it.

Source: 3dem/relion, `MlOptimiserMpi::initialise`, `MlOptimiser::initialise` and
`untangleDeviceIDs` of the tags 3.1.3, 4.0.1 and 5.0.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

IDS = re.compile(r"\d+(,\d+)*(:\d+(,\d+)*)*")
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


def gpu_map(gpu_ids: str, threads: int, ranks_of: Sequence[int], gpus: int) -> GpuMap:
    """Map the followers' threads to devices.

    Args:
        gpu_ids: RELION's "Which GPUs to use".
        threads: Threads of each rank.
        ranks_of: Ranks of each machine, in order; the first rank is the leader. One rank in
            all is the program without MPI, which has no leader.
        gpus: GPUs of each machine.
    """
    lists = device_lists(gpu_ids)
    users: dict[tuple[int, int], set[int]] = {}
    for machine, follower, position, beside in _followers(ranks_of):
        if lists:
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


def _mapped(first: int, threads: int, of_threads: int, gpus: int) -> set[int]:
    """Devices of a follower's threads when RELION shares GPUs out among all threads."""
    if threads >= gpus:
        # No device is skipped then, however many threads there are.
        last = gpus * (first + threads - 1) // of_threads
        return set(range(gpus * first // of_threads, last + 1))
    return {gpus * (first + thread) // of_threads for thread in range(threads)}


def _followers(ranks_of: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Machine, rank, position among the machine's followers and how many these are."""
    if sum(ranks_of) == 1:
        return [(0, 0, 0, 1)]
    found = []
    rank = 0
    for machine, ranks in enumerate(ranks_of):
        own = [one for one in range(rank, rank + ranks) if one > 0]
        rank += ranks
        found += [(machine, one, (one - 1) % len(own), len(own)) for one in own]
    return found
