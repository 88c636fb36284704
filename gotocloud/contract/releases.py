"""Published releases: the bucket, and where each file is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

PREFIX = "releases"
"""Key prefix of everything published in the distribution bucket."""

VERSION = "^[0-9A-Za-z][0-9A-Za-z.-]{0,31}$"
"""What a version may be: a part of URLs and of IAM's patterns, of 32 characters at most."""

MANIFEST = "manifest.json"
PROJECT_TEMPLATE = "project.template.json"
NODE_SCRIPTS = "node"
"""Folder of the scripts that nodes run."""

INSTALL = "install"
"""Folder of what scientists install: the wheel, and the hashes of it and of its libraries."""

MOUNT_SOFTWARE = f"{NODE_SCRIPTS}/mount-software.sh"
KEEP_HOME = f"{NODE_SCRIPTS}/home.py"
CONFIGURE_HEAD_NODE = f"{NODE_SCRIPTS}/configure-head-node.sh"

SCRIPT_DIGESTS = "GoToCloudNodeScripts"
"""Key in the metadata of a cluster's template: SHA-256 of each script that its nodes run.

For reviewers, and for `make_release`; launches compare scripts with the manifest."""

CONFIGURATION = "GoToCloudConfiguration"
"""Key in the metadata of a cluster's template: its cluster configuration, for reviewers."""

PROJECT_STACK_ID = "ProjectStack"
"""The CDK's id of the stack whose template is `PROJECT_TEMPLATE`."""


def distribution_bucket(management_account: str, home_region: str) -> str:
    """Bucket of published templates and node scripts."""
    return f"gotocloud-{management_account}-{home_region}-distribution"


def bucket_owner(bucket: str) -> str | None:
    """The account that a distribution bucket must belong to, by its name; None for another name.

    The name of a bucket is free for everybody once the bucket is deleted.
    """
    found = re.fullmatch(r"gotocloud-(\d{12})-.+-distribution", bucket)
    return found[1] if found else None


def releases_url(
    management_account: str, home_region: str, url_suffix: str = "amazonaws.com"
) -> str:
    """URL that begins the URL of every published template; IAM allows launches from no other."""
    bucket = distribution_bucket(management_account, home_region)
    return f"https://{bucket}.s3.{home_region}.{url_suffix}/{PREFIX}/"


def release_key(version: str, path: str) -> str:
    """Key of one published file, for example `releases/0.1.0/project.template.json`."""
    return f"{PREFIX}/{version}/{path}"


def cluster_template(configuration: str, region: str) -> str:
    """Path of a cluster template in a release."""
    return f"cluster/{configuration}/{region}.template.json"


def configuration_names(paths: Iterable[str], region: str) -> tuple[str, ...]:
    """Names of the cluster configurations that paths of a release have for a region, sorted."""
    found = (re.fullmatch(r"cluster/([^/]+)/([^/]+)\.template\.json", path) for path in paths)
    return tuple(sorted(one[1] for one in found if one and one[2] == region))


def cluster_stack_id(configuration: str, region: str) -> str:
    """The CDK's id of the stack whose template is `cluster_template`."""
    return f"ClusterStack-{configuration}-{region}"


def install_uri(bucket: str, version: str) -> str:
    """Where scientists copy from what they install."""
    return f"s3://{bucket}/{release_key(version, INSTALL)}/"
