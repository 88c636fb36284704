"""`gotocloud platform update`: what it shows and what it refuses, against AWS in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.cli.in_process import Outcome, typed
from tests.needs import ROOT

EXAMPLE = ROOT / "platform.example.yaml"
GROUP, REGION = "222222222222", "ap-northeast-1"
STORE = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "gotocloud-x"}}
PROPERTIES = {"Name": "/a", "Type": "String", "Value": "1"}
PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": PROPERTIES}


def assembly(folder: Path, **resources: Any) -> Path:
    """A cloud assembly with the group's stack."""
    folder.mkdir(exist_ok=True)
    (folder / "UserStack.template.json").write_text(json.dumps({"Resources": resources}))
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{GROUP}/{REGION}",
        "properties": {"templateFile": "UserStack.template.json", "stackName": "gotocloud-user"},
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"UserStack": artifact}}))
    return folder


@pytest.fixture
def update(
    aws: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Any:
    """Runs the command with the group's account; gives the exit code and what was printed."""
    monkeypatch.setattr("gotocloud.aws.session.account_id", lambda _region: GROUP)

    def run(*words: object, **resources: Any) -> Outcome:
        source = assembly(tmp_path / "out", **resources)
        given = ("--platform", EXAMPLE, "--from", source, *words)
        return typed(monkeypatch, capsys, "platform", "update", *given)

    return run


@pytest.fixture
def deployed(aws: None) -> None:
    """The group's stack as it is."""
    boto3.client("cloudformation", region_name=REGION).create_stack(
        StackName="gotocloud-user",
        TemplateBody=json.dumps({"Resources": {"Store": STORE, "Fact": PARAMETER}}),
    )


@pytest.mark.usefixtures("deployed")
def test_a_change_in_place_is_shown_with_the_command_that_makes_it(update: Any) -> None:
    changed = {**PARAMETER, "Properties": {**PROPERTIES, "Value": "2"}}
    status, out, err = update(Store=STORE, Fact=changed)
    assert status == 0
    assert "in place" in out
    assert "Next: cdk deploy UserStack -c group=membrane-lab" in err
    assert "Not looked at: management" in err
    assert "Not looked at: ribosome-lab" in err


@pytest.mark.usefixtures("deployed")
def test_the_loss_of_data_is_refused_with_the_reason(update: Any) -> None:
    renamed = {**STORE, "Properties": {"BucketName": "gotocloud-y"}}
    status, out, err = update(Store=renamed, Fact=PARAMETER)
    assert status == 1
    assert "its objects" in out
    assert "UserStack: Store (AWS::S3::Bucket) would be replaced" in err
    assert "cdk deploy" not in err
    status, out, _ = update("--json", Store=renamed, Fact=PARAMETER)
    (stack,) = json.loads(out)["stacks"]
    assert (status, stack["owner"], len(stack["refused_because"])) == (1, "membrane-lab", 1)


@pytest.mark.usefixtures("deployed")
def test_nothing_to_do_is_reported(update: Any) -> None:
    status, _, err = update(Store=STORE, Fact=PARAMETER)
    assert status == 0
    assert "UserStack does not change." in err
    assert "Nothing to do: all is up to date." in err


def test_a_stack_that_does_not_exist_would_be_created(update: Any) -> None:
    status, _, err = update(Store=STORE)
    assert status == 0
    assert "UserStack is not deployed yet: it would be created." in err
    assert "Next: cdk deploy UserStack -c group=membrane-lab" in err


def test_an_account_of_no_group_is_refused(update: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gotocloud.aws.session.account_id", lambda _region: "999999999999")
    status, _, err = update(Store=STORE)
    assert (status, "account 999999999999, which is not of platform" in err) == (2, True)
