"""The machine images that the local AWS offers: ParallelCluster's official ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gotocloud.cluster_configs.engine import Engine

AMAZON = "247102896272"
"""Account of AWS's official ParallelCluster images (any would do locally)."""

_ARCHITECTURES = ("x86_64", "arm64")
_STAMP = "202607010000"


def parallelcluster_images(engines: Iterable[Engine]) -> list[dict[str, object]]:
    """One image of every system and architecture.

    Args:
        engines: The versions of ParallelCluster whose images are offered.
    """
    return [
        _parallelcluster(engine, operating_system, cpu)
        for engine in engines
        for operating_system in engine.image_name_parts
        for cpu in _ARCHITECTURES
    ]


def _parallelcluster(engine: Engine, operating_system: str, architecture: str) -> dict[str, object]:
    name = f"{engine.image_name_prefix(operating_system, architecture)}-{_STAMP}"
    return {
        "ami_id": f"ami-{hashlib.sha256(name.encode()).hexdigest()[:17]}",
        "architecture": architecture,
        "creation_date": "2026-07-01T00:00:00.000Z",
        "description": f"AWS ParallelCluster AMI {name}",
        "hypervisor": "xen",
        "image_location": f"amazon/{name}",
        "image_type": "machine",
        "name": name,
        "owner_id": AMAZON,
        "platform": None,
        "public": True,
        "root_device_name": "/dev/sda1",
        "root_device_type": "ebs",
        "sriov": "simple",
        "state": "available",
        "virtualization_type": "hvm",
    }
