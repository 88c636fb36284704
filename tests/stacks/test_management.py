from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from gotocloud.platform.model import Group, Management, Platform
from gotocloud.platform.record import record_from_outputs
from gotocloud.platform.zones import zone_map
from gotocloud.stacks.management import ManagementStack, accounts_by_chunk
from gotocloud.stacks.region import RegionStack
from tests.stacks.conftest import of_type

pytestmark = pytest.mark.cdk

HOME = "ap-northeast-1"


@pytest.fixture(scope="module")
def thousand() -> Platform:
    return Platform(
        name="thousand",
        management=Management(account="111111111111", home_region=HOME),
        regions=(HOME,),
        groups=tuple(
            Group.model_validate(
                {
                    "name": f"g{number}",
                    "number": number,
                    "account": f"{200000000000 + number}",
                    "regions": [HOME],
                    "scientists": ["a"],
                    "monthly_budget_usd": 1,
                    "alert_email": "a@example.org",
                }
            )
            for number in range(1, 1001)
        ),
    )


@pytest.fixture(scope="module")
def large(
    thousand: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, dict[str, Any]]:
    directory = tmp_path_factory.mktemp("thousand")
    app = cdk.App(outdir=str(directory), analytics_reporting=False)
    zones = zone_map().region(HOME)
    ManagementStack(app, "ManagementStack", platform=thousand, zones=zones)
    RegionStack(app, "RegionStack", platform=thousand, region=HOME, zones=zones)
    app.synth()
    return {
        name: json.loads(Path(directory / f"{name}.template.json").read_text())
        for name in ("ManagementStack", "RegionStack")
    }


def test_it_has_what_the_architecture_names(example: Mapping[str, dict[str, Any]]) -> None:
    template = example["ManagementStack"]
    for kind in (
        "AWS::EFS::FileSystem",
        "AWS::EFS::AccessPoint",
        "AWS::EC2::LaunchTemplate",
        "AWS::S3::Bucket",
        "AWS::DataSync::LocationEFS",
    ):
        assert len(of_type(template, kind)) == 1, kind
    assert {role["RoleName"] for role in of_type(template, "AWS::IAM::Role")} == {
        "gotocloud-build-host",
        "gotocloud-deployment",
        "gotocloud-flow-logs",
        "gotocloud-peering-acceptor-00",
        "gotocloud-replication",
    }


def test_its_outputs_are_what_the_record_reads(example: Mapping[str, dict[str, Any]]) -> None:
    assert {"DistributionBucketName", "AcceptorRoleArn0"} <= set(
        example["ManagementStack"]["Outputs"]
    )


def test_the_masters_location_is_written_down_for_the_regions(
    example: Mapping[str, dict[str, Any]],
) -> None:
    (parameter,) = of_type(example["ManagementStack"], "AWS::SSM::Parameter")
    assert parameter["Name"] == "/gotocloud/master/datasync-location-arn"
    assert parameter["Value"]["Fn::GetAtt"][1] == "LocationArn"


def test_datasync_reads_the_master_and_does_not_write_it(
    example: Mapping[str, dict[str, Any]],
) -> None:
    (master,) = of_type(example["ManagementStack"], "AWS::EFS::FileSystem")
    found = {s["Sid"]: s for s in master["FileSystemPolicy"]["Statement"]}
    assert "Replication" in json.dumps(found["ReadAll"]["Principal"])
    assert "BuildHost" in json.dumps(found["Write"]["Principal"])
    assert "Replication" not in json.dumps(found["Write"]["Principal"])


def test_a_thousand_groups_fit_cloudformations_limits(
    large: Mapping[str, dict[str, Any]],
) -> None:
    for template in large.values():
        assert len(template["Resources"]) <= 500
        assert len(template["Outputs"]) <= 200
        assert len(json.dumps(template, indent=1)) <= 1_000_000


def test_a_thousand_groups_fit_the_policies(large: Mapping[str, dict[str, Any]]) -> None:
    template = large["ManagementStack"]
    (bucket,) = of_type(template, "AWS::S3::BucketPolicy")
    assert len(json.dumps(bucket["PolicyDocument"], separators=(",", ":"))) <= 20 * 1024
    roles = of_type(template, "AWS::IAM::Role")
    assert len(roles) == 40 + 4
    for role in roles:
        assert len(json.dumps(role["AssumeRolePolicyDocument"])) <= 2048


def test_every_shard_has_a_share_of_its_own(large: Mapping[str, dict[str, Any]]) -> None:
    template = large["RegionStack"]
    assert len(of_type(template, "AWS::EC2::VPC")) == 8
    assert len(of_type(template, "AWS::EFS::FileSystem")) == 8
    assert len(of_type(template, "AWS::DataSync::Task")) == 8
    for group in of_type(template, "AWS::EC2::SecurityGroup"):
        assert len(group.get("SecurityGroupIngress", [])) <= 60


def test_the_record_can_be_written_from_the_outputs(
    thousand: Platform, large: Mapping[str, dict[str, Any]]
) -> None:
    def outputs(stack: str) -> dict[str, str]:
        values = {key: str(o["Value"]) for key, o in large[stack]["Outputs"].items()}
        values |= {k: f"arn:aws:iam::111111111111:role/{k}" for k in values if "Acceptor" in k}
        return {k: "apne1-az4=10.0.0.5" if "Mount" in k else v for k, v in values.items()}

    record = record_from_outputs(
        thousand, outputs("ManagementStack"), {HOME: outputs("RegionStack")}
    )
    assert sorted(record.management.acceptor_roles) == list(range(40))
    assert sorted(record.regions[HOME].shares) == list(range(8))


def test_each_acceptor_role_serves_25_accounts(thousand: Platform) -> None:
    chunks = accounts_by_chunk(thousand)
    assert {len(accounts) for accounts in chunks.values()} == {25}
    assert chunks[0][0] == "200000000001"
    assert chunks[39][-1] == "200000001000"
