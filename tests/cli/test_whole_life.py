"""A project from beginning to end, as scientists type it: the real commands, with IAM deciding."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gotocloud.contract.project_names import ProjectNames
from gotocloud.platform.model import Group
from gotocloud.rehearsal.extension.control import Control
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.people import scientist_environment
from gotocloud.rehearsal.platform import deploy_platform
from local_aws.iam.decisions import Decision, read_decisions
from tests.cli.local_project import DCV
from tests.needs import ROOT, need_cdk, need_iam_evaluator, need_parallelcluster

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk, pytest.mark.pcluster]

EXAMPLE = ROOT / "platform.example.yaml"
DESKTOP = "203.0.113.7"
LONGEST_COMMAND_S = 180
SESSION = "2026-05-14 apoferritin"
BESIDE = "リボソーム: Ben's $(50S) & co"

Tree = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Lab:
    """A group on a local AWS where the whole example platform is deployed."""

    local: LocalAws
    group: Group
    home: Path

    def client(self, service: str) -> Any:
        """A client of the account's administrator, who looks at what the commands have done."""
        return self.local.client(service, self.group.account, self.group.home_region)

    def scientist(self, name: str, project: str) -> Scientist:
        """A scientist of the group who has signed in with MFA."""
        region = self.group.home_region
        environment = scientist_environment(self.local, self.group.account, region, name)
        own = {"HOME": str(self.home / name), "XDG_CACHE_HOME": str(self.home / name / "cache")}
        names = ProjectNames(name, self.group.account, project)
        return Scientist(self, names, {**environment, **own})

    def billed_by_the_hour(self) -> list[str]:
        """Machines, Lustre file systems, NAT gateways and addresses, whoever made them."""
        ec2, fsx = self.client("ec2"), self.client("fsx")
        machines = [
            machine["InstanceId"]
            for reservation in ec2.describe_instances()["Reservations"]
            for machine in reservation["Instances"]
            if machine["State"]["Name"] != "terminated"
        ]
        gateways = ec2.describe_nat_gateways()["NatGateways"]
        return [
            *machines,
            *(one["FileSystemId"] for one in fsx.describe_file_systems()["FileSystems"]),
            *(one["NatGatewayId"] for one in gateways if one["State"] != "deleted"),
            *(one["AllocationId"] for one in ec2.describe_addresses()["Addresses"]),
        ]


@dataclass(frozen=True)
class Scientist:
    """Somebody with a project, who has nothing but the commands and the role of scientists."""

    lab: Lab
    names: ProjectNames
    environment: Mapping[str, str]

    def types(self, *arguments: str) -> str:
        """Run a command and return what it prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "gotocloud", *arguments],
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_COMMAND_S,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def told(self, *arguments: str) -> Any:
        """Run a command and return its JSON."""
        return json.loads(self.types(*arguments, "--json"))

    def starts(self) -> dict[str, str]:
        """Start a cluster; returns the outputs of its stack."""
        started = self.told("start", self.names.project, "--config", "tutorial", "--yes")
        outputs: dict[str, str] = started["outputs"]
        return outputs

    def row(self) -> dict[str, Any]:
        """What `status` says about the project."""
        rows = {one["project"]: one for one in self.told("status")["projects"]}
        found: dict[str, Any] = rows[self.names.project]
        return found

    def stored(self) -> dict[str, bytes]:
        """The objects of the project's bucket."""
        s3, bucket = self.lab.client("s3"), self.names.bucket
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
        keys = [one["Key"] for one in listed]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def tree(folder: Path) -> Tree:
    """Everything below a folder with what must not be lost: content, mode and time."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in sorted(folder.rglob("*")):
        name, facts = str(path.relative_to(folder)), path.lstat()
        mode = stat.filemode(facts.st_mode)
        if name.split("/")[0] == ".gotocloud":
            continue
        if path.is_symlink():
            found[name] = (mode, str(path.readlink()))
        elif path.is_dir():
            found[name] = (mode,)
        else:
            found[name] = (mode, facts.st_mtime_ns, path.read_bytes())
    return found


def below(whole: Tree, folder: str) -> Tree:
    """The part of a tree that is below a folder."""
    start = f"{folder}/"
    return {name[len(start) :]: it for name, it in whole.items() if name.startswith(start)}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    need_cdk()
    need_parallelcluster()
    need_iam_evaluator()
    folder = tmp_path_factory.mktemp("life")
    platform = Path(shutil.copy(EXAMPLE, folder / "platform.yaml"))
    local = LocalAws.start(folder / "state", iam=True)
    try:
        deployed = deploy_platform(local, platform)
        yield Lab(local, deployed.platform.groups[0], folder)
    finally:
        local.stop()


@pytest.fixture(scope="module")
def both(lab: Lab) -> tuple[Scientist, Scientist]:
    one, other = lab.group.scientists
    return lab.scientist(one, "apoferritin"), lab.scientist(other, BESIDE)


@pytest.fixture(scope="module")
def movies(lab: Lab) -> Path:
    """A recording session whose names nobody would invent."""
    folder = lab.home / SESSION
    for name, content in {
        "movies/Größe_粒子.tif": os.urandom(200_000),
        "movies/two\nlines.star": b"a",
        "movies/a & b%20+.mrc": b"b",
        "nothing in it": b"",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "gain.tif").symlink_to("movies/Größe_粒子.tif")
    (folder / "empty folder").mkdir()
    (folder / "movies").chmod(0o750)
    return folder


def refine(lustre: Path) -> None:
    """Leave behind what a job leaves behind."""
    job = lustre / "Refine3D/job 001"
    job.mkdir(parents=True)
    (job / "run_classé.mrc").write_bytes(os.urandom(100_000))
    (job / "run_classé.mrc").chmod(0o640)
    (job / "latest").symlink_to("../job 001/run_classé.mrc")
    (lustre / "Extract").mkdir()


def opened_to(lab: Lab, group: str) -> list[str]:
    ec2 = lab.client("ec2")
    found = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return [rule["CidrIpv4"] for rule in found["SecurityGroupRules"] if not rule["IsEgress"]]


def give_desktop(control: Control, instance: str) -> None:
    """Put DCV's script onto a head node: the machine images of the local AWS hold none."""
    script = control.node(instance) / "opt/parallelcluster/scripts/pcluster_dcv_connect.sh"
    script.parent.mkdir(parents=True)
    script.write_text(DCV)
    script.chmod(0o755)


def denied(lab: Lab) -> list[Decision]:
    return [one for one in read_decisions(lab.local.state_dir) if not one.allowed]


def in_parallel(commands: Iterable[Callable[[], Any]]) -> list[Any]:
    """Let several scientists type at once; returns what each is told."""
    with ThreadPoolExecutor() as pool:
        return [one.result() for one in [pool.submit(command) for command in commands]]


def open_desktop(me: Scientist, cluster: Mapping[str, str]) -> None:
    """Connect, and see that the door is open to this scientist's address alone."""
    give_desktop(Control(me.lab.local), cluster["HeadNodeInstanceId"])
    seen = me.told("connect", "--from", DESKTOP)
    assert seen["url"].startswith(f"https://{cluster['HeadNodePublicIp']}:8443")
    assert opened_to(me.lab, cluster["DesktopSecurityGroupId"]) == [f"{DESKTOP}/32"]


def fetch_and_finish(me: Scientist, results: Path) -> None:
    """Take the results home and remove the project; nothing of it is left."""
    me.types("download", str(results), "--from", "Refine3D")
    me.types("finish", "--confirm", me.names.project)
    s3, cfn = me.lab.client("s3"), me.lab.client("cloudformation")
    assert me.names.bucket not in {one["Name"] for one in s3.list_buckets()["Buckets"]}
    keys = me.lab.client("ec2").describe_key_pairs()["KeyPairs"]
    assert me.names.base not in {one["KeyName"] for one in keys}
    stacks = {one["StackName"] for one in cfn.describe_stacks()["Stacks"]}
    assert not stacks & {me.names.project_stack, me.names.cluster_stack}


def test_a_project_lives_from_beginning_to_end_beside_another(
    lab: Lab, both: tuple[Scientist, Scientist], movies: Path, tmp_path: Path
) -> None:
    me, other = both
    lustre = Control(lab.local).lustre
    at_rest = lab.billed_by_the_hour()
    in_parallel(partial(who.types, "setup", who.names.project) for who in both)
    in_parallel(partial(who.types, "upload", str(movies)) for who in both)
    theirs = other.stored()
    mine, beside = in_parallel(who.starts for who in both)
    worked_on = lustre(mine["LustreFileSystemId"])
    assert tree(worked_on / SESSION) == tree(movies)
    assert me.row()["cluster"]["known_usd_per_hour"] > 0
    open_desktop(me, mine)
    assert opened_to(lab, beside["DesktopSecurityGroupId"]) == []

    refine(worked_on)
    before = tree(worked_on)
    assert me.told("pause", "--yes")["proof"]["counted"]["files"] == 5
    assert not worked_on.exists()
    assert me.row()["cluster"] is None
    assert other.row()["cluster"]["state"] == "ready"

    again = me.starts()
    assert tree(lustre(again["LustreFileSystemId"])) == before
    in_parallel(partial(who.types, "pause") for who in both)
    assert lab.billed_by_the_hour() == at_rest

    fetch_and_finish(me, tmp_path / "results")
    assert tree(tmp_path / "results") == below(before, "Refine3D")
    assert [one["project"] for one in me.told("status")["projects"]] == [BESIDE]
    other.types("finish", "--keep-data", "--confirm", BESIDE)
    assert other.told("status")["projects"] == []
    other.types("setup", BESIDE, "--adopt")
    assert other.row()["state"] == "ready"
    assert theirs.items() <= other.stored().items()
    assert denied(lab) == []
