"""`gotocloud platform`, run in this process against AWS in this process (moto)."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

from gotocloud.cli.main import main
from gotocloud.cluster_configs.model import configuration_names
from gotocloud.contract.releases import (
    CONFIGURE_HEAD_NODE,
    MOUNT_SOFTWARE,
    SCRIPT_DIGESTS,
    distribution_bucket,
)
from gotocloud.platform.record import load_record
from gotocloud.platform.release import sha256
from tests.needs import ROOT

ACCOUNT = "111111111111"
HOME = "ap-northeast-1"
REGIONS = (HOME, "us-east-1")
BUCKET = distribution_bucket(ACCOUNT, HOME)


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the example as its platform file."""
    shutil.copy(ROOT / "platform.example.yaml", tmp_path / "platform.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `gotocloud platform …`."""

    def invoke(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["gotocloud", "platform", *arguments])
        try:
            main()
            code: Any = 0
        except SystemExit as stop:
            code = stop.code or 0
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Outcome(int(code), said.out, said.err)

    return invoke


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        role = f"arn:aws:iam::{ACCOUNT}:role/anyone"
        keys = boto3.client("sts", HOME).assume_role(RoleArn=role, RoleSessionName="test")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["Credentials"]["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["Credentials"]["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", keys["Credentials"]["SessionToken"])
        # The session of the keys before would act in moto's default account.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield


def files_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def deploy(name: str, region: str, outputs: dict[str, str]) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    boto3.client("cloudformation", region).create_stack(
        StackName=name, TemplateBody=json.dumps(template)
    )


def deploy_management() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/gotocloud-peering-acceptor-00"
    outputs = {"DistributionBucketName": BUCKET, "AcceptorRoleArn0": role}
    deploy("gotocloud-management", HOME, outputs)


def deploy_region(region: str, cidr: str) -> None:
    outputs = {
        "Share0VpcId": "vpc-1",
        "Share0Cidr": cidr,
        "Share0RouteTableId": "rtb-1",
        "Share0FileSystemId": "fs-1",
        "Share0MountTargets": "apne1-az1=10.0.0.5,apne1-az4=10.0.0.37",
    }
    deploy("gotocloud-region", region, outputs)


def test_check_shows_the_groups(run: Run) -> None:
    outcome = run("check")
    assert outcome.code == 0
    assert "222222222222" in outcome.out
    assert "is in order: 2 groups, 3 scientists, 2 regions." in outcome.err
    assert "no platform.record.yaml yet" in outcome.err


def test_check_prints_json(run: Run) -> None:
    data = json.loads(run("check", "--json").out)
    assert data["network"] == {"pool": "10.0.0.0/8"}
    assert [group["number"] for group in data["groups"]] == [1, 2]


def test_check_names_the_group_that_meets_a_quota_and_the_command_that_raises_it(
    run: Run, folder: Path
) -> None:
    path = folder / "platform.yaml"
    people = "".join(f"\n      - person{number}" for number in range(3))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("      - scientist3", f"      - scientist3{people}", 1))
    outcome = run("check")
    assert outcome.code == 0
    assert "the group ribosome-lab in ap-northeast-1 needs 8 addresses" in outcome.err
    assert "--service-code ec2 --quota-code L-0263D0A3 --desired-value 8" in outcome.err
    data = json.loads(run("check", "--json").out)
    lacking = [one for one in data["quotas"] if not one["enough"]]
    assert [(one["code"], one["first_group"]) for one in lacking] == [
        ("L-0263D0A3", "ribosome-lab")
    ]
    assert all(one["source"].startswith("https://docs.aws.amazon.com/") for one in data["quotas"])


def test_check_of_a_bad_file_tells_everything_and_exits_with_2(run: Run, folder: Path) -> None:
    path = folder / "platform.yaml"
    text = path.read_text(encoding="utf-8").replace('"333333333333"', "333333333333")
    path.write_text(text.replace("monthly_budget_usd: 3000", "monthly_budget_usd: 0"))
    outcome = run("check")
    assert outcome.code == 2
    assert outcome.out == ""
    assert "has 2 problems" in outcome.err
    assert 'write it in quotes: "333333333333"' in outcome.err
    assert "0 is not a budget" in outcome.err


@pytest.mark.parametrize("command", ["check", "plan", "record", "publish"])
def test_a_missing_platform_file_exits_with_2(run: Run, folder: Path, command: str) -> None:
    outcome = run(command, "--platform", "absent.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert "There is no platform file absent.yaml" in outcome.err
    assert "Next: cp platform.example.yaml platform.yaml" in outcome.err
    assert files_in(folder) == ["platform.yaml"]


def test_plan_shows_every_network(run: Run) -> None:
    plan = json.loads(run("plan", "--json").out)
    assert plan["management_network"] == "10.0.255.0/24"
    assert [share["network"] for share in plan["shares"]] == ["10.0.0.0/24", "10.0.8.0/24"]
    assert [group["network"] for group in plan["groups"]] == [
        "10.1.0.0/20",
        "10.1.16.0/20",
        "10.1.64.0/20",
    ]
    outcome = run("plan")
    assert "10.1.16.0/20" in outcome.out
    assert "room for 1,000 groups, next free number 3" in outcome.err


def test_schema_is_the_committed_one(run: Run) -> None:
    assert run("schema").out == (ROOT / "docs" / "platform.schema.json").read_text("utf-8")


def test_zones_shows_the_chosen_zones_of_a_region(run: Run) -> None:
    outcome = run("zones", "us-east-1", "--json")
    assert json.loads(outcome.out)["regions"]["us-east-1"]["chosen"] == ["use1-az1", "use1-az2"]
    outcome = run("zones")
    assert "apne1-az4" in outcome.out
    assert "Left out: il-central-1: no single zone runs everything" in outcome.err
    assert "moto 5.2.5" in outcome.err


def test_zones_of_unknown_regions_are_all_told(run: Run) -> None:
    outcome = run("zones", "us-eest-1", "il-central-1")
    assert (outcome.code, outcome.out) == (2, "")
    assert "No region named 'us-eest-1'" in outcome.err
    assert "'il-central-1' cannot be used" in outcome.err


@pytest.mark.usefixtures("aws")
def test_refresh_keeps_the_answer_beside_the_platform_file(run: Run, folder: Path) -> None:
    dry = run("zones", "--refresh", "--dry-run")
    assert dry.code == 0
    assert files_in(folder) == ["platform.yaml"]
    outcome = run("zones", "--refresh", "us-east-1", "--json")
    assert outcome.code == 0
    assert "No zone has changed." in outcome.err
    assert files_in(folder) == ["platform.yaml", "platform.zones.json"]
    kept = json.loads((folder / "platform.zones.json").read_text("utf-8"))
    assert list(kept["regions"]) == ["us-east-1"]
    assert kept["regions"]["us-east-1"]["source"].startswith("EC2 DescribeInstanceTypeOff")


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("broken", ["{", "[]", '{"regions": 1}', "\0\udcff"])
def test_refresh_repairs_a_zone_map_that_is_none(run: Run, folder: Path, broken: str) -> None:
    content = broken.encode(errors="surrogateescape")
    (folder / "platform.zones.json").write_bytes(content)
    assert run("zones").code == 2
    dry = run("zones", "--refresh", "--dry-run", "us-east-1")
    assert (dry.code, "is not a zone map" in dry.err) == (0, True)
    assert run("zones", "--refresh").code == 0
    assert (folder / "platform.zones.json.broken").read_bytes() == content
    assert run("zones").code == 0


@pytest.mark.usefixtures("aws")
def test_refresh_of_an_unknown_region_asks_and_writes_nothing(run: Run, folder: Path) -> None:
    outcome = run("zones", "--refresh", "us-est-1", "nowhere")
    assert outcome.code == 2
    assert "'us-est-1'" in outcome.err
    assert "'nowhere'" in outcome.err
    assert files_in(folder) == ["platform.yaml"]


@pytest.mark.usefixtures("aws")
def test_record_is_written_once_all_stacks_are_there(run: Run, folder: Path) -> None:
    deploy_management()
    outcome = run("record")
    assert outcome.code == 1
    assert "gotocloud-region in ap-northeast-1 is not deployed" in outcome.err
    assert "cdk deploy RegionStack-us-east-1" in outcome.err
    assert files_in(folder) == ["platform.yaml"]

    deploy_region(HOME, "10.0.0.0/24")
    deploy_region("us-east-1", "10.0.8.0/24")
    dry = run("record", "--dry-run")
    assert "distribution_bucket" in dry.out
    assert files_in(folder) == ["platform.yaml"]

    assert run("record").code == 0
    path = folder / "platform.record.yaml"
    assert load_record(path).share("us-east-1", 0).file_system_id == "fs-1"
    assert files_in(folder) == ["platform.record.yaml", "platform.yaml"]
    before = path.read_bytes()
    assert "Nothing to do" in run("record").err
    assert path.read_bytes() == before
    assert json.loads(run("check", "--json").out)["notes"] == []


@pytest.mark.usefixtures("aws")
def test_a_failed_record_leaves_the_old_one(run: Run, folder: Path) -> None:
    deploy_management()
    deploy_region(HOME, "10.0.77.0/24")
    old = folder / "platform.record.yaml"
    old.write_text("old")
    outcome = run("record")
    assert outcome.code == 1
    assert "Share0Cidr is 10.0.77.0/24, the address plan has 10.0.0.0/24" in outcome.err
    assert "gotocloud-region in us-east-1 is not deployed" in outcome.err
    assert old.read_text() == "old"


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", ["record", "publish"])
def test_credentials_of_another_account_are_refused(run: Run, folder: Path, command: str) -> None:
    path = folder / "platform.yaml"
    path.write_text(path.read_text("utf-8").replace(ACCOUNT, "444444444444"))
    outcome = run(command)
    assert outcome.code == 2
    assert f"credentials belong to account {ACCOUNT}" in outcome.err
    assert "444444444444" in outcome.err


def test_without_credentials_the_next_command_is_named(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))
    outcome = run("record")
    assert outcome.code == 1
    assert "there are no AWS credentials" in outcome.err
    assert "Next: aws sso login" in outcome.err


@pytest.fixture
def assembly(folder: Path) -> Path:
    """A cloud assembly with every template of a release."""
    made = folder / "assembly"
    made.mkdir()
    names = ["ProjectStack"]
    names += [f"ClusterStack-{n}-{region}" for n in configuration_names() for region in REGIONS]
    scripts = (MOUNT_SOFTWARE, CONFIGURE_HEAD_NODE)
    digests = {path: sha256((ROOT / "gotocloud" / path).read_bytes()) for path in scripts}
    for name in names:
        template = {"Description": name, "Metadata": {SCRIPT_DIGESTS: digests}}
        (made / f"{name}.template.json").write_text(json.dumps(template))
    return made


def make_bucket() -> None:
    boto3.client("s3", HOME).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
    )


def published() -> list[str]:
    listed = boto3.client("s3", HOME).list_objects_v2(Bucket=BUCKET)
    return [item["Key"] for item in listed.get("Contents", [])]


@pytest.mark.usefixtures("aws")
def test_publish_uploads_templates_and_scripts_once(run: Run, assembly: Path) -> None:
    make_bucket()
    dry = run("publish", "--version", "1.0", "--from", "assembly", "--dry-run", "--json")
    assert {file["state"] for file in json.loads(dry.out)["files"]} == {"would be uploaded"}
    assert published() == []

    assert run("publish", "--version", "1.0", "--from", "assembly").code == 0
    assert set(published()) == {
        "releases/1.0/manifest.json",
        "releases/1.0/project.template.json",
        "releases/1.0/node/configure-head-node.sh",
        "releases/1.0/node/inventory.py",
        "releases/1.0/node/mount-software.sh",
        "releases/1.0/node/relion-submit-template.sh",
        *(
            f"releases/1.0/cluster/{name}/{region}.template.json"
            for name in configuration_names()
            for region in REGIONS
        ),
    }
    again = run("publish", "--version", "1.0", "--from", "assembly")
    assert again.code == 0
    assert "Nothing to do" in again.err

    (assembly / "ProjectStack.template.json").write_text("{}")
    other = run("publish", "--version", "1.0", "--from", "assembly")
    assert other.code == 1
    assert "never overwritten" in other.err
    assert "project.template.json differs" in other.err


@pytest.mark.usefixtures("aws")
def test_publish_of_an_incomplete_folder_writes_nothing(run: Run, assembly: Path) -> None:
    make_bucket()
    (assembly / "ProjectStack.template.json").unlink()
    (assembly / "ClusterStack-tutorial-us-east-1.template.json").unlink()
    outcome = run("publish", "--from", "assembly")
    assert outcome.code == 1
    assert "ProjectStack is missing" in outcome.err
    assert "ClusterStack-tutorial-us-east-1 is missing" in outcome.err
    assert published() == []


@pytest.mark.usefixtures("aws")
def test_publish_without_bucket_cdk_app_or_version_is_told(run: Run, assembly: Path) -> None:
    outcome = run("publish", "--from", "assembly")
    assert outcome.code == 1
    assert f"no distribution bucket {BUCKET}" in outcome.err
    outcome = run("publish")
    assert outcome.code == 2
    assert "no CDK app (cdk.json)" in outcome.err
    outcome = run("publish", "--version", "a/b")
    assert outcome.code == 2
    assert "'a/b' is not a version" in outcome.err
    outcome = run("publish", "--from", "absent")
    assert outcome.code == 2
    assert "no templates in absent" in outcome.err


@pytest.mark.usefixtures("aws")
def test_publish_without_the_cdk_says_how_to_get_it(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "cdk.json").write_text("{}")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    outcome = run("publish")
    assert outcome.code == 2
    assert "The CDK command line is not installed" in outcome.err
    assert "Next: make env" in outcome.err


@pytest.mark.usefixtures("aws")
def test_a_failed_synthesis_shows_what_the_cdk_said(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdk = folder / "cdk"
    cdk.write_text('#!/bin/sh\necho "said: $*" >&2\nexit 3\n')
    cdk.chmod(0o755)
    (folder / "cdk.json").write_text("{}")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: str(cdk))
    outcome = run("publish", "--version", "2.0")
    assert outcome.code == 1
    assert "The templates cannot be synthesised" in outcome.err
    assert "said: synth --quiet --output" in outcome.err
    assert f"--context templates=2.0 --context platform={folder}/platform.yaml" in outcome.err


@pytest.mark.parametrize("command", ["check", "plan", "zones", "schema", "record", "publish"])
def test_every_command_has_one_sentence_and_an_example(run: Run, command: str) -> None:
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert f"Example: gotocloud platform {command}" in outcome.out
