"""Commands in processes that are really killed, against a platform in the local AWS."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gotocloud.rehearsal.people import scientist_environment

if TYPE_CHECKING:
    from gotocloud.rehearsal.upkeep import Rehearsal

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk, pytest.mark.pcluster]

REGION = "us-east-1"
SCIENTIST = "scientist1"
PROJECT = "killed"
ROOT = Path(__file__).parent.parent.parent
ENDS_WITHIN_S = 120


@pytest.fixture
def group(rehearsed: Rehearsal) -> str:
    """The account of a group that works in the region."""
    return next(it.account for it in rehearsed.platform.groups if REGION in it.regions)


@pytest.fixture
def environment(rehearsed: Rehearsal, group: str, tmp_path: Path) -> dict[str, str]:
    """What a signed-in scientist's shell has."""
    own = scientist_environment(rehearsed.local, group, REGION, SCIENTIST)
    return {**os.environ, **own, "XDG_CACHE_HOME": str(tmp_path)}


def run(environment: dict[str, str], *arguments: str, die_at: int = 10_000) -> int:
    command = [sys.executable, "-m", "tests.cli.mortal", str(die_at), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert "Traceback" not in done.stderr
    if done.returncode > 0:
        raise AssertionError(done.stderr)
    return done.returncode


def remove(cfn: Any, name: str) -> None:
    cfn.delete_stack(StackName=name)
    deadline = time.monotonic() + ENDS_WITHIN_S
    while any(it["StackName"] == name for it in cfn.describe_stacks()["Stacks"]):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def things(rehearsed: Rehearsal, account: str) -> dict[str, Any]:
    """What is billed or keeps a name, without the ids that AWS draws."""
    ec2 = rehearsed.local.client("ec2", account, REGION)
    fsx = rehearsed.local.client("fsx", account, REGION)
    cfn = rehearsed.local.client("cloudformation", account, REGION)
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    machines = [it for r in ec2.describe_instances()["Reservations"] for it in r["Instances"]]
    return {
        "stacks": sorted(
            (re.sub("-[0-9A-F]{12,}$", "", it["StackName"]), it["StackStatus"])
            for it in cfn.describe_stacks()["Stacks"]
        ),
        "addresses": len(ec2.describe_addresses()["Addresses"]),
        "gateways": sum(it["State"] in {"pending", "available"} for it in gateways),
        "subnets": sorted(it["CidrBlock"] for it in ec2.describe_subnets()["Subnets"]),
        "lustre": len(fsx.describe_file_systems()["FileSystems"]),
        "machines": sum(it["State"]["Name"] in {"pending", "running"} for it in machines),
        "key pairs": sorted(it["KeyName"] for it in ec2.describe_key_pairs()["KeyPairs"]),
    }


def test_setup_and_start_end_the_same_wherever_their_process_was_killed(
    rehearsed: Rehearsal, group: str, environment: dict[str, str]
) -> None:
    cfn = rehearsed.local.client("cloudformation", group, REGION)
    start = ("start", PROJECT, "--config", "tutorial", "--yes", "--json")
    cluster = f"gotocloud-cluster-{SCIENTIST}-{group}-{PROJECT}"
    # The project's bucket outlives its stack, so that it can be made only once.
    assert run(environment, "setup", PROJECT, die_at=31) == -signal.SIGKILL
    assert run(environment, "setup", PROJECT) == 0
    empty = things(rehearsed, group)
    assert run(environment, *start) == 0
    undisturbed = things(rehearsed, group)
    # Each is another launch of a whole cluster; test_start.py kills at every call of a small one.
    for point in (20, 52, 55) if os.environ.get("GOTOCLOUD_EVERY_POINT") else (52,):
        remove(cfn, cluster)
        assert things(rehearsed, group) == empty
        assert run(environment, *start, die_at=point) == -signal.SIGKILL
        assert run(environment, *start) == 0
        assert things(rehearsed, group) == undisturbed, f"killed at {point}"
    remove(cfn, cluster)
    assert run(environment, "finish", PROJECT, "--confirm", PROJECT) == 0
