"""`gotocloud start --spot` and `--keep-for`, against AWS in this process."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import typer

from gotocloud.aws import running_jobs
from gotocloud.cli.commands import setup, start, status
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.project_bucket import KEEP_UNTIL, PROJECT_BUCKETS
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.projects.jobs_now import JobsNow
from gotocloud.projects.preflight import SPOT_ROLE
from gotocloud.projects.shape import cluster_shape
from tests.cli import group_account
from tests.cli.group_account import ACCOUNT, REGION, invoke

pytestmark = [
    pytest.mark.usefixtures("cluster_in_moto"),
    pytest.mark.filterwarnings("ignore:Tried to parse AWS..FSx"),
]

NAME = f"ann-{ACCOUNT}-p"
BUCKET = f"{PROJECT_BUCKETS}{NAME}"
OLD, NEW = "0.9.0", "0.10.0"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def project(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project, and releases of which the newer knows what a scientist may wish for."""
    original = group_account.cluster

    def cluster(vpc_id: str, version: str) -> dict[str, Any]:
        made = original(vpc_id, version)
        if version == OLD:
            return made
        made["Parameters"] |= {
            "Capacity": {"Type": "String", "Default": "on-demand"},
            "KeepHours": {"Type": "Number", "Default": "0"},
        }
        properties = made["Resources"]["Cluster"]["Properties"]["ClusterConfiguration"]
        queues = properties["Scheduling"]["SlurmQueues"]
        twin = copy.deepcopy(queues[0]) | {"Name": "gpu-spot", "CapacityType": "SPOT"}
        queues.append(twin)
        return made

    monkeypatch.setattr(group_account, "cluster", cluster)
    # moto runs nothing on a head node: this one has the idle guard, and no job.
    idle = JobsNow(running=0, waiting=0, guarded=True)
    monkeypatch.setattr(running_jobs, "_jobs", lambda *_: idle)
    group_account.build(versions=(OLD, NEW))
    invoke(setup.app, "p")


def with_spot_role() -> None:
    # As create-service-linked-role does on AWS; moto makes up another name.
    boto3.client("iam", REGION).create_role(RoleName=SPOT_ROLE, AssumeRolePolicyDocument="{}")


def go(*arguments: str) -> None:
    invoke(start.app, "p", "--config", "tutorial", "--yes", *arguments)


def told(capsys: Capture, *arguments: str) -> Any:
    capsys.readouterr()
    go("--json", *arguments)
    return json.loads(capsys.readouterr().out)


def stack() -> dict[str, Any]:
    cfn: Any = boto3.client("cloudformation", REGION)
    found: dict[str, Any] = cfn.describe_stacks(StackName=f"gotocloud-cluster-{NAME}")["Stacks"][0]
    return found


def parameters() -> dict[str, str]:
    return {it["ParameterKey"]: it["ParameterValue"] for it in stack()["Parameters"]}


def row(capsys: Capture) -> Any:
    capsys.readouterr()
    invoke(status.app, "--json")
    return json.loads(capsys.readouterr().out)["projects"][0]["cluster"]


def test_without_options_jobs_go_on_demand_and_idleness_ends_the_cluster(capsys: Capture) -> None:
    go()
    assert (parameters()["Capacity"], parameters()["KeepHours"]) == ("on-demand", "0")
    ending = {"kept_until": None, "when_idle": True, "unknown": "", "notice": ""}
    assert row(capsys)["ending"] == ending


def test_spot_is_written_down_and_shown(capsys: Capture) -> None:
    with_spot_role()
    go("--spot")
    shown = capsys.readouterr()
    assert "gpu-spot" in shown.out
    assert "gpu   " not in shown.out
    assert "Jobs prefer spot" in shown.err
    assert parameters()["Capacity"] == "spot"
    assert row(capsys)["capacity"] == "spot"
    invoke(status.app)
    assert "tutorial, spot" in capsys.readouterr().out.replace("\n", " ")


def test_spot_without_its_role_is_refused_before_anything_is_created() -> None:
    with pytest.raises(GoToCloudError, match="nothing was created") as caught:
        go("--spot")
    assert "AWSServiceRoleForEC2Spot" in caught.value.problems[0]
    assert str(caught.value.next_command).startswith("gotocloud start p --config tutorial --spot")
    go()


def test_a_group_that_was_set_up_for_an_earlier_release_is_reported_before_anything_is_created(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs = frozenset({Fact.CLUSTER_GUARD_ARN.value, "/gotocloud/of-a-later-program"})
    monkeypatch.setattr(
        "gotocloud.aws.clusters.cluster_shape",
        lambda template: replace(cluster_shape(template), facts=needs),
    )
    with pytest.raises(GoToCloudError, match="nothing was created") as caught:
        go()
    (problem,) = caught.value.problems
    assert "needs /gotocloud/iam/cluster-guard-arn, which" in problem
    assert "deploy the group's stack again" in problem


def test_hours_count_from_the_creation_of_the_stack(capsys: Capture) -> None:
    found = told(capsys, "--keep-for", "8")
    until = stack()["CreationTime"] + timedelta(hours=8)
    assert parameters()["KeepHours"] == "8"
    assert datetime.fromisoformat(found["kept_until"]) == until
    assert datetime.fromisoformat(row(capsys)["ending"]["kept_until"]) == until


def test_the_price_of_the_hours_is_reported_before(capsys: Capture) -> None:
    go("--keep-for", "8", "--dry-run")
    assert "Kept for 8 hours, it costs" in capsys.readouterr().err


def test_more_hours_for_a_running_cluster_count_from_now_and_change_no_stack(
    capsys: Capture,
) -> None:
    go("--keep-for", "1")
    before = stack()
    found = told(capsys, "--keep-for", "30")
    until = datetime.fromisoformat(found["kept_until"])
    assert abs(until - datetime.now(UTC) - timedelta(hours=30)) < timedelta(minutes=2)
    assert found["made"] is False
    assert stack() == before
    assert row(capsys)["ending"]["kept_until"] == found["kept_until"]
    shorter = told(capsys, "--keep-for", "2")["kept_until"]
    assert datetime.fromisoformat(shorter) < until


def test_a_dry_run_keeps_nothing_longer(capsys: Capture) -> None:
    go()
    assert told(capsys, "--keep-for", "3", "--dry-run")["kept_until"] is None
    listed = boto3.client("s3", REGION).list_objects_v2(Bucket=BUCKET)
    assert KEEP_UNTIL not in {one["Key"] for one in listed.get("Contents", ())}


def test_a_release_without_launch_options_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"has no --spot and no --keep-for") as caught:
        go("--release", OLD, "--spot", "--keep-for", "3")
    assert "Leave out --release" in caught.value.advice


def test_a_cluster_of_an_old_release_ends_by_hand_only(capsys: Capture) -> None:
    go("--release", OLD)
    with pytest.raises(InputError, match="without --keep-for"):
        go("--keep-for", "3")
    assert row(capsys)["ending"]["when_idle"] is False
    invoke(status.app)
    assert "by hand" in capsys.readouterr().out


def test_what_cannot_be_read_about_the_end_is_reported(capsys: Capture) -> None:
    go()
    boto3.client("s3", REGION).put_object(Bucket=BUCKET, Key=KEEP_UNTIL, Body=b"soon")
    assert "not what gotocloud writes" in row(capsys)["ending"]["unknown"]


@pytest.mark.parametrize("hours", ["0", "721", "-3", "soon"])
def test_hours_that_make_no_sense_are_refused(hours: str) -> None:
    with pytest.raises(typer.BadParameter):
        go(f"--keep-for={hours}")


def test_how_it_ends_by_itself_is_reported_at_once(capsys: Capture) -> None:
    for options, said in (
        (("--release", OLD), "until you pause it: its head node has no idle guard"),
        ((), "pauses (after 2 idle hours)"),
        (("--keep-for", "2"), "UTC). Next:"),
    ):
        capsys.readouterr()
        go(*options)
        assert said in capsys.readouterr().err.replace("\n", " ")
        cfn = boto3.client("cloudformation", REGION)
        cfn.delete_stack(StackName=f"gotocloud-cluster-{NAME}")
