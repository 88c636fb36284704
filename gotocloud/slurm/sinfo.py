"""The partitions of the running Slurm, from `sinfo`."""

from __future__ import annotations

import re

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.limits import SPOT_SUFFIX
from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import GoToCloudError
from gotocloud.printed import lines_of

SINFO_FORMAT = "%R|%D|%c|%m|%G|%f|%h"
"""Partition, nodes, CPUs, memory in MiB, GPUs, features and whether jobs share nodes."""

SINFO_OPTIONS = ("--exact",)
"""Nodes that differ get lines of their own instead of the smallest figure with a plus sign:
https://slurm.schedmd.com/sinfo.html (--exact)."""

_FIELDS = 7
_GPU = re.compile(r"gpu(?::[^:,()]+)?:(\d{1,9})")
_INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*[0-9][a-z0-9-]*\.[a-z0-9-]+")


def parse_sinfo(text: str) -> tuple[Partition, ...]:
    """The partitions in Slurm's order.

    Nodes name their instance type among their features, as ParallelCluster writes them; what
    EC2 lists for that type counts, so that the memory that Slurm holds back does not matter. A
    partition with nodes of several types is taken for the one it has most of.

    Args:
        text: The output of `sinfo --noheader` in `SINFO_FORMAT` with `SINFO_OPTIONS`.

    Raises:
        GoToCloudError: if a line is not of that format.
    """
    found: dict[str, Partition] = {}
    for line in lines_of(text):
        if not line.strip():
            continue
        one = _partition(line)
        earlier = found.get(one.name)
        if earlier is None or one.max_nodes > earlier.max_nodes:
            found[one.name] = one
    return tuple(found.values())


def _partition(line: str) -> Partition:
    fields = [field.strip() for field in line.split("|")]
    if len(fields) != _FIELDS or not all(re.fullmatch(r"\d{1,9}", f) for f in fields[1:4]):
        raise GoToCloudError(
            f"sinfo printed {line!r}, which is not in the requested format ({SINFO_FORMAT}).",
            next_command="sinfo --version",
        )
    name, nodes, cpus, memory_mib, gres, features, shared = fields
    instance_type = _instance_type(features.split(","))
    machine = instance_types().get(instance_type)
    return Partition(
        name=name,
        instance_type=instance_type,
        max_nodes=int(nodes),
        vcpus=int(cpus),
        memory_gib=machine.memory_gib if machine else int(memory_mib) / 1024,
        gpus=sum(int(count) for count in _GPU.findall(gres)),
        gpu_memory_gib=machine.gpu_memory_gib if machine else None,
        spot=name.endswith(SPOT_SUFFIX),
        exclusive=shared == "EXCLUSIVE",
    )


def _instance_type(features: list[str]) -> str:
    listed = [feature for feature in features if feature in instance_types()]
    alike = [feature for feature in features if _INSTANCE_TYPE.fullmatch(feature)]
    return next(iter(listed or alike), "")
