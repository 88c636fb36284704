"""The facts of a cluster on its head node: a small file that its configuration writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gotocloud.contract.head_node import FACT_KEYS, FACTS_FILE, FACTS_VARIABLE, ClusterFacts
from gotocloud.errors import GoToCloudError
from gotocloud.formats import parse_json


def facts_path(environment: Mapping[str, str] | None = None) -> Path:
    """Where the facts are: as set in the environment, else /etc/gotocloud/cluster.json."""
    given = (os.environ if environment is None else environment).get(FACTS_VARIABLE)
    return Path(given or FACTS_FILE)


def cluster_facts(path: Path | None = None) -> ClusterFacts:
    """The facts of this cluster.

    Raises:
        GoToCloudError: if there are none, or they cannot be read.
    """
    path = path or facts_path()
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
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
    return ClusterFacts(**{key: str(content[key]) for key in FACT_KEYS if key in content})


def known_facts(path: Path | None = None) -> ClusterFacts:
    """The facts as far as they are known: without a file nothing but the usual mounts."""
    try:
        return cluster_facts(path)
    except GoToCloudError:
        return ClusterFacts()
