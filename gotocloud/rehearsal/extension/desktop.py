"""A stand-in for the script with which ParallelCluster opens the desktop of a head node.

`gotocloud connect` runs it there. The port is closed, because no DCV runs behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gotocloud.contract.ports import DESKTOP_PORT
from gotocloud.projects.desktop_access import DCV_SCRIPT
from local_aws.nodes import Node

SCRIPT = f"""#!/bin/sh
# Stands in for ParallelCluster's script of the same name, which prints such a line.
token=$(tr -dc A-Za-z0-9 </dev/urandom | head -c 32)
echo "PclusterDcvServerPort={DESKTOP_PORT} PclusterDcvSessionId=$(id -un)" \\
    "PclusterDcvSessionToken=$token"
"""


def put_script(node: Node, configuration: Mapping[str, Any]) -> None:
    """Give a head node the script, where its configuration enables DCV."""
    if configuration.get("HeadNode", {}).get("Dcv", {}).get("Enabled"):
        node.install(DCV_SCRIPT, SCRIPT)
