"""The facts about a group that its account keeps in SSM parameters.

`UserStack` writes them, the project and cluster templates take them as parameters at launch, and
the command line reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

PREFIX = "/gotocloud"

NO_NETWORKS = "none"
"""Value of `DESKTOP_NETWORKS` without any; SSM takes no empty text."""

ANY_RELEASE = "any"
"""Value of `RELEASES_APPROVED` where every published release may be launched."""


class Fact(StrEnum):
    """Names of the SSM parameters under `/gotocloud/`."""

    GROUP = f"{PREFIX}/group"
    REGIONS = f"{PREFIX}/regions"
    RELEASES_BUCKET = f"{PREFIX}/releases/bucket"
    RELEASES_URL = f"{PREFIX}/releases/url"
    RELEASES_APPROVED = f"{PREFIX}/releases/approved"
    VPC_ID = f"{PREFIX}/network/vpc-id"
    VPC_CIDR = f"{PREFIX}/network/vpc-cidr"
    ZONE_ID = f"{PREFIX}/network/zone-id"
    PUBLIC_SUBNET_ID = f"{PREFIX}/network/public-subnet-id"
    S3_ENDPOINT_ID = f"{PREFIX}/network/s3-endpoint-id"
    DYNAMODB_ENDPOINT_ID = f"{PREFIX}/network/dynamodb-endpoint-id"
    DESKTOP_NETWORKS = f"{PREFIX}/network/desktop-networks"
    PEERING_ID = f"{PREFIX}/network/peering-id"
    SHARE_CIDR = f"{PREFIX}/network/share-cidr"
    SOFTWARE_FILE_SYSTEM_ID = f"{PREFIX}/software/file-system-id"
    SOFTWARE_MOUNT_TARGETS = f"{PREFIX}/software/mount-targets"
    BOUNDARY_ARN = f"{PREFIX}/iam/permissions-boundary-arn"
    CLUSTER_SERVICE_ROLE_ARN = f"{PREFIX}/iam/cluster-service-role-arn"
    CLUSTER_GUARD_ARN = f"{PREFIX}/iam/cluster-guard-arn"
    PROVIDER_TOKEN = f"{PREFIX}/cluster/provider-token"

    @property
    def parameter(self) -> str:
        """Parameter of a launched template that takes this fact, for example `VpcId`."""
        return "".join(word.capitalize() for word in self.name.split("_"))


FACTS_FOR_PEOPLE = frozenset({Fact.S3_ENDPOINT_ID, Fact.DYNAMODB_ENDPOINT_ID})
"""Facts that neither a template nor a program reads: they are for people."""


def approved_text(releases: Mapping[str, str]) -> str:
    """Approved releases as their fact keeps them.

    Args:
        releases: SHA-256 of each release's manifest, by version.
    """
    return ",".join(f"{version}={digest}" for version, digest in releases.items()) or ANY_RELEASE


def read_approved(text: str) -> dict[str, str]:
    """SHA-256 of each approved release's manifest, by version; empty where any may be launched."""
    if text == ANY_RELEASE:
        return {}
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)
