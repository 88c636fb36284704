"""A project whose head node has an idle guard, and a clock that a test can advance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gotocloud.aws.cloud import StandardCloud
from gotocloud.aws.head_node import HeadNode
from gotocloud.cli import main
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.cluster_configs.packed import packed
from tests.cli.local_project import LocalProject

DESKTOP = '#!/bin/sh\necho \'[{"id": "s", "num-of-connections": 1}]\'\n'
LONGEST_STEP_MINUTES = 15


def facts(project: LocalProject) -> dict[str, Any]:
    """What the head node's script writes."""
    return {
        "cluster": project.names.cluster,
        "project": project.names.project,
        "scientist": project.names.scientist,
        "region": project.stacks.region,
        "configuration": "tutorial",
        "described": packed(load_configuration("tutorial")),
        "release": "1.0.0",
        "bucket": project.names.bucket,
        "stack": project.names.cluster_stack,
        "software": "/efs",
        "lustre": "/fsx",
        "capacity": "on-demand",
        "keep_hours": 0,
    }


@dataclass(frozen=True)
class GuardedProject:
    """A project with a guard that a test lets look.

    Args:
        memory_file: Where the guard remembers.
    """

    project: LocalProject
    memory_file: Path

    @staticmethod
    def of(project: LocalProject, folder: Path, monkeypatch: pytest.MonkeyPatch) -> GuardedProject:
        """Let the guard run here, with its commands running on the project's head node."""
        told = folder / f"{project.names.cluster}.json"
        told.write_text(json.dumps(facts(project)))
        monkeypatch.setenv("GOTOCLOUD_CLUSTER_FACTS", str(told))
        monkeypatch.setattr(
            "gotocloud.aws.local_node.LocalNode",
            lambda: HeadNode(StandardCloud(), project.instance),
        )
        return GuardedProject(project, folder / f"{project.names.cluster}-memory.json")

    @property
    def arguments(self) -> list[str]:
        return ["guard", "--memory", str(self.memory_file)]

    @property
    def memory(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.memory_file.read_text())
        return found

    def look(self, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        """Let it look; returns what it reports."""
        capsys.readouterr()
        main.app([*self.arguments, "--json"], standalone_mode=False, prog_name="gotocloud")
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    def later(self, minutes: float) -> None:
        """Let time pass; the last look is never so long ago that it would not count."""
        memory = self.memory
        aged = {"last": min(minutes, LONGEST_STEP_MINUTES)} | dict.fromkeys(
            ("idle_since_s", "warned_s", "retry_s"), minutes
        )
        for key, by in aged.items():
            if key == "last" and memory["last"]:
                memory["last"]["at_s"] -= by * 60
            elif key != "last" and memory[key]:
                memory[key] -= by * 60
        self.memory_file.write_text(json.dumps(memory))

    def about_to_pause(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Let it be idle, be warned, and let the time pass until the next look pauses."""
        for minutes in (95, 35):
            self.look(capsys)
            self.later(minutes)

    def has(self, program: str, text: str) -> None:
        """Put a program onto the head node."""
        path = self.project.control.node(self.project.instance) / "snap/bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def lost(self, program: str) -> None:
        """Take it away again."""
        path = self.project.control.node(self.project.instance) / "snap/bin" / program
        path.unlink()

    def ended(self) -> None:
        """Wait until CloudFormation is done."""
        cfn = self.project.stacks.cfn
        waiter = cfn.get_waiter("stack_delete_complete")
        waiter.wait(StackName=self.project.names.cluster_stack, WaiterConfig={"Delay": 1})

    def commands(self) -> list[str]:
        """What the head node was asked to do, in words."""
        ssm = self.project.stacks.client("ssm")
        listed = ssm.list_commands(InstanceId=self.project.instance)["Commands"]
        return [str(one["Comment"]) for one in listed]

    def queues(self) -> list[str]:
        """Whether the queues are open."""
        node = self.project.control.node(self.project.instance)
        state = json.loads((node / "opt/slurm/etc/rehearsal.json").read_text())
        return [str(one.get("avail", "up")) for one in state["partitions"]]

    def exports_by_itself(self) -> bool:
        """Whether files are exported as they are written."""
        found = self.project.stacks.client("fsx").describe_data_repository_associations(
            Filters=[{"Name": "file-system-id", "Values": [self.project.file_system]}]
        )["Associations"][0]
        events: Mapping[str, Any] = found["S3"].get("AutoExportPolicy") or {}
        return bool(events.get("Events"))

    def given_back(self) -> bool:
        """Whether the cluster works as if nobody had tried to pause it."""
        return self.project.running and self.queues() == ["up"] and self.exports_by_itself()
