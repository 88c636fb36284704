"""`gotocloud platform prove` on the local AWS: a clean run, planted differences, kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from gotocloud.aws.proving.probes import answer_about
from gotocloud.cli.main import app
from gotocloud.contract.names import CLUSTER_SERVICE_ROLE
from gotocloud.errors import GoToCloudError
from gotocloud.platform.load import record_path
from gotocloud.proving.assumptions import assumption
from gotocloud.proving.journal import STATE
from gotocloud.proving.verdicts import Judged, judge
from gotocloud.rehearsal.profiles import add_scientists, write_profiles
from gotocloud.rehearsal.upkeep import PLATFORM, Rehearsal

pytestmark = pytest.mark.rehearsal

REGION = "us-east-1"
Answers = dict[str, Any]
Plant = Callable[[Answers], None]
STAGES_S = 400


@pytest.fixture
def folder(rehearsed: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the platform that is deployed, and profiles for its accounts."""
    source = rehearsed.local.state_dir / PLATFORM
    shutil.copy(source, tmp_path / "platform.yaml")
    shutil.copy(record_path(source), record_path(tmp_path / "platform.yaml"))
    profiles = write_profiles(rehearsed.local, rehearsed.platform, tmp_path / "aws-config")
    add_scientists(rehearsed.local, rehearsed.platform, profiles)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_CONFIG_FILE": str(profiles),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": rehearsed.endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(*more: str) -> list[str]:
    return ["platform", "prove", "--region", REGION, "--yes", "--json", *more]


def verdicts(folder: Path) -> dict[str, dict[str, Any]]:
    report = json.loads((folder / "proof" / "proof.json").read_text())
    return {one["id"]: one for one in report["assumptions"]}


def prove_until(stage: str, *more: str) -> dict[str, dict[str, Any]]:
    """Run it in this process; returns every assumption by its id."""
    with suppress(GoToCloudError):
        app(words("--stage", stage, *more), standalone_mode=False, prog_name="gotocloud")
    return verdicts(Path.cwd())


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Plant]:
    """Operation -> how its answer differs from that of the local AWS."""
    planted: dict[str, Plant] = {}
    original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self: Any, operation: str, arguments: Any) -> Any:
        try:
            answer = original(self, operation, arguments)
        except ClientError as error:
            if operation not in planted:
                raise
            answer = {"refused": error}
        if operation in planted:
            planted[operation](answer)
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return planted


def refused(operation: str, code: str, message: str = "") -> Plant:
    def plant(_: Answers) -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, operation)

    return plant


def no_quota(answer: Answers) -> None:
    for one in answer["Quotas"]:
        one["Value"] = 0.0


def no_peerings(answer: Answers) -> None:
    answer["Quota"]["Value"] = 0.0


def without_gpus(answer: Answers) -> None:
    kept = [one for one in answer["InstanceTypeOfferings"] if one["InstanceType"][0] != "g"]
    answer["InstanceTypeOfferings"] = kept


def not_opted_in(answer: Answers) -> None:
    answer["Regions"][-1]["OptInStatus"] = "not-opted-in"
    for one in answer["Regions"]:
        if one["RegionName"] == REGION:
            one["OptInStatus"] = "not-opted-in"


def one_member(answer: Answers) -> None:
    answer["Accounts"] = [{"Id": "111111111111"}]


def another_role(answer: Answers) -> None:
    role = answer["Role"]
    if role["RoleName"] == "AWSServiceRoleForEC2Spot":
        role["Path"] = "/"
    elif role["RoleName"] == "gotocloud-scientist":
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            statement.get("Condition", {}).pop("Bool", None)


def public(answer: Answers) -> None:
    answer["PolicyStatus"]["IsPublic"] = True


def failed_provider(answer: Answers) -> None:
    for one in answer["StackResourceSummaries"]:
        if one["ResourceType"] == "AWS::CloudFormation::Stack":
            one["ResourceStatus"] = "CREATE_FAILED"
            one["ResourceStatusReason"] = "Transform AWS::Serverless failed"


def no_routes(answer: Answers) -> None:
    for table in answer["RouteTables"]:
        table["Routes"] = []


def another_address(answer: Answers) -> None:
    for one in answer["Subscribers"]:
        one["Address"] = "other@example.org"


PLANTED: Mapping[str, Plant] = {
    "ListServiceQuotas": no_quota,
    "GetServiceQuota": no_peerings,
    "DescribeInstanceTypeOfferings": without_gpus,
    "DescribeRegions": not_opted_in,
    "ListAccounts": one_member,
    "GetRole": another_role,
    "HeadObject": refused("HeadObject", "404", "Not Found"),
    "GetBucketPolicyStatus": public,
    "ListStackResources": failed_provider,
    "CreateChangeSet": refused("CreateChangeSet", "LimitExceededException", "nested stacks"),
    "DescribeRouteTables": no_routes,
    "DescribeSubscribersForNotification": another_address,
}
REPORTED = {
    "vcpus-on-demand": "--quota-code L-1216C47A",
    "vcpus-on-spot": "--quota-code L-34B43A08",
    "vcpus-gpu": "--quota-code L-DB2E81BA",
    "addresses": "--quota-code L-0263D0A3",
    "nat-gateways": "--quota-code L-FE5A380F",
    "lustre-storage": "--quota-code L-AD2FC696",
    "peerings": "--quota-code L-7E9ECCDB --desired-value 125",
    "zone-offers-types": "gotocloud platform zones --refresh",
    "regions-enabled": "aws account enable-region",
    "organisation": "invite-account-to-organization",
    "spot-role": "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com",
    "mfa-condition": "deploy the group's stack again",
    "provider-template": "choose a version that AWS publishes there",
    "distribution-policy-not-public": "aws:PrincipalOrgID",
    "group-stack": "--method=direct",
    "change-set": "cdk deploy --method=direct",
    "peering": "deploy the group's stack again",
    "budget-mail": "the right alert_email",
    "record": "gotocloud platform record",
}
"""Assumption that a planted difference refutes -> part of the remedy."""


def test_a_clean_run_up_to_the_group_finds_no_difference(folder: Path) -> None:
    found = prove_until("group")
    against = {name for name, one in found.items() if one["verdict"] in {"differs", "unknown"}}
    assert against == set()
    assert found["spot-role"]["verdict"] == "confirmed"
    assert found["group-stack"]["verdict"] == "not confirmed here"
    assert found["gpu"]["verdict"] == "not confirmed here"
    assert found["budget-mail-arrives"]["verdict"] == "not confirmed here"
    assert found["project-stack"]["verdict"] == "not reached"


def test_nineteen_planted_differences_are_each_reported_with_their_remedy(
    folder: Path, answers: dict[str, Plant]
) -> None:
    record = record_path(folder / "platform.yaml")
    record.write_text(record.read_text().replace("vpc_id: vpc-", "vpc_id: vpc-0", 1))
    answers.update(PLANTED)
    found = prove_until("group")
    differ = {name for name, one in found.items() if one["verdict"] == "differs"}
    assert differ == set(REPORTED)
    for name, remedy in REPORTED.items():
        assert remedy in found[name]["remedy"], name
        assert found[name]["answer"]


def kept_stack(answer: Answers) -> None:
    answer["Stacks"][0]["StackStatus"] = "DELETE_FAILED"


def another_service_role(answer: Answers) -> None:
    answer["Stacks"][0]["RoleARN"] = "arn:aws:iam::222222222222:role/another"


def test_a_deletion_that_its_role_does_not_end_is_reported(
    rehearsed: Rehearsal, answers: dict[str, Plant]
) -> None:
    """The stack is made and deleted as a cluster's is: with CloudFormation's role."""
    account = rehearsed.platform.groups[0].account
    cfn = rehearsed.local.client("cloudformation", account, REGION)
    name = "gotocloud-cluster-hanako-proof"
    handle = {"Resources": {"A": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    role = f"arn:aws:iam::{account}:role/{CLUSTER_SERVICE_ROLE}"
    site = SimpleNamespace(
        account=SimpleNamespace(client=lambda _: cfn), names=SimpleNamespace(cluster_stack=name)
    )
    row = assumption("deletion-passes-role")

    def asked() -> Judged:
        return judge(row, answer_about(site, row), local=True)  # type: ignore[arg-type]

    assert asked().answer == f"no stack {name} is listed"
    cfn.create_stack(StackName=name, TemplateBody=json.dumps(handle), RoleARN=role)
    cfn.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert asked().verdict == "differs"
    cfn.delete_stack(StackName=name)
    cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert asked().verdict == "not confirmed here"
    done = f"{name} is DELETE_COMPLETE, with {CLUSTER_SERVICE_ROLE}"
    assert asked().answer.startswith(done)
    for plant in (kept_stack, another_service_role):
        answers["DescribeStacks"] = plant
        assert asked().verdict == "differs"
        assert "until then no cluster pauses itself" in asked().remedy


def test_a_denied_action_is_reported_as_the_permission_that_lacks(
    folder: Path, answers: dict[str, Plant]
) -> None:
    message = "is not authorized to perform: budgets:ViewBudget"
    answers["DescribeNotificationsForBudget"] = refused("x", "AccessDeniedException", message)
    one = prove_until("group")["budget-mail"]
    assert (one["verdict"], one["answer"]) == ("unknown", "no permission for budgets:ViewBudget")
    assert one["remedy"].startswith("allow budgets:ViewBudget to the profile")


def test_a_missing_role_for_spot_is_reported(folder: Path, answers: dict[str, Plant]) -> None:
    answers["GetRole"] = refused("GetRole", "NoSuchEntity")
    one = prove_until("account")["spot-role"]
    assert one["verdict"] == "differs"
    assert "has no role AWSServiceRoleForEC2Spot" in one["answer"]


def test_a_profile_of_another_principal_is_reported(folder: Path) -> None:
    one = prove_until("account", "--scientist-profile", "membrane-lab")["credentials"]
    assert one["verdict"] == "differs"
    assert "membrane-lab is arn:aws:sts::222222222222:assumed-role/Organization" in one["answer"]


def test_a_mail_that_a_person_has_seen_is_kept(folder: Path) -> None:
    prove_until("account", "--seen", "budget-mail-arrives")
    assert "budget-mail-arrives" in json.loads((folder / "proof" / STATE).read_text())["seen"]


def test_it_is_killed_three_times_and_leaves_nothing(folder: Path, rehearsed: Rehearsal) -> None:
    """SIGKILL to it and its commands: while it makes the project, the cluster, the pause."""
    group = rehearsed.platform.groups[0]
    cfn = rehearsed.local.client("cloudformation", group.account, REGION)
    before = billed(rehearsed)
    stacks = {one["StackName"] for one in cfn.describe_stacks()["Stacks"]}

    kill_when("made", "project")
    kill_when("made", "cluster")
    kill_when("done", "job")
    done = subprocess.run(
        [sys.executable, "-m", "gotocloud", *words()],
        capture_output=True,
        text=True,
        check=False,
        timeout=STAGES_S,
    )
    assert done.returncode == 0, done.stderr
    found = verdicts(folder)
    assert not [one for one in found.values() if one["verdict"] in {"differs", "unknown"}]
    assert found["nothing-bills-after-pause"]["answer"].startswith("nothing is left")
    assert found["project-gone"]["verdict"] == "not confirmed here"
    assert billed(rehearsed) == before
    assert {one["StackName"] for one in cfn.describe_stacks()["Stacks"]} == stacks
    kept = json.loads((folder / "proof" / STATE).read_text())
    assert (kept["made"], kept["usd_per_hour"]) == ([], "0")


def kill_when(list_name: str, stage: str) -> None:
    """Start it, and kill it with its commands when its journal lists a stage."""
    state = Path("proof") / STATE
    process = subprocess.Popen(
        [sys.executable, "-m", "gotocloud", *words()],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + STAGES_S
    while time.monotonic() < deadline and process.poll() is None:
        if state.exists() and stage in json.loads(state.read_text())[list_name]:
            break
        time.sleep(0.1)
    # The command that it has begun is under way.
    time.sleep(1.5)
    assert process.poll() is None, "it was over before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def billed(rehearsed: Rehearsal) -> list[str]:
    """What is billed by the hour in the group's account, by the one list of all commands."""
    from gotocloud.aws.billed import inventory
    from gotocloud.aws.proving.site import ProfileCloud

    found = inventory(ProfileCloud(rehearsed.platform.groups[0].name, REGION))
    assert not found.unknown
    return sorted(one.identifier for one in found.found)
