"""ParallelCluster's versions side by side: each with its own library, on one local AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from gotocloud.aws.deployed import versions_in
from gotocloud.cluster_configs.engine import DEFAULT_VERSION, ENGINES
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.contract.tags import CLUSTER_TAG, VERSION_TAG
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.validation import validate
from local_aws.testing import MANAGEMENT, VIRGINIA, Stacks
from local_aws.testing import outputs as outputs_of
from tests.needs import need_parallelcluster
from tests.rehearsal.test_extension import LAMBDA_ROLE

OLDER = [version for version in ENGINES if version != DEFAULT_VERSION]
pytestmark = [pytest.mark.pcluster, pytest.mark.xdist_group("versions")]


@pytest.mark.parametrize("version", OLDER)
def test_an_older_version_takes_every_configuration(version: str) -> None:
    """One region stands for all: zones differ in instance types, which no version knows better."""
    need_parallelcluster(version)
    configurations = [load_configuration(name) for name in configuration_names()]
    verdicts = list(validate(configurations, [VIRGINIA], ENGINES[version]))
    assert [(one.configuration, one.form) for one in verdicts if not one.passed] == []
    assert len(verdicts) == 2 * len(configurations)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stacks]:
    for version in ENGINES:
        need_parallelcluster(version)
    running = LocalAws.start(tmp_path_factory.mktemp("versions"), account=MANAGEMENT)
    yield Stacks(running)
    running.stop()


def network_and_providers() -> dict[str, Any]:
    """A network, and a provider of each version, as a group's stack has them."""
    vpc = {"VpcId": {"Ref": "Vpc"}}
    resources: dict[str, Any] = {
        "Vpc": {
            "Type": "AWS::EC2::VPC",
            "Properties": {
                "CidrBlock": "10.6.0.0/24",
                "EnableDnsSupport": True,
                "EnableDnsHostnames": True,
            },
        },
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {**vpc, "InternetGatewayId": {"Ref": "Gateway"}},
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": vpc},
        "Route": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attachment",
            "Properties": {
                "RouteTableId": {"Ref": "Table"},
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": {"Ref": "Gateway"},
            },
        },
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                **vpc,
                "CidrBlock": "10.6.0.0/24",
                "AvailabilityZoneId": "use1-az2",
                "MapPublicIpOnLaunch": True,
            },
        },
        "Routes": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Table"}},
        },
        "Role": LAMBDA_ROLE,
    }
    for version, engine in ENGINES.items():
        resources[f"Provider{version.replace('.', '')}"] = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {
                "TemplateURL": engine.provider_template_url(VIRGINIA),
                "Parameters": {"CustomLambdaRole": {"Fn::GetAtt": ["Role", "Arn"]}},
            },
        }
    return resources


def outputs() -> dict[str, Any]:
    """The subnet, and the token of each version's provider."""
    tokens = {
        f"Token{version.replace('.', '')}": {
            "Value": {"Fn::GetAtt": [f"Provider{version.replace('.', '')}", "Outputs.ServiceToken"]}
        }
        for version in ENGINES
    }
    return {"Subnet": {"Value": {"Ref": "Subnet"}}, **tokens}


def cluster(name: str, token: str, subnet: str) -> dict[str, Any]:
    """The smallest cluster."""
    networking = {"SubnetIds": [subnet]}
    queue = {
        "Name": "q",
        "ComputeResources": [{"Name": "c", "InstanceType": "c6i.4xlarge", "MaxCount": 1}],
        "Networking": networking,
    }
    configuration = {
        "Image": {"Os": "ubuntu2404"},
        "HeadNode": {"InstanceType": "m5.xlarge", "Networking": {"SubnetId": subnet}},
        "Scheduling": {"Scheduler": "slurm", "SlurmQueues": [queue]},
    }
    properties = {
        "ServiceToken": token,
        "ClusterName": name,
        "ClusterConfiguration": configuration,
    }
    return {"Cluster": {"Type": "Custom::PclusterCluster", "Properties": properties}}


def test_clusters_of_all_versions_run_at_once_and_each_is_deleted_by_its_own(
    stacks: Stacks,
) -> None:
    made = stacks.create(
        "group", network_and_providers(), Outputs=outputs(), Capabilities=["CAPABILITY_IAM"]
    )
    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("group")
    found = outputs_of(made)
    names = {version: f"v{version.replace('.', '-')}" for version in ENGINES}
    for version, name in names.items():
        token = found[f"Token{version.replace('.', '')}"]
        done = stacks.create(f"stack-{name}", cluster(name, token, found["Subnet"]))
        assert done["StackStatus"] == "CREATE_COMPLETE", stacks.reasons(f"stack-{name}")
    assert running(stacks) == {name: version for version, name in names.items()}
    head_nodes = images(stacks)
    for version in ENGINES:
        assert f"aws-parallelcluster-{version}-ubuntu" in head_nodes[names[version]]
    oldest = OLDER[-1]
    stacks.delete(f"stack-{names.pop(oldest)}")
    assert running(stacks) == {name: version for version, name in names.items()}
    for name in names.values():
        stacks.delete(f"stack-{name}")
    assert running(stacks) == {}


def running(stacks: Stacks) -> Mapping[str, str]:
    """ParallelCluster's version of each cluster there is."""
    cfn = stacks.client("cloudformation")
    return versions_in(cfn.describe_stacks()["Stacks"])


def images(stacks: Stacks) -> Mapping[str, str]:
    """The name of the image of each cluster's head node."""
    ec2 = stacks.client("ec2")
    wanted = [{"Name": "instance-state-name", "Values": ["running", "pending"]}]
    machines = [
        machine
        for reservation in ec2.describe_instances(Filters=wanted)["Reservations"]
        for machine in reservation["Instances"]
    ]
    tags = [{tag["Key"]: tag["Value"] for tag in one.get("Tags", ())} for one in machines]
    names = {
        image["ImageId"]: image["Name"]
        for image in ec2.describe_images(ImageIds=[one["ImageId"] for one in machines])["Images"]
    }
    return {
        tag[CLUSTER_TAG]: names[machine["ImageId"]]
        for machine, tag in zip(machines, tags, strict=True)
        if VERSION_TAG in tag
    }
