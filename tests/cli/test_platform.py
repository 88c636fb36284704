"""`gotocloud platform`, run in this process against AWS in this process (moto)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gotocloud.platform.record import load_record
from tests.cli.in_process import Run
from tests.cli.platform_site import (
    ACCOUNT,
    HOME,
    deploy_management,
    deploy_region,
    files_in,
)
from tests.cli.platform_site import aws as aws
from tests.cli.platform_site import folder as folder
from tests.cli.platform_site import run as run
from tests.needs import ROOT


def test_check_shows_the_groups(run: Run) -> None:
    outcome = run("check")
    assert outcome.code == 0
    assert "222222222222" in outcome.out
    assert "is in order: 2 groups, 3 scientists, 2 regions." in outcome.out
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


def test_check_of_a_bad_file_reports_everything_and_exits_with_2(run: Run, folder: Path) -> None:
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


def test_zones_of_unknown_regions_are_all_reported(run: Run) -> None:
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
def test_answers_of_a_stand_in_never_take_the_place_of_those_of_aws(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = "http://127.0.0.1:5000"
    deploy_management()
    deploy_region(HOME, "10.0.0.0/24")
    deploy_region("us-east-1", "10.0.8.0/24")
    assert run("zones", "--refresh", "us-east-1").code == run("record").code == 0
    paths = [folder / "platform.zones.json", folder / "platform.record.yaml"]
    before = [path.read_bytes() for path in paths]
    # Only where the answers come from changes; moto gives them all the same.
    for module in ("gotocloud.aws.session", "gotocloud.aws.offerings"):
        monkeypatch.setattr(f"{module}.stand_in", lambda *_: local)
    monkeypatch.setattr("gotocloud.origin.endpoint", lambda *_: local)
    for words in (("zones", "--refresh", "us-east-1"), ("record",)):
        refused = run(*words)
        assert (refused.code, f"those of {local} would replace" in refused.err) == (2, True)
    assert [path.read_bytes() for path in paths] == before

    for path in paths:
        path.unlink()
    assert run("zones", "--refresh", "us-east-1").code == run("record").code == 0
    assert all(local in path.read_text() for path in paths)
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    for words in (("zones",), ("check",)):
        refused = run(*words)
        assert (refused.code, f"was written from {local}" in refused.err) == (2, True)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("broken", ["{", "[]", '{"regions": 1}', "\0\udcff"])
def test_refresh_repairs_a_zone_map_that_is_none(run: Run, folder: Path, broken: str) -> None:
    content = broken.encode(errors="surrogateescape")
    (folder / "platform.zones.json").write_bytes(content)
    assert run("zones").code == 2
    dry = run("zones", "--refresh", "--dry-run", "us-east-1")
    assert (dry.code, "platform.zones.json" in dry.err) == (0, True)
    assert run("zones", "--refresh").code == 0
    assert (folder / "platform.zones.json.broken").read_bytes() == content
    assert run("zones").code == 0


@pytest.mark.usefixtures("aws")
def test_refresh_of_an_unknown_region_reads_and_writes_nothing(run: Run, folder: Path) -> None:
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
    (note,) = json.loads(run("check", "--json").out)["notes"]
    assert note.startswith("a new account has 0 vCPUs of machines with GPUs (L-DB2E81BA")


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
    assert "Next: gotocloud login" in outcome.err


@pytest.mark.parametrize("command", ["check", "plan", "zones", "schema", "record", "publish"])
def test_every_command_has_one_sentence_and_an_example(run: Run, command: str) -> None:
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert f"Example: gotocloud platform {command}" in outcome.out
