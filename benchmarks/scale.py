"""Measure a platform of 1,000 groups: time, memory, and what its templates have of AWS's limits.

    make bench-scale
    python benchmarks/scale.py --groups 100 --dry-run

Every command runs as a person types it. Memory is that of the command and of all processes that
it starts, together. The limits of templates are CloudFormation's:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
The tables go into docs/deploying.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from gotocloud.platform import rules
from gotocloud.platform.addresses import MAX_GROUPS, acceptor_chunk, shard_of

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "deploying.md"
BEGIN, END = "<!-- scale: make bench-scale -->\n", "<!-- end of scale -->\n"
REGIONS = ("ap-northeast-1", "us-east-1", "eu-west-1", "us-west-2")
MANAGEMENT = "111111111111"
SAMPLE_S = 0.05

LIMITS = {
    "resources": 500,
    "parameters": 200,
    "outputs": 200,
    "mappings": 200,
    "bytes": 1_000_000,
}
"""Of one template."""


@dataclass(frozen=True)
class ScaleRun:
    """One command: seconds, and memory of all its processes at its peak."""

    name: str
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class TemplateSize:
    """What a template has of each of `LIMITS`."""

    name: str
    counts: Mapping[str, int]


def platform_of(count: int) -> dict[str, Any]:
    """A platform of so many groups; the first one is as large as the rules allow."""
    groups: list[dict[str, Any]] = [
        {
            "name": f"group-{number}",
            "number": number,
            "account": f"{200_000_000_000 + number}",
            "regions": [REGIONS[number % len(REGIONS)]],
            "scientists": [f"scientist{person}" for person in range(1, 6)],
            "monthly_budget_usd": 1000,
            "alert_email": f"group-{number}@example.org",
        }
        for number in range(1, count + 1)
    ]
    groups[0] |= {
        "regions": list(REGIONS),
        "scientists": [f"scientist{person}" for person in range(1, rules.MAX_SCIENTISTS + 1)],
        "desktop_networks": [f"192.0.{n}.0/28" for n in range(rules.MAX_DESKTOP_NETWORKS)],
        "allowed_networks": [f"198.51.{n}.0/24" for n in range(rules.MAX_ALLOWED_NETWORKS)],
        "tags": {f"key{number}": f"value {number}" for number in range(rules.MAX_TAGS)},
        "audit": True,
    }
    return {
        "name": "thousand",
        "management": {"account": MANAGEMENT, "home_region": REGIONS[0]},
        "regions": list(REGIONS),
        "network": {"pool": "10.0.0.0/8"},
        "groups": groups,
    }


def record_of(platform: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the deployed stacks of such a platform would have given it."""
    from gotocloud.platform.addresses import share_network
    from gotocloud.platform.model import Platform
    from gotocloud.platform.zones import zone_map

    made = Platform.model_validate(platform)
    zones = zone_map()
    numbers = [group.number for group in made.groups]
    shares: dict[str, Any] = {}
    for region in made.regions:
        shares[region] = {"shares": {}}
        for shard in sorted({shard_of(number) for number in numbers}):
            cidr = share_network(made.network.pool, region, shard)
            hosts = [str(cidr[offset]) for offset in (4, 36)]
            shares[region]["shares"][shard] = {
                "vpc_id": "vpc-" + "1" * 17,
                "cidr": str(cidr),
                "route_table_id": "rtb-" + "1" * 17,
                "file_system_id": "fs-" + "1" * 17,
                "mount_targets": dict(zip(zones.region(region).chosen(2), hosts, strict=True)),
            }
    roles = {
        chunk: f"arn:aws:iam::{MANAGEMENT}:role/gotocloud-peering-acceptor-{chunk:02}"
        for chunk in sorted({acceptor_chunk(number) for number in numbers})
    }
    return {
        "management": {
            "account": MANAGEMENT,
            "home_region": REGIONS[0],
            "distribution_bucket": f"gotocloud-{MANAGEMENT}-{REGIONS[0]}-distribution",
            "acceptor_roles": roles,
        },
        "regions": shares,
    }


def run(name: str, command: Sequence[str], folder: Path) -> ScaleRun:
    """Run a command to its end, and measure it with all processes that it starts."""
    started, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        while process.poll() is None:
            peak = max(peak, sum(_resident_mb(one) for one in _family(process.pid)))
            time.sleep(SAMPLE_S)
        seconds = time.perf_counter() - started
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{output.read().decode()[-3000:]}")
    return ScaleRun(name, seconds, peak)


def _family(process: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield process
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return  # It has ended meanwhile.
    for child in children:
        yield from _family(int(child))


def _resident_mb(process: int) -> float:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def sizes(assembly: Path) -> Iterator[TemplateSize]:
    """What the templates of an assembly have."""
    for path in sorted(assembly.rglob("*.template.json")):
        template = json.loads(path.read_text("utf-8"))
        counts = {
            name: len(template.get(name.capitalize(), {})) for name in LIMITS if name != "bytes"
        }
        yield TemplateSize(path.name.split(".")[0], {**counts, "bytes": path.stat().st_size})


def measure(count: int, folder: Path) -> tuple[list[ScaleRun], list[TemplateSize]]:
    """Every command on a platform of so many groups, and the templates that come of it."""
    file = folder / "platform.yaml"
    platform = platform_of(count)
    file.write_text(yaml.safe_dump(platform, sort_keys=False), "utf-8")
    given = ["--platform", str(file)]
    gotocloud = shutil.which("gotocloud") or "gotocloud"
    synth = ["cdk", "synth", "--quiet", "-c", f"platform={file}"]
    runs = [
        run("gotocloud platform check", [gotocloud, "platform", "check", *given], ROOT),
        run("gotocloud platform plan", [gotocloud, "platform", "plan", *given], ROOT),
        run("cdk synth", [*synth, "--output", str(folder / "management")], ROOT),
    ]
    record = file.with_name("platform.record.yaml")
    record.write_text(yaml.safe_dump(record_of(platform)), "utf-8")
    for number, what in ((1, "the largest group"), (2, "a group of five scientists")):
        command = [*synth, "-c", f"group=group-{number}", "--output", str(folder / f"g{number}")]
        runs.append(run(f"cdk synth -c group=NAME, {what}", command, ROOT))
    made = list(sizes(folder / "management"))
    made += [
        TemplateSize(f"{one.name} of {what}", one.counts)
        for number, what in ((1, "the largest group"), (2, "a group of five"))
        for one in sizes(folder / f"g{number}")
    ]
    return runs, made


def tables(count: int, runs: Sequence[ScaleRun], templates: Sequence[TemplateSize]) -> str:
    """The tables of the docs."""
    text = "| command | seconds | memory at its peak, MB |\n|---|---|---|\n"
    for one in runs:
        text += f"| `{one.name}` | {one.seconds:.1f} | {one.peak_mb:.0f} |\n"
    text += f"\n| template | {' | '.join(LIMITS)} |\n|---{'|---' * len(LIMITS)}|\n"
    for size in templates:
        text += f"| {size.name} | {' | '.join(f'{size.counts[name]:,}' for name in LIMITS)} |\n"
    text += (
        f"| CloudFormation's limit | {' | '.join(f'{value:,}' for value in LIMITS.values())} |\n"
    )
    cores = os.cpu_count()
    return f"{text}\n{count:,} groups; measured on {date.today():%Y-%m-%d}, {cores} cores.\n"


def main() -> None:
    """Measure, print the tables, write them into the docs; exit 1 where a template is too large."""
    parser = argparse.ArgumentParser(description="Measure a platform of many groups.")
    parser.add_argument("--groups", type=int, default=MAX_GROUPS)
    parser.add_argument("--dry-run", action="store_true", help="leave the tables of the docs")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs, templates = measure(chosen.groups, Path(scratch))
    made = tables(chosen.groups, runs, templates)
    print(made)
    if not chosen.dry_run:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + made + rest[rest.index(END) :], "utf-8")
    beyond = [
        one.name for one in templates if any(one.counts[name] > LIMITS[name] for name in LIMITS)
    ]
    if beyond:
        sys.exit(f"Beyond a limit of CloudFormation: {', '.join(beyond)}")


if __name__ == "__main__":
    main()
