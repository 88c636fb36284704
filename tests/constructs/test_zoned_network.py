from __future__ import annotations

import json
from ipaddress import IPv4Network

import pytest

from tests.constructs.samples import SUBNETS, only, resources, sample_network, sample_stack

pytestmark = pytest.mark.cdk


def test_subnets_stand_in_zones_named_by_id() -> None:
    stack = sample_stack()
    sample_network(stack)
    found = {s["AvailabilityZoneId"]: s for s in resources(stack, "AWS::EC2::Subnet")}
    assert {zone: s["CidrBlock"] for zone, s in found.items()} == {
        zone: str(network) for zone, network in SUBNETS.items()
    }
    assert all(s["MapPublicIpOnLaunch"] is False for s in found.values())
    assert all("AvailabilityZone" not in s for s in found.values())


def test_without_internet_there_is_no_gateway_and_no_route() -> None:
    stack = sample_stack()
    sample_network(stack, internet=False)
    assert resources(stack, "AWS::EC2::InternetGateway") == []
    assert resources(stack, "AWS::EC2::Route") == []


def test_with_internet_there_is_one_route_to_it() -> None:
    stack = sample_stack()
    sample_network(stack, internet=True)
    assert only(stack, "AWS::EC2::Route")["DestinationCidrBlock"] == "0.0.0.0/0"


def test_every_rule_of_the_default_security_group_is_taken_away() -> None:
    stack = sample_stack()
    sample_network(stack)
    calls = [json.dumps(call["Create"]) for call in resources(stack, "Custom::AWS")]
    assert len(calls) == 2
    assert any("revokeSecurityGroupIngress" in call for call in calls)
    assert any("revokeSecurityGroupEgress" in call for call in calls)
    assert all("DefaultSecurityGroup" in call for call in calls)


def test_flows_are_logged_and_deleted_after_a_while() -> None:
    stack = sample_stack()
    sample_network(stack)
    assert only(stack, "AWS::EC2::FlowLog")["TrafficType"] == "ALL"
    groups = {g["LogGroupName"]: g for g in resources(stack, "AWS::Logs::LogGroup")}
    assert groups["/gotocloud/flow-logs/sample"]["RetentionInDays"] == 90


@pytest.mark.parametrize(
    ("subnets", "problem"),
    [
        ({}, "it has no subnet"),
        ({"a-az1": "10.8.0.0/27"}, "10.8.0.0/27 in a-az1 is not in 10.9.0.0/24"),
        (
            {"a-az1": "10.9.0.0/26", "a-az2": "10.9.0.32/27"},
            "10.9.0.32/27 in a-az2 overlaps 10.9.0.0/26 in a-az1",
        ),
    ],
)
def test_subnets_that_cannot_be_are_refused(subnets: dict[str, str], problem: str) -> None:
    networks = {zone: IPv4Network(text) for zone, text in subnets.items()}
    with pytest.raises(ValueError, match=problem):
        sample_network(sample_stack(), subnets=networks)
