"""The list of what is billed, held against the templates that make it and against moto."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gotocloud.aws.billed import LOOKS, inventory
from gotocloud.aws.cloud import StandardCloud
from gotocloud.aws.removal import FREE_WITHOUT_STACK
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.tags import CLUSTER_TAG, HEAD_NODE, NODE_TYPE_TAG, STACK_TAG
from gotocloud.projects.billed import Billed, BilledKind, Inventory, with_costs
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.overview import Node, ProjectRow, project_rows
from tests.needs import need_parallelcluster
from tests.stacks.test_cluster import synthesised as cluster_template

REGION = "us-east-1"
NAMES = ProjectNames("hanako", "111111111111", "apo")
TAGS: list[Any] = [{"Key": key, "Value": value} for key, value in NAMES.tags.items()]
PCLUSTER = Path(__file__).parent.parent.parent / ".venv-pcluster"

NOT_BILLED_BY_THE_HOUR = {
    # Amazon VPC pricing: only gateways, endpoints and addresses of a VPC are charged for.
    *("AWS::EC2::Route", "AWS::EC2::RouteTable", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup"),
    *("AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"),
    *("AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::EIPAssociation"),
    # Amazon EC2 pricing: the machines that these lead to are charged for.
    *("AWS::EC2::LaunchTemplate", "AWS::EC2::NetworkInterface", "AWS::EC2::PlacementGroup"),
    # FSx for Lustre pricing: an association costs nothing beyond S3's requests.
    "AWS::FSx::DataRepositoryAssociation",
    # What CloudFormation and IAM make costs nothing.
    *("AWS::CloudFormation::Stack", "AWS::CloudFormation::CustomResource"),
    *("AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle"),
    *("AWS::IAM::InstanceProfile", "AWS::IAM::Policy", "AWS::IAM::Role"),
    # Billed by use: AWS Lambda, Amazon SNS and CloudWatch pricing.
    *("AWS::Lambda::Function", "AWS::Lambda::Permission"),
    *("AWS::Logs::LogGroup", "AWS::Logs::MetricFilter"),
    # Billed by request: ParallelCluster's table has BillingMode PAY_PER_REQUEST.
    "AWS::DynamoDB::Table",
    # USD 0.50 a month, not by the hour (Amazon Route 53 pricing); it goes with the stack.
    "AWS::Route53::HostedZone",
    # Made for login nodes and for EFS of its own only, which no configuration of ours has.
    *("AWS::AutoScaling::AutoScalingGroup", "AWS::EFS::FileSystem", "AWS::EFS::MountTarget"),
    # What ParallelCluster's provider makes, which is the rest of this list.
    "Custom::PclusterCluster",
}
"""Types with the pricing page that says why, read in November 2026."""

SERVICES = {
    "ec2": "EC2",
    "fsx": "FSx",
    "efs": "EFS",
    "iam": "IAM",
    "logs": "Logs",
    "cfn": "CloudFormation",
    "awslambda": "Lambda",
    "dynamodb": "DynamoDB",
    "dynamomdb": "DynamoDB",
    "route53": "Route53",
    "autoscaling": "AutoScaling",
    "": "CloudFormation",
}
"""Services by their names in ParallelCluster's code, whose misspelling is its own."""


RESOURCE_TYPES: Mapping[BilledKind, tuple[str, ...]] = {
    BilledKind.MACHINE: ("AWS::EC2::Instance",),
    BilledKind.VOLUME: ("AWS::EC2::Volume",),
    BilledKind.NAT_GATEWAY: ("AWS::EC2::NatGateway",),
    BilledKind.ADDRESS: ("AWS::EC2::EIP",),
    BilledKind.LUSTRE: ("AWS::FSx::FileSystem",),
    BilledKind.ENDPOINT: ("AWS::EC2::VPCEndpoint",),
    BilledKind.SNAPSHOT: ("AWS::EC2::Snapshot",),
}
"""CloudFormation's types of each kind. A snapshot has none, and stands under EC2's name for it."""


def covered() -> set[str]:
    return {name for names in RESOURCE_TYPES.values() for name in names}


def pcluster_types() -> set[str]:
    """What ParallelCluster's own stack can hold, from its code; images are not clusters."""
    found = set()
    (folder,) = PCLUSTER.glob("lib/python3*/site-packages/pcluster/templates")
    for source in folder.glob("*.py"):
        if source.stem == "imagebuilder_stack":
            continue
        for service, name in re.findall(r"\b(?:(\w+)\.)?Cfn([A-Z]\w+)\(", source.read_text()):
            if name not in {"Output", "Parameter", "Tag"}:
                found.add(f"AWS::{SERVICES[service]}::{name}")
    return found


@pytest.mark.cdk
def test_each_type_of_the_cluster_template_is_listed_or_known_to_cost_nothing_by_the_hour() -> None:
    types = {resource["Type"] for resource in cluster_template()["Resources"].values()}
    assert types - covered() - NOT_BILLED_BY_THE_HOUR == set()
    assert {"AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::FSx::FileSystem"} <= types & covered()


def test_each_type_of_parallelclusters_own_stack_is_listed_or_known_to_cost_nothing() -> None:
    need_parallelcluster()
    types = pcluster_types()
    assert types - covered() - NOT_BILLED_BY_THE_HOUR == set()
    assert {"AWS::EC2::Instance", "AWS::EC2::Volume", "AWS::EC2::EIP"} <= types & covered()


def test_what_may_be_left_behind_of_a_stack_costs_nothing() -> None:
    assert FREE_WITHOUT_STACK <= NOT_BILLED_BY_THE_HOUR


def _cluster_row(status: str) -> ProjectRow:
    stack = DeployedStack(NAMES.cluster_stack, status, tags=NAMES.tags)
    (row,) = project_rows((stack,), REGION, NAMES.scientist, None)
    return row


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_FAILED"])
def test_a_cluster_costs_what_exists_of_it_whatever_its_stack_is(status: str) -> None:
    there = Inventory(
        (
            Billed(BilledKind.MACHINE, "i-1", "running", "g4dn.metal", tags=NAMES.tags),
            Billed(BilledKind.MACHINE, "i-2", "running", "g4dn.metal", spot=True, tags=NAMES.tags),
            Billed(BilledKind.ADDRESS, "eip-1", tags=NAMES.tags),
            Billed(BilledKind.MACHINE, "i-3", "running", "g4dn.metal", tags={}),
        )
    )
    (row,) = with_costs((_cluster_row(status),), there, NAMES.account, REGION)
    assert row.cluster is not None
    assert row.cluster.cost.known_usd_per_hour == Decimal("7.824") + Decimal("0.005")
    assert row.cluster.cost.unknown == ("g4dn.metal on spot",)
    (none,) = with_costs((_cluster_row(status),), Inventory(), NAMES.account, REGION)
    assert none.cluster is not None
    assert str(none.cluster.cost) == "USD 0.00/h"


def test_what_could_not_be_listed_is_not_free() -> None:
    unread = Inventory(unknown={BilledKind.LUSTRE: "throttled"})
    (row,) = with_costs((_cluster_row("CREATE_COMPLETE"),), unread, NAMES.account, REGION)
    assert row.cluster is not None
    assert str(row.cluster.cost) == "at least USD 0.00/h"


def test_no_type_is_both_listed_and_reported_to_cost_nothing() -> None:
    assert covered() & NOT_BILLED_BY_THE_HOUR == set()


def test_each_kind_has_a_type_and_a_way_to_list_it() -> None:
    assert set(LOOKS) == set(RESOURCE_TYPES) == set(BilledKind)


def _tagged(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": TAGS}]


def _subnet(ec2: Any) -> tuple[str, str]:
    found = ec2.describe_subnets()["Subnets"][0]
    return found["SubnetId"], found["VpcId"]


def machine(ec2: Any) -> str:
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=_tagged("instance")
    )
    return str(made["Instances"][0]["InstanceId"])


def volume(ec2: Any) -> str:
    made = ec2.create_volume(
        AvailabilityZone=f"{REGION}a",
        Size=45,
        VolumeType="gp3",
        TagSpecifications=_tagged("volume"),
    )
    return str(made["VolumeId"])


def gateway(ec2: Any) -> str:
    made = ec2.create_nat_gateway(
        SubnetId=_subnet(ec2)[0],
        ConnectivityType="private",
        TagSpecifications=_tagged("natgateway"),
    )
    return str(made["NatGateway"]["NatGatewayId"])


def address(ec2: Any) -> str:
    made = ec2.allocate_address(Domain="vpc", TagSpecifications=_tagged("elastic-ip"))
    return str(made["AllocationId"])


def lustre(ec2: Any) -> str:
    made = boto3.client("fsx", REGION).create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=[_subnet(ec2)[0]],
        LustreConfiguration={"DeploymentType": "SCRATCH_2"},
        Tags=TAGS,
    )
    return str(made["FileSystem"]["FileSystemId"])


def endpoint(ec2: Any) -> str:
    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface",
        VpcId=_subnet(ec2)[1],
        ServiceName=f"com.amazonaws.{REGION}.ssm",
        TagSpecifications=_tagged("vpc-endpoint"),
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def snapshot(ec2: Any) -> str:
    made = ec2.create_snapshot(VolumeId=volume(ec2), TagSpecifications=_tagged("snapshot"))
    return str(made["SnapshotId"])


MAKERS: dict[BilledKind, Callable[[Any], str]] = {
    BilledKind.MACHINE: machine,
    BilledKind.VOLUME: volume,
    BilledKind.NAT_GATEWAY: gateway,
    BilledKind.ADDRESS: address,
    BilledKind.LUSTRE: lustre,
    BilledKind.ENDPOINT: endpoint,
    BilledKind.SNAPSHOT: snapshot,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_what_a_project_has_of_each_kind_is_found(
    kind: BilledKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        identifier = MAKERS[kind](boto3.client("ec2", REGION))
        found = inventory(StandardCloud(REGION))
    assert found.unknown == {}
    (one,) = [one for one in found.found if one.identifier == identifier]
    assert one.kind is kind
    of_project = found.of_project(NAMES.tags)
    # A snapshot outlives its cluster, so pausing does not wait for it.
    assert (one in of_project) is (kind is not BilledKind.SNAPSHOT)


@pytest.mark.parametrize("kind", BilledKind)
def test_what_no_cluster_needs_is_left_over_and_what_one_needs_is_not(kind: BilledKind) -> None:
    def left(stack: str, cluster: str) -> bool:
        one = Billed(kind, "x", state="running", tags={STACK_TAG: stack, CLUSTER_TAG: cluster})
        return bool(Inventory((one,)).without_cluster("vpc-1", {"s"}, {"c"}))

    assert left("gone", "gone")
    assert not left("s", "c")


def test_an_attached_volume_and_another_network_are_not_left_over() -> None:
    found = Inventory(
        (
            Billed(BilledKind.VOLUME, "vol-1", attached=True),
            Billed(BilledKind.NAT_GATEWAY, "nat-1", vpc="vpc-other"),
            Billed(BilledKind.MACHINE, "i-1", state="running"),
        )
    )
    assert found.without_cluster("vpc-1", (), ()) == ()


def test_a_stopped_machine_of_a_cluster_that_is_gone_is_left_over() -> None:
    one = Billed(BilledKind.MACHINE, "i-1", state="stopped", tags={CLUSTER_TAG: "gone"})
    assert Inventory((one,)).without_cluster("vpc-1", (), {"c"}) == (one,)


def test_prices_are_those_of_the_table_and_none_where_none_is_known() -> None:
    gib = Billed(BilledKind.VOLUME, "vol-1", type="gp3", gib=730).usd_per_hour(REGION)
    assert gib == Decimal("0.08")
    assert Billed(BilledKind.NAT_GATEWAY, "nat-1").usd_per_hour(REGION) == Decimal("0.045")
    assert (
        Billed(BilledKind.MACHINE, "i-1", type="g6.xlarge", spot=True).usd_per_hour(REGION) is None
    )
    assert Billed(BilledKind.ENDPOINT, "vpce-1").usd_per_hour(REGION) is None


@pytest.mark.parametrize(
    ("tags", "left"),
    [
        ({}, True),
        ({STACK_TAG: "s"}, False),
        ({"Name": "s /Nat"}, False),
        ({CLUSTER_TAG: "c"}, False),
        ({STACK_TAG: "other", "Name": "other /Nat", CLUSTER_TAG: "other"}, True),
    ],
)
def test_one_tag_of_a_cluster_that_stands_is_enough_to_be_needed(
    tags: dict[str, str], *, left: bool
) -> None:
    gateway = Billed(BilledKind.NAT_GATEWAY, "nat-1", vpc="vpc-1", tags=tags)
    assert bool(Inventory((gateway,)).without_cluster("vpc-1", {"s"}, {"c"})) is left


def test_a_snapshot_without_the_tag_of_a_cluster_is_not_left_over() -> None:
    snapshot = Billed(BilledKind.SNAPSHOT, "snap-1")
    assert Inventory((snapshot,)).without_cluster("vpc-1", {"s"}, {"c"}) == ()


def test_a_machine_has_the_price_of_its_type_on_demand_and_none_on_spot() -> None:
    machine = Billed(BilledKind.MACHINE, "i-1", type="m5.xlarge")
    assert machine.usd_per_hour(REGION) == Decimal("0.192")
    assert replace(machine, spot=True).usd_per_hour(REGION) is None


def test_machines_of_clusters_are_read_with_their_kind() -> None:
    head = {CLUSTER_TAG: "c", NODE_TYPE_TAG: HEAD_NODE}
    found = Inventory(
        (
            Billed(BilledKind.MACHINE, "i-1", state="running", type="m5.xlarge", tags=head),
            Billed(
                BilledKind.MACHINE,
                "i-2",
                state="pending",
                type="g6.xlarge",
                spot=True,
                tags={CLUSTER_TAG: "c"},
            ),
            Billed(BilledKind.MACHINE, "i-3", state="stopped", tags=head),
            Billed(BilledKind.MACHINE, "i-4", state="running"),
            Billed(BilledKind.VOLUME, "vol-1", state="running", tags=head),
        )
    )
    assert found.nodes() == (
        Node(cluster="c", instance_type="m5.xlarge", head=True, spot=False),
        Node(cluster="c", instance_type="g6.xlarge", head=False, spot=True),
    )
    assert Inventory(unknown={BilledKind.MACHINE: "denied"}).nodes() is None


def test_a_billed_resource_is_described_by_what_is_known_of_it() -> None:
    volume = Billed(BilledKind.VOLUME, "vol-1", state="in-use", type="gp3", gib=2400)
    assert str(volume) == f"vol-1: {BilledKind.VOLUME}, gp3, 2,400 GiB, in-use"
    assert str(Billed(BilledKind.ENDPOINT, "vpce-1")) == f"vpce-1: {BilledKind.ENDPOINT}"
