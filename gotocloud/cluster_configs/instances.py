"""The few facts about EC2 instance types that rendering needs."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from gotocloud.printed import lines_of


@dataclass(frozen=True)
class InstanceType:
    """One row of `instance_types.csv`, which names its source and date.

    Args:
        name: EC2's name, for example "g4dn.metal".
        vcpus: Virtual CPUs, hyper-threads counted.
        cores: Physical cores: where they are as many as vCPUs, the type has no hyper-threads.
        memory_gib: Main memory.
        gpus: Graphics processors.
        gpu_memory_gib: Memory of one of them; None without a GPU.
        efa: Whether it has an Elastic Fabric Adapter.
    """

    name: str
    vcpus: int
    cores: int
    memory_gib: int
    gpus: int
    gpu_memory_gib: float | None
    efa: bool


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Every instance type that a configuration may name, or `advise` compares by its price."""
    text = files(__package__).joinpath("instance_types.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in lines_of(text) if not line.startswith("#"))
    return MappingProxyType(
        {
            row["instance_type"]: InstanceType(
                name=row["instance_type"],
                vcpus=int(row["vcpus"]),
                cores=int(row["cores"]),
                memory_gib=int(row["memory_gib"]),
                gpus=int(row["gpus"]),
                gpu_memory_gib=float(row["gpu_memory_gib"]) if row["gpu_memory_gib"] else None,
                efa=row["efa"] == "yes",
            )
            for row in rows
        }
    )
