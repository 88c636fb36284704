from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from gotocloud.constructs.facts import FactParameters
from gotocloud.constructs.group_vpc import GroupVpc
from gotocloud.constructs.zone_entry import ZoneEntry, zone_entry
from gotocloud.contract.group_facts import Fact
from gotocloud.platform.zones import zone_map
from tests.constructs.samples import (
    REGION,
    only,
    resources,
    sample_calls,
    sample_roles,
    sample_stack,
)

pytestmark = pytest.mark.cdk


def test_a_group_has_one_public_subnet_and_free_ways_to_s3_and_dynamodb() -> None:
    stack = sample_stack()
    GroupVpc(
        stack,
        "Vpc",
        name="group",
        cidr=IPv4Network("10.1.0.0/20"),
        zone_id="apne1-az4",
        roles=sample_roles(stack),
        calls=sample_calls(stack),
    )
    subnet = only(stack, "AWS::EC2::Subnet")
    assert subnet["CidrBlock"] == "10.1.0.0/24"
    assert subnet["AvailabilityZoneId"] == "apne1-az4"
    assert {e["ServiceName"] for e in resources(stack, "AWS::EC2::VPCEndpoint")} == {
        "com.amazonaws.ap-northeast-1.s3",
        "com.amazonaws.ap-northeast-1.dynamodb",
    }
    assert {e["VpcEndpointType"] for e in resources(stack, "AWS::EC2::VPCEndpoint")} == {"Gateway"}


def test_every_fact_has_its_parameter() -> None:
    stack = sample_stack()
    FactParameters(stack, "Facts", values={fact: f"value of {fact.name}" for fact in Fact})
    found = {p["Name"]: p["Value"] for p in resources(stack, "AWS::SSM::Parameter")}
    assert found == {fact.value: f"value of {fact.name}" for fact in Fact}


def test_a_fact_without_a_value_is_refused() -> None:
    values: dict[Fact, str] = {fact: "x" for fact in Fact if fact is not Fact.VPC_ID}
    with pytest.raises(ValueError, match="facts without a value: VPC_ID"):
        FactParameters(sample_stack(), "Facts", values=values)


@pytest.mark.parametrize("region", sorted(zone_map().regions))
def test_every_regions_zone_entry_fits_a_standard_parameter(region: str) -> None:
    zones = zone_map().region(region)
    assert len(zone_entry(zones, zones.chosen(2))) <= 4096


def test_the_zone_entry_names_the_chosen_zones() -> None:
    stack = sample_stack()
    zones = zone_map().region(REGION)
    ZoneEntry(stack, "ZoneEntry", zones=zones, chosen=zones.chosen(2))
    entry = only(stack, "AWS::SSM::Parameter")
    assert entry["Name"] == "/gotocloud/zone-map"
    assert zones.chosen(2)[0] in entry["Value"]
