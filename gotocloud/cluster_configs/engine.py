"""The versions of AWS ParallelCluster that GoToCloud can work with.

A version is a value that is passed along: to the renderer, the constructs, the rehearsal and
ParallelCluster's validators. Each has a file in `engines/`; nothing else names a version. To add
one, add its file, and `requirements-pcluster-VERSION.in` for its validators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from gotocloud.errors import unknown_name
from gotocloud.yaml_files import load_block

SUPPORT_POLICY = "https://docs.aws.amazon.com/parallelcluster/latest/ug/support-policy.html"
"""AWS's table of the last day of support of each version."""

SUPPORT_WARNING = timedelta(days=90)
"""How long before the end of support `gotocloud doctor` begins to warn."""


class EngineState(StrEnum):
    """What AWS does for a version."""

    NEWEST = "newest"
    SUPPORTED = "supported"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One version of ParallelCluster: where AWS publishes it, and what it accepts.

    Args:
        version: The full version; a cluster can be updated with exactly this one only.
        image_name_parts: Each operating system that it supports, as `Image/Os` names it, with
            the part that stands for it in the names of AWS's images.
        max_queues: Slurm queues of a cluster.
        max_compute_resources: Compute resources of a cluster.
        max_name_characters: Characters of the name of a queue or a compute resource.
        max_cluster_name_characters: Characters of the name of a cluster.
        max_cluster_name_characters_with_accounting: The same for a cluster with a Slurm database.
        max_tags: Tags of a cluster, those of its CloudFormation stack included.
        released: Day of its release.
        supported_until: Last day of AWS's support; None where it is not recorded.
        differs: What users of it notice, in sentences.
    """

    version: str
    image_name_parts: Mapping[str, str]
    max_queues: int
    max_compute_resources: int
    max_name_characters: int
    max_cluster_name_characters: int
    max_cluster_name_characters_with_accounting: int
    max_tags: int
    released: date
    supported_until: date | None
    differs: tuple[str, ...]

    def state(self, today: date, newest: str | None = None) -> EngineState:
        """Whether it is the newest, still supported, or ended.

        Args:
            newest: The newest version. Default: that of `ENGINES`.
        """
        if self.supported_until and self.supported_until < today:
            return EngineState.ENDED
        if self.version == (newest or DEFAULT_VERSION):
            return EngineState.NEWEST
        return EngineState.SUPPORTED

    def ends_soon(self, today: date) -> bool:
        """Whether support has ended or ends within `SUPPORT_WARNING`."""
        return self.supported_until is not None and self.supported_until - today < SUPPORT_WARNING

    def provider_template_url(self, region: str, url_suffix: str = "amazonaws.com") -> str:
        """URL of AWS's template of the custom resource's provider, in a region's own bucket.

        Source: https://docs.aws.amazon.com/parallelcluster/latest/ug/cloudformation-v3.html
        """
        return (
            f"https://{region}-aws-parallelcluster.s3.{region}.{url_suffix}/parallelcluster/"
            f"{self.version}/templates/custom_resource/cluster.yaml"
        )

    def image_name_prefix(self, operating_system: str, architecture: str) -> str:
        """Beginning of the names of AWS's images for an operating system.

        Source: `_get_official_image_name_prefix` in ParallelCluster's `pcluster/aws/ec2.py`.

        Args:
            operating_system: As `Image/Os` names it, for example "ubuntu2404".
            architecture: "x86_64" or "arm64".
        """
        part = self.image_name_parts[operating_system]
        return f"aws-parallelcluster-{self.version}-{part}-{architecture}"


def read_engine(text: str) -> Engine:
    """The engine that a file of `engines/` describes."""
    raw: dict[str, Any] = load_block(text, "A file of gotocloud/cluster_configs/engines").data
    parts = MappingProxyType(
        {str(name): str(part) for name, part in raw["image_name_parts"].items()}
    )
    return Engine(**{**raw, "image_name_parts": parts, "differs": tuple(raw["differs"])})


def _order(engine: Engine) -> tuple[int, ...]:
    return tuple(int(part) for part in engine.version.split("."))


def _all() -> Iterator[Engine]:
    for file in (files(__package__) / "engines").iterdir():
        if file.name.endswith(".yaml"):
            yield read_engine(file.read_text(encoding="utf-8"))


ENGINES: Mapping[str, Engine] = MappingProxyType(
    {one.version: one for one in sorted(_all(), key=_order, reverse=True)}
)
"""Every version that can be used, newest first."""

DEFAULT_VERSION = next(iter(ENGINES))
"""The version of a platform or a construct that names none."""


def engine_of(version: str | None = None) -> Engine:
    """The engine of a version.

    Args:
        version: Its full version. Default: the newest.

    Raises:
        InputError: if the version is not among `ENGINES`; the message lists those that are.
    """
    version = version or DEFAULT_VERSION
    if version not in ENGINES:
        raise unknown_name("ParallelCluster version", version, tuple(ENGINES))
    return ENGINES[version]
