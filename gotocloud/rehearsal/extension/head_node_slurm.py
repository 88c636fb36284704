"""Slurm on rehearsed head nodes: its commands, and the file that they show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gotocloud.rehearsal.extension import slurm_commands
from local_aws.nodes import NODES, Isolation, Node, isolation

FOLDER = "opt/slurm"
STATE = f"{FOLDER}/etc/rehearsal.json"
COMMANDS = ("squeue", "sinfo", "scontrol", "scancel")


def put_commands(node: Node) -> None:
    """Give a node Slurm's commands; only login shells find them by name, as on AWS."""
    text = Path(slurm_commands.__file__).read_text()
    for name in COMMANDS:
        node.install(f"/{FOLDER}/bin/{name}", f"#!/usr/bin/env python3\n{text}")
    if isolation() is Isolation.REWRITTEN:
        # Programs of ours that look at a whole machine look at this folder instead.
        node.environment["GOTOCLOUD_ROOT"] = str(node.root)
    (node.root / FOLDER / "etc").mkdir()
    (node.root / "etc/profile.d/slurm.sh").write_text("PATH=$PATH:/opt/slurm/bin\nexport PATH\n")


def set_state(instance: str, state: dict[str, Any]) -> dict[str, Any]:
    """Set what Slurm of a head node shows.

    Raises:
        ValueError: if the instance is no head node.
    """
    node = NODES.get(instance)
    if node is None:
        raise ValueError(f"{instance} is no head node.")
    (node.root / STATE).write_text(json.dumps(state))
    return state
