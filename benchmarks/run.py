"""Measure how fast GoToCloud starts and synthesises, against what users know.

    make bench

Two commands are compared by running them in turn (A B A B …), so that a drift of the
machine's speed touches both; what counts is the ratio of the medians. Results go to the
terminal and to build/benchmarks.json.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
AWS_VENV = ROOT / "build" / "bench-venv"
EMPTY_APP = ROOT / "benchmarks" / "empty_cdk_app"
RUNS = 7


@dataclass(frozen=True)
class Comparison:
    """Our command against a known one; `aim` is the ratio that we want to stay below."""

    name: str
    ours: Sequence[str]
    other: Sequence[str]
    aim: float
    other_directory: Path = ROOT
    runs: int = RUNS


@dataclass(frozen=True)
class Measurement:
    """Median seconds of both commands, wall clock of the whole process."""

    name: str
    ours_s: float
    other_s: float
    aim: float

    @property
    def ratio(self) -> float:
        return self.ours_s / self.other_s


def comparisons(scratch: Path) -> list[Comparison]:
    """Every comparison of the project."""
    gotocloud = shutil.which("gotocloud") or "gotocloud"
    aws = str(AWS_VENV / "bin" / "aws")
    pcluster = str(ROOT / ".venv-pcluster" / "bin" / "pcluster")
    synth = ["cdk", "synth", "--quiet", "--output", str(scratch / "ours")]
    empty = ["cdk", "synth", "--quiet", "--output", str(scratch / "empty")]
    bare = [*empty, "--app", "python3 app.py without-validation"]
    one_group = [*synth, "UserStack", "-c", f"group={_first_group()}"]
    example = ["-c", "platform=platform.example.yaml"]
    return [
        Comparison(
            "--version / aws --version", [gotocloud, "--version"], [aws, "--version"], 1 / 3
        ),
        Comparison(
            "--version / pcluster version", [gotocloud, "--version"], [pcluster, "version"], 1 / 8
        ),
        Comparison("--help / aws --version", [gotocloud, "--help"], [aws, "--version"], 1 / 3),
        Comparison(
            "--help / pcluster version", [gotocloud, "--help"], [pcluster, "version"], 1 / 8
        ),
        *(
            Comparison(
                f"TAB after {line!r} / aws --version",
                ["env", *_tab(f"gotocloud {line} "), gotocloud],
                [aws, "--version"],
                1 / 3,
            )
            for line in ("start --config", "pause", "status --region")
        ),
        Comparison(
            "synth of one group / empty CDK app",
            [*one_group, *example],
            empty,
            1.5,
            other_directory=EMPTY_APP,
            runs=5,
        ),
        Comparison(
            "same, the empty app without validation",
            [*one_group, *example],
            bare,
            1.5,
            other_directory=EMPTY_APP,
            runs=5,
        ),
    ]


def _tab(line: str) -> list[str]:
    """What typer's script for Bash sets when TAB is typed after a line."""
    last = len(line.split(" ")) - 1
    return [f"COMP_WORDS={line}", f"COMP_CWORD={last}", "_GOTOCLOUD_COMPLETE=complete_bash"]


def _first_group() -> str:
    from gotocloud.platform.load import load_platform

    return load_platform(ROOT / "platform.example.yaml").groups[0].name


def seconds(command: Sequence[str], directory: Path) -> float:
    """Wall-clock seconds of one run of a command."""
    started = time.perf_counter()
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return time.perf_counter() - started


def measure(comparison: Comparison) -> Measurement:
    """Run both commands in turn, after one run of each that does not count."""
    seconds(comparison.ours, ROOT)
    seconds(comparison.other, comparison.other_directory)
    ours, other = [], []
    for _ in range(comparison.runs):
        ours.append(seconds(comparison.ours, ROOT))
        other.append(seconds(comparison.other, comparison.other_directory))
    return Measurement(
        comparison.name, statistics.median(ours), statistics.median(other), comparison.aim
    )


def install_aws_cli() -> None:
    """The AWS command line, in an environment of its own: its pins collide with ours."""
    if (AWS_VENV / "bin" / "aws").exists():
        return
    print("Installing the AWS command line to compare with ...", file=sys.stderr)
    venv.create(AWS_VENV, with_pip=True, clear=True)
    requirements = ROOT / "benchmarks" / "requirements.txt"
    pip = [str(AWS_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-r", str(requirements)], check=True)


def main() -> None:
    """Measure everything, print a table, write build/benchmarks.json."""
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    install_aws_cli()
    with tempfile.TemporaryDirectory() as scratch:
        results = [measure(comparison) for comparison in comparisons(Path(scratch))]
    print(f"{'comparison':40} {'ours s':>8} {'other s':>8} {'ratio':>7} {'aim':>7}")
    for r in results:
        verdict = "" if r.ratio <= r.aim else "  above the aim"
        print(f"{r.name:40} {r.ours_s:8.3f} {r.other_s:8.3f} {r.ratio:7.3f} {r.aim:7.3f}{verdict}")
    report = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "results": [
            {
                "name": r.name,
                "ours_s": r.ours_s,
                "other_s": r.other_s,
                "ratio": r.ratio,
                "aim": r.aim,
            }
            for r in results
        ],
    }
    target = ROOT / "build" / "benchmarks.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
