"""What a head node knows of its cluster: a small file that its configuration writes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from gotocloud.errors import GoToCloudError

FACTS_VARIABLE = "GOTOCLOUD_CLUSTER_FACTS"
FACTS_FILE = Path("/etc/gotocloud/cluster.json")


@dataclass(frozen=True)
class ClusterFacts:
    """Where a cluster stands and whose it is; an empty string is not known.

    Args:
        cluster: Its name.
        project: The project that it belongs to.
        scientist: Whose project that is.
        region: AWS region.
        configuration: Cluster configuration, for example "cryoem-spa".
        release: GoToCloud release that launched it.
        bucket: The project's bucket.
        stack: Its CloudFormation stack.
        software: Where the shared software is mounted.
        lustre: Where the working file system is mounted.
        capacity: Where jobs go unless somebody says otherwise: "on-demand" or "spot", as
            `gotocloud start --spot` decided.
    """

    cluster: str = ""
    project: str = ""
    scientist: str = ""
    region: str = ""
    configuration: str = ""
    release: str = ""
    bucket: str = ""
    stack: str = ""
    software: str = "/efs"
    lustre: str = "/fsx"
    capacity: str = "on-demand"


def facts_path(environment: Mapping[str, str] | None = None) -> Path:
    """Where the facts are: as the environment says, else /etc/gotocloud/cluster.json."""
    given = (os.environ if environment is None else environment).get(FACTS_VARIABLE)
    return Path(given) if given else FACTS_FILE


def cluster_facts(path: Path | None = None) -> ClusterFacts:
    """The facts of this cluster.

    Raises:
        GoToCloudError: if there are none, or they cannot be read.
    """
    path = path or facts_path()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GoToCloudError(
            f"This machine is not the head node of a GoToCloud cluster: {path} does not exist.",
            next_command="gotocloud ssh",
        ) from error
    except (OSError, ValueError) as error:
        raise GoToCloudError(
            f"The facts of this cluster, {path}, cannot be read: {error}"
        ) from error
    if not isinstance(content, dict):
        raise GoToCloudError(f"The facts of this cluster, {path}, are not names with values.")
    known = {field.name for field in fields(ClusterFacts)}
    return ClusterFacts(**{key: str(value) for key, value in content.items() if key in known})


def known_facts(path: Path | None = None) -> ClusterFacts:
    """The facts as far as they are known: without a file nothing but the usual mounts."""
    try:
        return cluster_facts(path)
    except GoToCloudError:
        return ClusterFacts()
