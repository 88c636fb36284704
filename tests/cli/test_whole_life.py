"""A project from beginning to end as scientists type it, with IAM deciding: the README's story."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gotocloud.contract.names import CLUSTER_SERVICE_ROLE, PROVIDER_ROLE
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.releases import distribution_bucket
from gotocloud.contract.stacks import USER_STACK
from gotocloud.platform.model import Group
from gotocloud.rehearsal.extension.control import Control
from gotocloud.rehearsal.launch import sign_in
from gotocloud.rehearsal.lives import use
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.upkeep import Rehearsal
from local_aws.engine.access import no_real_account
from local_aws.iam.decisions import Decision, read_decisions
from local_aws.testing import outputs
from tests.cli import reference, traffic
from tests.cli.terminal import Session
from tests.docs.command_blocks import commands
from tests.needs import ROOT
from tests.security.principals import boundary, principals

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk, pytest.mark.pcluster]

STORY = "## A project from beginning to end"
FOLDER_OF_THE_STORY = "/data/"
DESKTOP = "203.0.113.7"
LONGEST_COMMAND_S = 180
SESSION = "2026-05-14_apoferritin"
BESIDE = "リボソーム: Ben's $(50S) & co"
PROMPTS = {
    r"Start it, for .*\[y/N\]: $": "y",
    r"Delete it with the cluster\? \[y/N\]: $": "y",
    r"Type the project's name to delete it: $": "apoferritin",
}
"""What commands of the story request of a person -> what this one types."""

NONE = traffic.Difference(frozenset(), frozenset())

Tree = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Lab:
    """A group of the rehearsed platform; decisions before `since` are other tests'."""

    rehearsed: Rehearsal
    group: Group
    home: Path
    since: int

    @property
    def local(self) -> LocalAws:
        return self.rehearsed.local

    def client(self, service: str) -> Any:
        """A client of the account's administrator, who looks at what the commands have done."""
        return self.local.client(service, self.group.account, self.group.home_region)

    def scientist(self, name: str, project: str) -> Scientist:
        """A scientist of the group, by the profile that `rehearse up` prints."""
        home = self.home / name
        home.mkdir()
        environment = {
            **no_real_account(),
            **self.rehearsed.environment(),
            "AWS_PROFILE": f"{self.group.name}-{name}",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            # Nothing here comes from the internet, not even where there is one.
            "https_proxy": "http://127.0.0.1:9",
            "BROWSER": "true",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        return Scientist(self, ProjectNames(name, self.group.account, project), environment, home)

    def billed_by_the_hour(self) -> list[str]:
        """Machines, Lustre file systems, NAT gateways and addresses of every project."""
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
    """A person with a project, who has nothing but the commands and the role of scientists."""

    lab: Lab
    names: ProjectNames
    environment: Mapping[str, str]
    home: Path

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

    def starts(self) -> None:
        """Start a cluster."""
        self.types("start", self.names.project, "--config", "tutorial", "--yes")

    def cluster(self) -> dict[str, str]:
        """The outputs of the cluster's stack."""
        cfn = self.lab.client("cloudformation")
        (stack,) = cfn.describe_stacks(StackName=self.names.cluster_stack)["Stacks"]
        return outputs(stack)

    def row(self) -> dict[str, Any]:
        """What `status` shows of the project."""
        rows = {one["project"]: one for one in self.told("status")["projects"]}
        found: dict[str, Any] = rows[self.names.project]
        return found

    def stored(self) -> dict[str, bytes]:
        """The objects of the project's bucket."""
        s3, bucket = self.lab.client("s3"), self.names.bucket
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
        keys = [one["Key"] for one in listed]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def proven_files(self) -> int:
        """The number of files in the newest proof of a pause."""
        proofs = {key: text for key, text in self.stored().items() if key.endswith("/proof.json")}
        count: int = json.loads(proofs[max(proofs)])["counted"]["files"]
        return count


class Reader:
    """A scientist with the README open, at a terminal.

    Each command is typed as it stands there, but for the folder of the data. Questions are
    answered as they are printed; after an error the command gets the option that it names.
    """

    def __init__(self, me: Scientist) -> None:
        text = (ROOT / "README.md").read_text().partition(STORY)[2].partition("\n## ")[0]
        self.left = commands(text)
        self._me = me
        self._session = Session(me.environment, me.home, PROMPTS, LONGEST_COMMAND_S)

    def types(self, verb: str) -> str:
        """Type the README's next command, which is of this verb; it must succeed."""
        return self._succeeds(self._next(verb))

    def takes_advice(self, verb: str, option: str, value: str) -> str:
        """Type the README's next command, which fails and names an option, and it with that."""
        command = self._next(verb)
        code, shown = self._session.types(command)
        assert code != 0, shown
        assert f"Give it with {option}" in shown
        return self._succeeds(f"{command} {option} {value}")

    def _next(self, verb: str) -> str:
        command = self.left.pop(0)
        assert command.startswith(f"gotocloud {verb}"), command
        return command.replace(FOLDER_OF_THE_STORY, f"{self._me.home}/")

    def _succeeds(self, command: str) -> str:
        code, shown = self._session.types(command)
        assert code == 0, f"{command}: {shown}"
        return shown


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
def lab(rehearsed: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    since = sum(1 for _ in read_decisions(rehearsed.local.state_dir))
    home = tmp_path_factory.mktemp("life")
    return Lab(rehearsed, rehearsed.platform.groups[0], home, since)


@pytest.fixture(scope="module")
def both(lab: Lab) -> tuple[Scientist, Scientist]:
    one, other = lab.group.scientists
    return lab.scientist(one, "apoferritin"), lab.scientist(other, BESIDE)


@pytest.fixture(scope="module")
def movies(both: tuple[Scientist, Scientist]) -> Path:
    """A recording session whose names no person would invent, as the README calls its folder."""
    folder = both[0].home / SESSION
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


def in_parallel(*commands: Callable[[], Any]) -> None:
    """Let several scientists type at once."""
    with ThreadPoolExecutor() as pool:
        for one in [pool.submit(command) for command in commands]:
            one.result()


def open_desktop(me: Scientist, reader: Reader, cluster: Mapping[str, str]) -> None:
    """Connect, from where the own address cannot be found: the port opens to it alone."""
    shown = reader.takes_advice("connect", "--from", DESKTOP)
    assert f"https://{cluster['HeadNodePublicIp']}:8443?authToken=" in shown
    assert opened_to(me.lab, cluster["DesktopSecurityGroupId"]) == [f"{DESKTOP}/32"]


def let_nodes_work(me: Scientist, cluster: Mapping[str, str]) -> None:
    """Make the calls of the cluster's own nodes."""
    owner = sign_in(me.lab.local, me.lab.group, me.lab.group.home_region, me.names.scientist)
    assert use(me.lab.local, owner, cluster["ClusterName"]).refusals == ()


def is_gone(me: Scientist) -> None:
    """Nothing of the project is left."""
    s3, cfn = me.lab.client("s3"), me.lab.client("cloudformation")
    assert me.names.bucket not in {one["Name"] for one in s3.list_buckets()["Buckets"]}
    keys = me.lab.client("ec2").describe_key_pairs()["KeyPairs"]
    assert me.names.base not in {one["KeyName"] for one in keys}
    stacks = {one["StackName"] for one in cfn.describe_stacks()["Stacks"]}
    assert not stacks & {me.names.project_stack, me.names.cluster_stack}


@pytest.fixture(scope="module")
def lived(lab: Lab, both: tuple[Scientist, Scientist], movies: Path) -> list[Decision]:
    """What IAM decided while the README's project lived, beside another."""
    live(lab, both, movies)
    return list(read_decisions(lab.local.state_dir, lab.since))


def live(lab: Lab, both: tuple[Scientist, Scientist], movies: Path) -> None:
    """Type the whole story; what is not as it should be is an error here."""
    me, other = both
    reader = Reader(me)
    lustre = Control(lab.local).lustre
    at_rest = lab.billed_by_the_hour()
    in_parallel(partial(reader.types, "setup"), partial(other.types, "setup", BESIDE))
    in_parallel(partial(reader.types, "upload"), partial(other.types, "upload", str(movies)))
    theirs = other.stored()
    in_parallel(partial(reader.types, "start"), other.starts)
    mine, beside = me.cluster(), other.cluster()
    worked_on = lustre(mine["LustreFileSystemId"])
    assert tree(worked_on / SESSION) == tree(movies)
    assert "apoferritin" in reader.types("status")
    assert me.row()["cluster"]["known_usd_per_hour"] > 0
    open_desktop(me, reader, mine)
    assert opened_to(lab, beside["DesktopSecurityGroupId"]) == []
    let_nodes_work(me, mine)

    refine(worked_on)
    before = tree(worked_on)
    assert "The desktop of 'apoferritin' is open." in reader.types("pause")
    assert me.proven_files() == 6
    assert not worked_on.exists()
    assert me.row()["cluster"] is None
    assert other.row()["cluster"]["state"] == "ready"

    reader.types("start")
    assert tree(lustre(me.cluster()["LustreFileSystemId"])) == before
    in_parallel(partial(reader.types, "pause"), partial(other.types, "pause"))
    assert lab.billed_by_the_hour() == at_rest

    reader.types("download")
    reader.types("finish")
    assert reader.left == []
    is_gone(me)
    assert tree(me.home / "results") == below(before, "Refine3D")
    assert [one["project"] for one in me.told("status")["projects"]] == [BESIDE]
    other.types("finish", "--keep-data", "--confirm", BESIDE)
    assert other.told("status")["projects"] == []
    other.types("setup", BESIDE, "--adopt")
    assert other.row()["state"] == "ready"
    assert theirs.items() <= other.stored().items()
    other.types("finish", "--confirm", BESIDE)
    assert other.told("status")["projects"] == []


def test_iam_denies_nothing_in_the_readmes_story(lived: list[Decision]) -> None:
    assert len(lived) > 500
    assert [one.reason for one in lived if not one.allowed] == []


def test_scientists_call_what_the_syntax_of_the_code_names(lived: list[Decision]) -> None:
    assert traffic.of_scientists(lived) == NONE


def test_the_judge_looks_at_what_the_reference_has(lived: list[Decision]) -> None:
    assert list(reference.beyond_reference(lived)) == []


def test_the_judge_supplies_the_condition_keys_of_our_policies(
    lab: Lab, lived: list[Decision]
) -> None:
    shown = lab.client("cloudformation").get_template(StackName=USER_STACK)["TemplateBody"]
    template = json.loads(shown) if isinstance(shown, str) else shown
    limits = boundary(template)["Statement"]
    policies = [one for who in principals(template).values() for one in who.statements]
    missing = reference.never_supplied(lived, [*policies, *limits])
    assert missing == set(reference.NOT_IN_THE_STORY)


@pytest.mark.parametrize("role", [CLUSTER_SERVICE_ROLE, PROVIDER_ROLE])
def test_cloudformation_calls_what_the_registrys_handlers_name(
    lab: Lab, lived: list[Decision], role: str
) -> None:
    given = lab.rehearsed.platform.management
    s3 = lab.local.client("s3", given.account, given.home_region)
    bucket = distribution_bucket(given.account, given.home_region)
    templates = traffic.launched_templates(s3, bucket, lab.group.home_region)
    assert traffic.of_cloudformation(lived, role, templates) == NONE
