"""The versions of AWS ParallelCluster that GoToCloud can work with.

A version is a value that is passed along: to the renderer, the constructs, the rehearsal and
ParallelCluster's validators. To add one, add an entry to `ENGINES`; nothing else names a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gotocloud.errors import unknown_name


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
    """

    version: str
    image_name_parts: Mapping[str, str]
    max_queues: int
    max_compute_resources: int
    max_name_characters: int
    max_cluster_name_characters: int
    max_cluster_name_characters_with_accounting: int
    max_tags: int

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


_ALL = (
    # Source: aws-parallelcluster 3.16.1, pcluster/constants.py: OS_TO_IMAGE_NAME_PART_MAP,
    # MAX_NUMBER_OF_QUEUES, MAX_NUMBER_OF_COMPUTE_RESOURCES_PER_CLUSTER, MAX_TAGS_COUNT,
    # PCLUSTER_NAME_MAX_LENGTH and …_SLURM_ACCOUNTING; NAME_MAX_LENGTH of its validators.
    Engine(
        version="3.16.1",
        image_name_parts=MappingProxyType(
            {
                "alinux2023": "amzn2023-hvm",
                "ubuntu2204": "ubuntu-2204-lts-hvm",
                "ubuntu2404": "ubuntu-2404-lts-hvm",
                "rhel8": "rhel8-hvm",
                "rhel9": "rhel9-hvm",
                "rocky8": "rocky8-hvm",
                "rocky9": "rocky9-hvm",
            }
        ),
        max_queues=50,
        max_compute_resources=50,
        max_name_characters=25,
        max_cluster_name_characters=60,
        max_cluster_name_characters_with_accounting=40,
        max_tags=40,
    ),
)

ENGINES: Mapping[str, Engine] = MappingProxyType({one.version: one for one in _ALL})
"""Every version that can be used, newest first."""

DEFAULT_VERSION = _ALL[0].version
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
