"""The machine images that the local AWS offers: ParallelCluster's official ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from gotocloud.cluster_configs.renderer import PCLUSTER_VERSION

AMAZON = "247102896272"
"""Account of AWS's official ParallelCluster images (any would do locally)."""

_OS_PARTS = (
    "amzn2023-hvm",
    "ubuntu-2204-lts-hvm",
    "ubuntu-2404-lts-hvm",
    "rhel8-hvm",
    "rhel9-hvm",
    "rocky8-hvm",
    "rocky9-hvm",
)
_ARCHITECTURES = ("x86_64", "arm64")
_STAMP = "202607010000"


def write_images(state_dir: Path) -> Path:
    """Write the list that moto loads into every region, and return its path."""
    state_dir.mkdir(parents=True, exist_ok=True)
    path = state_dir / "images.json"
    path.write_text(
        json.dumps([_parallelcluster(os, cpu) for os in _OS_PARTS for cpu in _ARCHITECTURES])
    )
    return path.resolve()


def _parallelcluster(os_part: str, architecture: str) -> dict[str, object]:
    name = f"aws-parallelcluster-{PCLUSTER_VERSION}-{os_part}-{architecture}-{_STAMP}"
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
