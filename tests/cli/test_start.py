"""`gotocloud start`, against AWS in this process."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from gotocloud.cli.commands import setup, start
from gotocloud.contract.project_bucket import LAST_CLUSTER
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.platform.addresses import group_subnets
from gotocloud.projects.blocks import free_block
from tests.cli.conftest import Dying, killed_everywhere
from tests.cli.group_account import ACCOUNT, REGION, build, invoke, raise_vcpus, survey
from tests.projects.shapes import NETWORK

pytestmark = [
    pytest.mark.usefixtures("cluster_in_moto"),
    pytest.mark.filterwarnings("ignore:Tried to parse AWS..FSx"),
]

STACK = f"gotocloud-cluster-ann-{ACCOUNT}-p"
TUTORIAL = ("--config", "tutorial")
MOST_CALLS = 50


@pytest.fixture
def project(aws: None) -> str:
    """A project that stands; the id of the group's network."""
    vpc_id = build()
    invoke(setup.app, "p")
    return vpc_id


def go(*arguments: str) -> None:
    invoke(start.app, *arguments, *TUTORIAL)


def stack() -> dict[str, Any]:
    cfn: Any = boto3.client("cloudformation", REGION)
    found: dict[str, Any] = cfn.describe_stacks(StackName=STACK)["Stacks"][0]
    return found


def parameters() -> dict[str, str]:
    return {it["ParameterKey"]: it["ParameterValue"] for it in stack()["Parameters"]}


@pytest.mark.usefixtures("project")
class TestStart:
    def test_a_cluster_is_launched_with_what_the_template_requests(self) -> None:
        go("p", "--yes")
        given = parameters()
        assert given.pop("ComputeSubnetCidr") in {
            str(block) for block in group_subnets(NETWORK).compute
        }
        assert given == {
            "Project": "p",
            "Scientist": "ann",
            "ClusterName": f"ann-{ACCOUNT}-p",
            "BucketName": f"gotocloud-data-ann-{ACCOUNT}-p",
            "LustreGib": "1200",
        }
        tags = {it["Key"]: it["Value"] for it in stack()["Tags"]}
        assert (tags["gtc:project"], tags["cost-centre"]) == ("p", "42")

    def test_the_only_project_is_the_default(self) -> None:
        go("--yes")
        assert stack()["StackStatus"] == "CREATE_COMPLETE"

    def test_a_second_time_there_is_nothing_to_do(self, capsys: pytest.CaptureFixture[str]) -> None:
        go("p", "--yes")
        before = survey()
        capsys.readouterr()
        go("p", "--json")
        assert json.loads(capsys.readouterr().out)["made"] is False
        assert survey() == before

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            (("--config", "cryoem-spa"), "--config cryoem-spa: it has tutorial"),
            (("--lustre-gib", "2400"), "--lustre-gib 2400: it has 1,200 GiB"),
            (("--spot",), "--spot: it prefers on demand"),
        ],
    )
    def test_a_running_cluster_with_other_settings_is_no_success(
        self, words: tuple[str, ...], problem: str
    ) -> None:
        go("p", "--yes")
        before = survey()
        with pytest.raises(InputError, match="is not changed while it exists") as caught:
            invoke(start.app, "p", *words)
        assert caught.value.problems == (problem,)
        typed = " ".join(words)
        assert caught.value.next_command == f"gotocloud pause p && gotocloud start p {typed}"
        assert survey() == before

    def test_a_project_keeps_its_configuration_and_its_size_of_lustre(self) -> None:
        go("p", "--yes", "--lustre-gib", "2400")
        boto3.client("cloudformation", REGION).delete_stack(StackName=STACK)
        invoke(start.app, "p", "--yes")
        assert "tutorial" in stack()["Description"]
        assert parameters()["LustreGib"] == "2400"

    def test_a_damaged_note_of_the_last_cluster_is_no_other_configuration(self) -> None:
        for body in (b"", b"[]", b'{"configuration": null, "lustre_gib": "x"}'):
            boto3.client("s3", REGION).put_object(
                Bucket=f"gotocloud-data-ann-{ACCOUNT}-p", Key=LAST_CLUSTER, Body=body
            )
            with pytest.raises(GoToCloudError, match="does not contain what gotocloud writes"):
                invoke(start.app, "p", "--yes")
        assert STACK not in {name for name, *_ in survey()["stacks"]}

    def test_the_price_is_shown_and_nothing_starts_without_a_yes(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = survey()
        with pytest.raises(InputError, match="No terminal to confirm: add --yes") as caught:
            go("p")
        assert caught.value.next_command == "gotocloud start p --config tutorial --yes"
        told = capsys.readouterr().out
        assert "USD" in told
        assert "g6.4xlarge" in told
        assert survey() == before

    def test_a_dry_run_reports_everything_and_creates_nothing(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = survey()
        capsys.readouterr()
        go("p", "--dry-run", "--json")
        told = json.loads(capsys.readouterr().out)
        assert told["idle_cost"]["known_total_usd_per_hour"] > 0
        checks = {one["check"] for one in told["findings"]}
        assert {"EC2-VPC Elastic IPs", "Address block", "Budget of this month"} <= checks
        assert survey() == before

    def test_every_problem_is_reported_at_once(self) -> None:
        ec2 = boto3.client("ec2", REGION)
        for _ in range(4):
            ec2.allocate_address(Domain="vpc")
        before = survey()
        # Somebody has everything of the network.
        vpc_id = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": [str(NETWORK)]}])["Vpcs"][0]
        for block in group_subnets(NETWORK).compute:
            ec2.create_subnet(VpcId=vpc_id["VpcId"], CidrBlock=str(block))
        with pytest.raises(GoToCloudError, match="nothing was created") as caught:
            go("p", "--yes")
        assert len(caught.value.problems) == 2
        assert survey()["stacks"] == before["stacks"]

    def test_two_clusters_never_share_addresses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        invoke(setup.app, "q")
        monkeypatch.setattr(
            "gotocloud.aws.clusters.free_block",
            lambda network, taken, _, avoid: free_block(network, taken, "both", avoid=avoid),
        )
        go("p", "--yes")
        go("q", "--yes")
        subnets = survey()["subnets"]
        assert len(subnets) == len(set(subnets))

    def test_the_loser_of_a_race_for_addresses_takes_the_next_ones(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from gotocloud.aws import clusters
        from gotocloud.aws.launch import LaunchError
        from gotocloud.projects.diagnosis import Failure, diagnose

        refused: list[str] = []
        from gotocloud.aws.launch import settle

        def race(cloud: Any, plan: Any, told: Any, *, retry: str) -> dict[str, str]:
            if len(refused) < 2:
                refused.append(plan.parameters["ComputeSubnetCidr"])
                reason = f"The CIDR '{refused[-1]}' conflicts with another subnet"
                raise LaunchError("x", diagnose([Failure("S", "T", reason)], retry=retry))
            return settle(cloud, plan, told, retry=retry)

        monkeypatch.setattr(clusters, "settle", race)
        go("p", "--yes")
        assert parameters()["ComputeSubnetCidr"] not in refused
        assert len(set(refused)) == 2
        assert "at the same moment" in capsys.readouterr().err

    def test_ctrl_c_states_what_goes_on_and_what_it_costs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from gotocloud.aws import clusters
        from gotocloud.aws.launch import settle

        def interrupted(*given: Any, **named: Any) -> None:
            settle(*given, **named)
            raise KeyboardInterrupt

        monkeypatch.setattr(clusters, "settle", interrupted)
        with pytest.raises(GoToCloudError, match="AWS goes on making stack") as caught:
            go("p", "--yes")
        assert "per hour" in caught.value.message
        assert caught.value.next_command == "gotocloud start p --config tutorial --yes"

    def test_ctrl_c_before_anything_began_states_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from gotocloud.aws import clusters

        def interrupted(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(clusters, "settle", interrupted)
        with pytest.raises(GoToCloudError, match="Nothing is running and nothing is billed"):
            go("p", "--yes")

    @pytest.mark.parametrize("size", ["1000", "3000", "-1"])
    def test_a_size_that_is_not_sold_is_refused(self, size: str) -> None:
        with pytest.raises(InputError, match="not possible; allowed: 1,200 or a multiple of 2,400"):
            go("p", f"--lustre-gib={size}")

    def test_an_unknown_configuration_is_refused_with_those_that_there_are(self) -> None:
        with pytest.raises(InputError, match=r"Did you mean 'tutorial'\? Available: tutorial"):
            invoke(start.app, "p", "--config", "tutoriall")


@pytest.mark.usefixtures("aws")
def test_a_new_account_is_reported_as_unable_to_compute() -> None:
    build(vcpus=0)
    invoke(setup.app, "p")
    with pytest.raises(GoToCloudError, match="nothing was created") as caught:
        go("p", "--yes")
    assert "no queue could start a single node" in caught.value.problems[0]
    raise_vcpus(100)
    go("p", "--yes")


@pytest.mark.usefixtures("aws")
def test_without_its_project_there_is_no_cluster() -> None:
    build()
    with pytest.raises(GoToCloudError, match="does not exist yet") as caught:
        go("p", "--yes")
    assert caught.value.next_command == "gotocloud setup p"
    with pytest.raises(InputError, match="no project yet"):
        go("--yes")


@pytest.mark.usefixtures("project")
def test_killed_before_and_after_every_call_it_ends_the_same_when_run_again(
    dying: Dying,
) -> None:
    def clear() -> None:
        dying(None)
        boto3.client("cloudformation", REGION).delete_stack(StackName=STACK)
        assert survey() == empty

    def run() -> None:
        go("p", "--yes")

    empty = survey()
    run()
    undisturbed = survey()
    points = killed_everywhere(dying, clear, run, lambda: survey() == undisturbed)
    assert points > MOST_CALLS
