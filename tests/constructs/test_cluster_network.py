"""The network that lives as long as a cluster."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Match, Template

from tests.constructs.cluster_samples import cluster_network, only, stack

pytestmark = pytest.mark.cdk


@pytest.fixture(scope="module")
def template() -> Template:
    scope = stack()
    cluster_network(scope)
    return Template.from_stack(scope)


def route(template: Template, destination: str) -> dict[str, Any]:
    found = template.find_resources(
        "AWS::EC2::Route", {"Properties": {"DestinationCidrBlock": destination}}
    )
    [definition] = found.values()
    return dict(definition["Properties"])


def test_compute_subnet_stands_in_the_groups_zone_by_id(template: Template) -> None:
    template.has_resource_properties(
        "AWS::EC2::Subnet",
        {
            "AvailabilityZoneId": "apne1-az1",
            "AvailabilityZone": Match.absent(),
            "CidrBlock": "10.1.1.0/24",
            "VpcId": "vpc-1",
        },
    )


def test_compute_nodes_get_no_public_address(template: Template) -> None:
    template.has_resource_properties("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": False})


def test_internet_is_reached_through_a_nat_gateway_in_the_public_subnet(
    template: Template,
) -> None:
    gateway_id, gateway = only(template, "AWS::EC2::NatGateway")
    address_id, _ = only(template, "AWS::EC2::EIP")
    assert gateway["Properties"]["SubnetId"] == "subnet-public"
    assert gateway["Properties"]["AllocationId"] == {"Fn::GetAtt": [address_id, "AllocationId"]}
    assert route(template, "0.0.0.0/0")["NatGatewayId"] == {"Ref": gateway_id}


def test_software_share_is_reached_through_the_peering(template: Template) -> None:
    assert route(template, "10.0.0.0/24")["VpcPeeringConnectionId"] == "pcx-1"


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_s3_and_dynamodb_are_reached_by_an_endpoint_of_the_new_route_table(
    template: Template, service: str
) -> None:
    table_id, _ = only(template, "AWS::EC2::RouteTable")
    endpoints = template.find_resources(
        "AWS::EC2::VPCEndpoint", {"Properties": {"RouteTableIds": [{"Ref": table_id}]}}
    )
    names = [str(endpoint["Properties"]["ServiceName"]) for endpoint in endpoints.values()]
    assert sum(f".{service}'" in name for name in names) == 1
    assert {e["Properties"]["VpcEndpointType"] for e in endpoints.values()} == {"Gateway"}


@pytest.mark.parametrize("billed", ["AWS::EC2::NatGateway", "AWS::EC2::EIP"])
def test_what_is_billed_by_the_hour_goes_with_the_stack(template: Template, billed: str) -> None:
    _, definition = only(template, billed)
    assert definition["DeletionPolicy"] == "Delete"


def test_what_depends_on_the_ways_out_keeps_them_all_until_it_is_gone() -> None:
    scope = stack()
    network = cluster_network(scope)
    node = cdk.CfnResource(scope, "Node", type="Custom::Node")
    node.node.add_dependency(network.ways_out)
    template = Template.from_stack(scope)
    _, definition = only(template, "Custom::Node")
    kinds = [template.to_json()["Resources"][name]["Type"] for name in definition["DependsOn"]]
    assert sorted(kinds) == [
        "AWS::EC2::Route",
        "AWS::EC2::Route",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCEndpoint",
    ]
