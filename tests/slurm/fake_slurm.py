"""Slurm's commands for tests without a Slurm: small programs that answer from files."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SINFO = """\
refine3d|2|96|373555|gpu:t4:8|dynamic,g4dn.metal,g4dn-metal,efa,gpu|EXCLUSIVE
refine3d-spot|2|96|373555|gpu:t4:8|dynamic,g4dn.metal,g4dn-metal,efa,gpu|EXCLUSIVE
class3d|8|48|186777|gpu:a10g:4|dynamic,g5.12xlarge,g5-12xlarge,efa,gpu|EXCLUSIVE
class3d-spot|8|48|186777|gpu:a10g:4|dynamic,g5.12xlarge,g5-12xlarge,efa,gpu|EXCLUSIVE
class2d|8|48|186777|gpu:t4:4|dynamic,g4dn.12xlarge,g4dn-12xlarge,efa,gpu|EXCLUSIVE
class2d-spot|8|48|186777|gpu:t4:4|dynamic,g4dn.12xlarge,g4dn-12xlarge,efa,gpu|EXCLUSIVE
prep-cpu|4|192|373555|(null)|dynamic,c7i.48xlarge,c7i-48xlarge,efa|EXCLUSIVE
prep-cpu-spot|4|192|373555|(null)|dynamic,c7i.48xlarge,c7i-48xlarge,efa|EXCLUSIVE
"""

PROGRAM = """\
#!{python} -S
import json, os, pathlib, sys
root = pathlib.Path({root!r})
tool, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
with (root / "calls").open("a") as calls:
    calls.write(json.dumps([tool, *words]) + "\\n")
jobs = json.loads((root / "jobs.json").read_text())
trouble = json.loads((root / "trouble.json").read_text())
def store():
    (root / "jobs.json").write_text(json.dumps(jobs))
def fail(text):
    sys.stderr.write(text + "\\n")
    sys.exit(1)
if trouble.get(tool) == "down":
    fail(f"{{tool}}: error: Unable to contact slurm controller (connect failure)")
if trouble.get(tool) == "refuse":
    fail("sbatch: error: Batch job submission failed: Invalid partition name specified")
if tool == "sbatch":
    script = pathlib.Path(words[-1]).read_text()
    lines = [l[len("#SBATCH "):] for l in script.splitlines() if l.startswith("#SBATCH ")]
    given = dict(l.lstrip("-").partition("=")[::2] for l in [*lines, *words[:-1]])
    number = str(len(jobs) + 1)
    jobs[number] = {{"JobState": "PENDING", "comment": given["comment"], "work": given["chdir"],
                    "partition": given["partition"], "name": given["job-name"],
                    "dependency": given.get("dependency", "")}}
    store()
    if trouble.get(tool) == "answer lost":
        fail("sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received")
    if trouble.get(tool) == "killed":
        os.kill(os.getppid(), 9)
    print(number)
elif tool == "squeue":
    form = [w for w in words if w.startswith("--format=")][0][len("--format="):]
    for number, job in jobs.items():
        line = form.replace("%i", number).replace("%k", job["comment"])
        print(line.replace("%j", job["name"]).replace("%Z", job["work"]))
elif tool == "sinfo":
    print("" if "--Node" in words else {sinfo!r})
elif tool == "scontrol" and words[:3] == ["--oneliner", "show", "job"]:
    if words[3] not in jobs:
        fail("slurm_load_jobs error: Invalid job id specified")
    print(f"JobId={{words[3]}} JobState={{jobs[words[3]]['JobState']}} Reason=None Restarts=0")
elif tool == "scancel":
    jobs[words[-1]]["JobState"] = "CANCELLED"
    store()
elif tool == "sacct":
    fail("Slurm accounting storage is disabled")
"""


@dataclass
class FakeSlurm:
    """What the pretended Slurm holds."""

    root: Path

    def trouble(self, **tools: str) -> None:
        """Make tools fail: "down", "refuse", "answer lost" or "killed"."""
        (self.root / "trouble.json").write_text(json.dumps(tools))

    @property
    def jobs(self) -> dict[str, dict[str, str]]:
        """Jobs by id."""
        read: dict[str, dict[str, str]] = json.loads((self.root / "jobs.json").read_text())
        return read

    def set_state(self, identifier: str, state: str) -> None:
        """Let a job be in a state of Slurm's; an empty one lets Slurm forget it."""
        jobs = self.jobs
        if state:
            jobs[identifier]["JobState"] = state
        else:
            del jobs[identifier]
        (self.root / "jobs.json").write_text(json.dumps(jobs))

    @property
    def calls(self) -> list[list[str]]:
        """Every call, oldest first."""
        return [json.loads(line) for line in (self.root / "calls").read_text().splitlines()]


def install(root: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """Put the pretended commands on PATH, and the facts of a cluster in us-east-1."""
    root.mkdir(exist_ok=True)
    text = PROGRAM.format(python=sys.executable, root=str(root), sinfo=SINFO)
    for tool in ("sbatch", "squeue", "sinfo", "scontrol", "scancel", "sacct"):
        program = root / tool
        program.write_text(text)
        program.chmod(0o755)
    (root / "jobs.json").write_text("{}")
    (root / "trouble.json").write_text("{}")
    (root / "calls").touch()
    facts = root / "cluster.json"
    facts.write_text(json.dumps({"region": "us-east-1", "software": str(root / "efs")}))
    monkeypatch.setenv("PATH", f"{root}:{os.environ['PATH']}")
    monkeypatch.setenv("GOTOCLOUD_CLUSTER_FACTS", str(facts))
    for name in ("SLURM_JOB_ID", "SLURM_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)
    return FakeSlurm(root)
