"""Names that follow from the platform file, without any look-up."""

from __future__ import annotations

BOUNDARY = "gotocloud-boundary"
"""Managed policy that bounds every role we create, one in each account."""

SCIENTIST_ROLE = "gotocloud-scientist"
"""Role that a scientist assumes with MFA; may launch published templates, no more."""

CLUSTER_SERVICE_ROLE = "gotocloud-cluster-service"
"""Role that CloudFormation uses to create projects and clusters."""

CLUSTER_GUARD = "gotocloud-cluster-guard"
"""Managed policy with which a head node pauses its own cluster, and can do no more."""

METHOD = "cryoem"
"""Value of the tag `gtc:method` (Supplementary Table S4 of the paper)."""

FORWARDING_DOCUMENT = "AWS-StartPortForwardingSession"
SESSION_DOCUMENTS = (FORWARDING_DOCUMENT, "SSM-SessionManagerRunShell")
"""Session Manager's documents for a tunnel and for a shell."""

COMMAND_DOCUMENT = "AWS-RunShellScript"
"""Systems Manager's document for a command on a head node."""

RELEASES_PREFIX = "releases"
"""Key prefix of everything published in the distribution bucket."""


def distribution_bucket(management_account: str, home_region: str) -> str:
    """Bucket of published templates and node scripts."""
    return f"gotocloud-{management_account}-{home_region}-distribution"


def releases_url(
    management_account: str, home_region: str, url_suffix: str = "amazonaws.com"
) -> str:
    """URL under which every published template lies; scientists launch from nowhere else."""
    bucket = distribution_bucket(management_account, home_region)
    return f"https://{bucket}.s3.{home_region}.{url_suffix}/{RELEASES_PREFIX}/"


def release_key(version: str, path: str) -> str:
    """Key of one published file, for example `releases/0.1.0/project.template.json`."""
    return f"{RELEASES_PREFIX}/{version}/{path}"


def acceptor_role(chunk: int) -> str:
    """Role that accepts peerings for one chunk of groups."""
    return f"gotocloud-peering-acceptor-{chunk:02d}"
