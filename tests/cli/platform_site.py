"""A folder with a platform, and AWS in this process, for tests of `gotocloud platform`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from gotocloud.contract.releases import (
    distribution_bucket,
)
from tests.cli.in_process import Outcome, Run, typed
from tests.needs import ROOT

ACCOUNT = "111111111111"
HOME = "ap-northeast-1"
REGIONS = (HOME, "us-east-1")
BUCKET = distribution_bucket(ACCOUNT, HOME)


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
        return typed(monkeypatch, capsys, "platform", *arguments)

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
