from __future__ import annotations

import json
from ipaddress import IPv4Network

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Match, Template

from gotocloud.constructs.region_share import RegionShare
from gotocloud.constructs.replication import PublishedLocation, ReplicationLog, ReplicationRole
from tests.constructs.samples import (
    only,
    resources,
    sample_calls,
    sample_roles,
    sample_stack,
)

pytestmark = pytest.mark.cdk


@pytest.fixture
def stack() -> cdk.Stack:
    stack = sample_stack()
    calls = sample_calls(stack)
    RegionShare(
        stack,
        "Share0",
        name="gotocloud-share-0",
        cidr=IPv4Network("10.0.0.0/24"),
        zone_ids=("apne1-az4", "apne1-az1"),
        clients=(IPv4Network("10.1.0.0/16"), IPv4Network("10.2.0.0/15")),
        master_arn=PublishedLocation.read(calls, "us-east-1"),
        replication_role=ReplicationRole.of_account(stack, "ReplicationRole"),
        log=ReplicationLog(stack, "Log"),
        roles=sample_roles(stack),
        calls=calls,
    )
    return stack


def test_the_share_has_no_way_to_the_internet(stack: cdk.Stack) -> None:
    assert resources(stack, "AWS::EC2::InternetGateway") == []
    assert resources(stack, "AWS::EC2::NatGateway") == []


def test_only_the_groups_networks_reach_the_mount_targets_and_only_nfs(stack: cdk.Stack) -> None:
    (group,) = [
        g for g in resources(stack, "AWS::EC2::SecurityGroup") if "SecurityGroupIngress" in g
    ]
    assert {
        (r["CidrIp"], r["FromPort"], r["ToPort"], r["IpProtocol"])
        for r in group["SecurityGroupIngress"]
    } == {("10.1.0.0/16", 2049, 2049, "tcp"), ("10.2.0.0/15", 2049, 2049, "tcp")}


def test_datasync_reaches_the_mount_targets_and_nothing_else(stack: cdk.Stack) -> None:
    way_in = only(stack, "AWS::EC2::SecurityGroupIngress")
    way_out = only(stack, "AWS::EC2::SecurityGroupEgress")
    assert way_in["SourceSecurityGroupId"] == way_out["GroupId"]
    assert way_in["GroupId"] == way_out["DestinationSecurityGroupId"]
    assert way_in["FromPort"] == way_out["ToPort"] == 2049


def test_the_replica_is_compared_with_the_master_once_a_week_and_no_oftener(
    stack: cdk.Stack,
) -> None:
    task = only(stack, "AWS::DataSync::Task")
    # AWS's fields: minutes, hours, day of the month, month, day of the week, year.
    minute, hour, day, month, weekday, year = (
        task["Schedule"]["ScheduleExpression"].removeprefix("cron(").removesuffix(")").split()
    )
    assert minute.isdigit()
    assert hour.isdigit()
    assert (day, month, weekday, year) == ("?", "*", "SUN", "*")
    assert task["Name"].startswith("gotocloud-share-")
    assert task["Options"]["PreserveDeletedFiles"] == "REMOVE"
    assert "MasterLocation" in json.dumps(task["SourceLocationArn"])
    assert task["CloudWatchLogGroupArn"].endswith(":log-group:/gotocloud/replication")


def test_the_masters_location_is_read_in_the_home_region(stack: cdk.Stack) -> None:
    (call,) = [c for c in resources(stack, "Custom::AWS") if "getParameter" in str(c["Create"])]
    request = json.loads(call["Create"])
    assert request["region"] == "us-east-1"
    assert request["parameters"] == {"Name": "/gotocloud/master/datasync-location-arn"}


def test_vpc_and_route_table_carry_the_tag_that_acceptors_look_for(stack: cdk.Stack) -> None:
    tagged = {"Tags": Match.array_with([{"Key": "gtc:share", "Value": "software"}])}
    template = Template.from_stack(stack)
    for kind in ("AWS::EC2::VPC", "AWS::EC2::RouteTable"):
        template.has_resource_properties(kind, tagged)
    template.resource_properties_count_is("AWS::EC2::Subnet", tagged, 0)


def test_datasync_opens_file_systems_for_this_account_only() -> None:
    stack = sample_stack()
    ReplicationRole(stack, "Role")
    trust = only(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trust[0]["Principal"] == {"Service": "datasync.amazonaws.com"}
    assert trust[0]["Condition"] == {"StringEquals": {"aws:SourceAccount": stack.account}}
