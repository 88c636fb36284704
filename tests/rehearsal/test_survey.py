"""Asking a local AWS what exists where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.survey import SurveyedAccount, survey
from gotocloud.rehearsal.survey_model import AccountSurvey, RegionSurvey
from tests.rehearsal.surveys import medium, small

pytestmark = pytest.mark.rehearsal

REGION = "eu-central-1"
HOST, GUEST = "111111111111", "222222222222"
PLACES = (
    SurveyedAccount(HOST, "management", (REGION, "us-east-1")),
    SurveyedAccount(GUEST, "lab", (REGION,)),
)


@dataclass(frozen=True)
class Built:
    """What the fixture made."""

    aws: LocalAws
    host_vpc: str
    guest_vpc: str
    peering: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    aws = LocalAws.start(Path(tmp_path_factory.mktemp("aws")), account=HOST)
    try:
        yield build(aws)
    finally:
        aws.stop()


def build(aws: LocalAws) -> Built:
    host, guest = aws.client("ec2", HOST, REGION), aws.client("ec2", GUEST, REGION)
    host_vpc = host.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    guest_vpc = guest.create_vpc(CidrBlock="10.1.0.0/20")["Vpc"]["VpcId"]
    subnet = host.create_subnet(
        VpcId=host_vpc, CidrBlock="10.0.0.0/27", AvailabilityZoneId="euc1-az2"
    )["Subnet"]["SubnetId"]
    peering = guest.create_vpc_peering_connection(
        VpcId=guest_vpc, PeerVpcId=host_vpc, PeerOwnerId=HOST
    )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    host.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    table = guest.create_route_table(VpcId=guest_vpc)["RouteTable"]["RouteTableId"]
    guest.create_route(
        RouteTableId=table, DestinationCidrBlock="10.0.0.0/24", VpcPeeringConnectionId=peering
    )
    gateway = guest.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    guest.attach_internet_gateway(InternetGatewayId=gateway, VpcId=guest_vpc)
    open_table = guest.create_route_table(VpcId=guest_vpc)["RouteTable"]["RouteTableId"]
    guest.create_route(RouteTableId=open_table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    for cidr, its_table in (("10.1.0.0/24", open_table), ("10.1.1.0/24", table)):
        made = guest.create_subnet(VpcId=guest_vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]
        guest.associate_route_table(RouteTableId=its_table, SubnetId=made)
    efs = aws.client("efs", HOST, REGION)
    fs = efs.create_file_system(CreationToken="x", Encrypted=True)["FileSystemId"]
    efs.create_mount_target(FileSystemId=fs, SubnetId=subnet, IpAddress="10.0.0.5")
    for name, region in (("here-1", REGION), ("there-1", "us-east-1")):
        place = (
            {}
            if region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        aws.client("s3", HOST, region).create_bucket(Bucket=name, **place)
    aws.client("iam", GUEST, REGION).create_user(UserName="asha")
    aws.client("secretsmanager", GUEST, REGION).create_secret(Name="s/asha", SecretString="xyzzy")
    return Built(aws, host_vpc, guest_vpc, peering)


@pytest.fixture(scope="module")
def accounts(built: Built) -> tuple[AccountSurvey, ...]:
    return survey(PLACES, built.aws.client).accounts


@pytest.fixture(scope="module")
def host(accounts: tuple[AccountSurvey, ...]) -> RegionSurvey:
    return accounts[0].regions[0]


@pytest.fixture(scope="module")
def guest(accounts: tuple[AccountSurvey, ...]) -> RegionSurvey:
    return accounts[1].regions[0]


def test_networks_are_found_in_their_accounts(
    built: Built, host: RegionSurvey, guest: RegionSurvey
) -> None:
    assert [(vpc.id, vpc.cidr) for vpc in host.vpcs] == [(built.host_vpc, "10.0.0.0/24")]
    assert [(vpc.id, vpc.cidr) for vpc in guest.vpcs] == [(built.guest_vpc, "10.1.0.0/20")]


def test_subnets_have_the_id_of_their_zone(host: RegionSurvey) -> None:
    assert [(s.cidr, s.zone_id) for s in host.vpcs[0].subnets] == [("10.0.0.0/27", "euc1-az2")]


def test_a_subnet_is_public_when_its_route_table_leads_to_the_internet(
    host: RegionSurvey, guest: RegionSurvey
) -> None:
    assert [(s.cidr, s.public) for s in guest.vpcs[0].subnets] == [
        ("10.1.0.0/24", True),
        ("10.1.1.0/24", False),
    ]
    assert not host.vpcs[0].subnets[0].public


def test_both_accounts_see_the_peering_and_it_counts_once(
    built: Built, accounts: tuple[AccountSurvey, ...]
) -> None:
    found = survey(PLACES, built.aws.client)
    assert [(region, p.id, p.state) for region, p in found.peerings()] == [
        (REGION, built.peering, "active")
    ]
    assert all(account.regions[0].peerings for account in accounts)


def test_a_route_counts_for_the_network_that_has_it(built: Built) -> None:
    found = survey(PLACES, built.aws.client)
    assert found.routed(built.guest_vpc, built.peering)
    assert not found.routed(built.host_vpc, built.peering)


def test_a_file_system_is_found_with_its_mount_targets(built: Built, host: RegionSurvey) -> None:
    (fs,) = host.file_systems
    assert fs.encrypted
    assert [(t.ip, t.zone_id, t.vpc_id) for t in fs.mount_targets] == [
        ("10.0.0.5", "euc1-az2", built.host_vpc)
    ]


def test_a_bucket_stands_in_its_region(accounts: tuple[AccountSurvey, ...]) -> None:
    assert [region.buckets for region in accounts[0].regions] == [("here-1",), ("there-1",)]


def test_users_and_names_of_secrets_are_found_but_no_secret(
    built: Built, accounts: tuple[AccountSurvey, ...]
) -> None:
    assert accounts[1].users == ("asha",)
    assert accounts[1].regions[0].secrets == ("s/asha",)
    assert "xyzzy" not in json.dumps(survey(PLACES, built.aws.client).as_dict())


def test_a_survey_can_be_written_as_json() -> None:
    for found in (small(), medium()):
        assert json.loads(json.dumps(found.as_dict()))["accounts"]
