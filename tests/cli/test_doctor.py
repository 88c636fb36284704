"""`gotocloud doctor`, against AWS in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from gotocloud.cli.commands import doctor, setup
from gotocloud.contract.releases import MANIFEST, MOUNT_SOFTWARE, SCRIPT_DIGESTS
from gotocloud.platform.release import Release, sha256
from tests.cli import group_account
from tests.cli.group_account import BUCKET, REGION, build, facts, invoke
from tests.cli.group_account import invoke_for_code as run


def told(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code, and the findings by severity."""
    capsys.readouterr()
    code = run(doctor.app, "--json")
    found: dict[str, list[dict[str, Any]]] = {}
    for one in json.loads(capsys.readouterr().out):
        found.setdefault(one["severity"], []).append(one)
    return code, found


def checks(findings: list[dict[str, Any]]) -> set[str]:
    return {one["check"] for one in findings}


@pytest.mark.usefixtures("aws")
class TestDoctor:
    def test_a_healthy_account_has_no_problem(self, capsys: pytest.CaptureFixture[str]) -> None:
        build()
        invoke(setup.app, "p")
        code, found = told(capsys)
        assert (code, found.get("error")) == (0, None)
        assert {"Credentials", "Group", "Release", "Stacks", "Left over"} <= checks(found["ok"])

    def test_what_failed_in_another_region_of_the_group_is_found(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build()
        assert checks(told(capsys)[1]["unknown"]) >= {"ap-northeast-1"}
        monkeypatch.setattr(group_account, "REGION", "ap-northeast-1")
        facts("vpc-0123456789abcdef0")
        boto3.client("ec2", "ap-northeast-1").create_volume(
            AvailabilityZone="ap-northeast-1a", Size=10
        )
        code, found = told(capsys)
        assert code == 1
        assert "Left over in ap-northeast-1" in checks(found["error"])

    def test_an_account_without_group_is_a_problem(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, found = told(capsys)
        assert (code, checks(found["error"])) == (1, {"Group"})

    def test_the_right_region_is_named(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build()
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        _, found = told(capsys)
        assert found["error"][0]["remedy"] == f"type: export AWS_REGION={REGION}"

    def test_a_region_that_is_none_is_a_problem(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_REGION", "tokyo")
        code, found = told(capsys)
        assert (code, checks(found["error"])) == (1, {"Region"})

    def test_an_unreadable_release_is_a_problem(self, capsys: pytest.CaptureFixture[str]) -> None:
        build()
        boto3.client("s3", REGION).put_object(
            Bucket=BUCKET, Key="releases/0.10.0/project.template.json", Body=b"{}"
        )
        assert checks(told(capsys)[1]["error"]) == {"Release"}

    def test_a_script_that_changed_after_the_launch_is_found(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        build()
        url = f"s3://{BUCKET}/releases/0.10.0/{MOUNT_SOFTWARE}"
        runs_it = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "x", "Type": "String", "Value": url},
        }
        template = {
            "Metadata": {SCRIPT_DIGESTS: {MOUNT_SOFTWARE: sha256(b"#!/bin/sh\n")}},
            "Resources": {"Cluster": runs_it},
        }
        boto3.client("cloudformation", REGION).create_stack(
            StackName="gotocloud-cluster-p", TemplateBody=json.dumps(template)
        )
        assert "Node scripts" in checks(told(capsys)[1]["ok"])
        s3 = boto3.client("s3", REGION)
        # An attacker who can change the script can change the manifest beside it as well.
        planted = Release("0.10.0", {MOUNT_SOFTWARE: b"rm -rf /\n"})
        for path, content in {**planted.files, MANIFEST: planted.manifest}.items():
            s3.put_object(Bucket=BUCKET, Key=f"releases/0.10.0/{path}", Body=content)
        [found] = [one for one in told(capsys)[1]["error"] if one["check"] == "Node scripts"]
        assert sha256(b"rm -rf /\n") in found["text"]
        assert "pause the cluster" in found["remedy"]
        s3.delete_object(Bucket=BUCKET, Key=f"releases/0.10.0/{MOUNT_SOFTWARE}")
        [found] = [one for one in told(capsys)[1]["error"] if one["check"] == "Node scripts"]
        assert "missing now" in found["text"]

    def test_what_is_billed_without_a_cluster_is_found(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vpc_id = build()
        ec2: Any = boto3.client("ec2", REGION)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
        subnet = ec2.describe_subnets(Filters=filters)["Subnets"][0]["SubnetId"]
        gateway = ec2.create_nat_gateway(SubnetId=subnet)["NatGateway"]["NatGatewayId"]
        code, found = told(capsys)
        assert code == 1
        texts = " ".join(one["text"] for one in found["error"])
        assert address in texts
        assert gateway in texts

    def test_missing_programs_come_with_their_remedy(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build()
        monkeypatch.setattr("gotocloud.cli.commands.doctor.shutil.which", lambda _: None)
        _, found = told(capsys)
        assert {"aws", "session-manager-plugin"} <= checks(found["warning"])
        assert all(one["remedy"] for one in found["warning"])


@pytest.mark.usefixtures("scientist")
def test_without_credentials_the_sign_on_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    code, found = told(capsys)
    assert (code, checks(found["error"])) == (1, {"Credentials"})
    assert "gotocloud login" in found["error"][0]["remedy"]
    assert checks(found["unknown"]) == {"Clock"}


@pytest.mark.usefixtures("scientist")
def test_a_profile_without_the_session_name_is_named_before_anything_is_tried(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text(
        "[profile lab-sign-in]\nlogin_session = arn:aws:iam::222222222222:user/hanako\n"
        "[profile lab]\nsource_profile = lab-sign-in\n"
        "role_arn = arn:aws:iam::222222222222:role/gotocloud-scientist\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    code, found = told(capsys)
    assert (code, checks(found["error"])) == (1, {"Profile"})
    (problem,) = found["error"]
    assert "lacks the line role_session_name" in problem["text"]
    assert "role_session_name = hanako" in problem["remedy"]


@pytest.mark.usefixtures("scientist")
def test_expired_credentials_and_a_wrong_clock_are_distinguished(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.awsrequest import AWSResponse
    from botocore.endpoint import Endpoint

    class Raw:
        def stream(self, *_: Any, **__: Any) -> Any:
            yield b"<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>"

    headers: Any = {"date": "Sun, 22 Nov 2020 12:00:00 GMT", "content-type": "text/xml"}
    monkeypatch.setattr(
        Endpoint, "_send", lambda *_: AWSResponse("https://sts", 403, headers, Raw())
    )
    _, found = told(capsys)
    assert checks(found["error"]) == {"Credentials", "Clock"}
    assert "expired" in found["error"][0]["text"]
    assert "ahead of AWS's" in found["error"][1]["text"]
