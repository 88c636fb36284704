"""What the rehearsal adds to the local AWS: images, the provider, clusters, Slurm on nodes."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.platform.load import load_platform
from gotocloud.rehearsal.extension.control import Control
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.profiles import write_profiles
from gotocloud.rehearsal.upkeep import _started
from local_aws.testing import MANAGEMENT, MEMBER, TOKYO, VIRGINIA, Stacks, until
from tests.needs import ROOT


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    running = LocalAws.start(tmp_path_factory.mktemp("aws"), account=MANAGEMENT)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stacks(local: LocalAws) -> Stacks:
    return Stacks(local)


def test_official_images_are_offered_in_every_region(local: LocalAws) -> None:
    pattern = f"{engine_of().image_name_prefix('ubuntu2404', 'x86_64')}-*"
    wanted = [{"Name": "name", "Values": [pattern]}]
    for region in (TOKYO, VIRGINIA, "eu-central-1"):
        found = local.client("ec2", MEMBER, region).describe_images(
            Owners=["amazon"], Filters=wanted
        )
        assert len(found["Images"]) == 1


def _network(cidr: str) -> dict[str, Any]:
    vpc = {"VpcId": {"Ref": "Vpc"}}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {**vpc, "CidrBlock": cidr, "AvailabilityZoneId": "use1-az2"},
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": vpc},
    }


def _provider(region: str, **parameters: Any) -> dict[str, Any]:
    url = engine_of().provider_template_url(region)
    properties = {"TemplateURL": url, "Parameters": parameters}
    return {"Type": "AWS::CloudFormation::Stack", "Properties": properties}


LAMBDA_ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                }
            ]
        }
    },
}


@pytest.mark.parametrize(
    ("region", "parameters", "reason"),
    [
        (VIRGINIA, {}, "IAM administration"),
        (VIRGINIA, {"CustomLambdaRole": f"arn:aws:iam::{MEMBER}:role/no"}, "cannot be assumed"),
        (VIRGINIA, {"Colour": "red"}, "do not exist"),
        ("eu-west-1", {}, "is of eu-west-1"),
    ],
)
def test_a_provider_that_would_not_work_fails(
    stacks: Stacks, region: str, parameters: dict[str, str], reason: str
) -> None:
    name = f"provider-{reason.replace(' ', '-')}"
    made = stacks.create(name, {"Provider": _provider(region, **parameters)})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in stacks.reasons(name)


@pytest.mark.pcluster
def test_a_bad_configuration_fails_the_stack_with_the_validators_words(stacks: Stacks) -> None:
    head_node = {"InstanceType": "m5.xlarge", "Networking": {"SubnetId": {"Ref": "Subnet"}}}
    configuration = {
        "Image": {"Os": "alinux2"},
        "HeadNode": head_node,
        "Scheduling": {"Scheduler": "slurm", "SlurmQueues": []},
    }
    made = stacks.create(
        "bad-cluster",
        {
            **_network("10.6.0.0/24"),
            "Role": LAMBDA_ROLE,
            "Provider": _provider(VIRGINIA, CustomLambdaRole={"Fn::GetAtt": ["Role", "Arn"]}),
            "Cluster": {
                "Type": "Custom::PclusterCluster",
                "Properties": {
                    "ServiceToken": {"Fn::GetAtt": ["Provider", "Outputs.ServiceToken"]},
                    "ClusterName": "bad",
                    "ClusterConfiguration": configuration,
                },
            },
        },
        Capabilities=["CAPABILITY_IAM"],
    )
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "alinux2" in stacks.reasons("bad-cluster")


def test_a_start_that_was_interrupted_is_carried_on(tmp_path: Path) -> None:
    """The server of a killed `up` may come up while the next `up` starts one of its own."""
    command = [sys.executable, "-m", "local_aws.server", "--state", str(tmp_path)]
    orphan = subprocess.Popen([*command, "--account", MANAGEMENT], start_new_session=True)
    try:
        found = _started(tmp_path, MANAGEMENT)
        found.wait()
        assert found.healthy()
        assert found == LocalAws.running(tmp_path)
        found.stop()
    finally:
        orphan.kill()
        orphan.wait()


def test_the_keys_of_profiles_are_closed_to_other_users(local: LocalAws, tmp_path: Path) -> None:
    platform = load_platform(ROOT / "platform.example.yaml")
    path = tmp_path / "aws-config"
    path.touch(mode=0o644)
    written = write_profiles(local, platform, path)
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert "aws_secret_access_key" in written.read_text()


def test_which_jobs_run_can_be_read(local: LocalAws) -> None:
    ec2, ssm = (local.client(service, MEMBER, VIRGINIA) for service in ("ec2", "ssm"))
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, InstanceType="m5.xlarge", MinCount=1, MaxCount=1)
    head = made["Instances"][0]["InstanceId"]
    control = Control(local)
    control.add_node(head, MEMBER, VIRGINIA, {})

    def squeue() -> tuple[str, str]:
        asked = {"commands": ["/opt/slurm/bin/squeue --noheader --format='%i %j %T'"]}
        sent = ssm.send_command(
            InstanceIds=[head], DocumentName="AWS-RunShellScript", Parameters=asked
        )["Command"]["CommandId"]

        def over() -> Any:
            found = ssm.get_command_invocation(CommandId=sent, InstanceId=head)
            return None if found["Status"] in ("Pending", "InProgress") else found

        done = until(over, 20)
        return done["Status"], done["StandardOutputContent"]

    job = {"job_id": 7, "name": "refine", "partition": "refine3d", "state": "RUNNING"}
    control.set_jobs(head, [job])
    assert squeue() == ("Success", "7 refine RUNNING\n")
    control.set_jobs(head, [], down=True)
    assert squeue() == ("Failed", "")
