from __future__ import annotations

import json
import re
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from gotocloud.constructs.share_peering import SharePeering
from gotocloud.platform.record import ShareRecord
from tests.constructs.samples import only, sample_calls, sample_network, sample_stack

pytestmark = pytest.mark.cdk

ACCEPTOR = "arn:aws:iam::111111111111:role/gotocloud-peering-acceptor-00"
SHARE = ShareRecord(
    vpc_id="vpc-1",
    cidr=IPv4Network("10.0.0.0/24"),
    route_table_id="rtb-1",
    file_system_id="fs-1",
    mount_targets={"apne1-az4": IPv4Address("10.0.0.4")},
)


def peer(share: ShareRecord = SHARE) -> cdk.Stack:
    stack = sample_stack()
    calls = sample_calls(stack)
    SharePeering(
        stack,
        "Peering",
        name="sample",
        network=sample_network(stack, calls=calls),
        share=share,
        share_account="111111111111",
        acceptor_role_arn=ACCEPTOR,
        calls=calls,
    )
    return stack


def calls(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    found = Template.from_stack(stack).find_resources("Custom::AWS")
    return {name: dict(call) for name, call in found.items() if "Return" in name}


def request(call: dict[str, Any], moment: str) -> Any:
    """The API call, with references written as their logical names."""
    value = call["Properties"][moment]
    parts = [value] if isinstance(value, str) else value["Fn::Join"][1]
    return json.loads("".join(p if isinstance(p, str) else p["Ref"] for p in parts))


def test_the_share_accepts_with_the_acceptor_role() -> None:
    connection = only(peer(), "AWS::EC2::VPCPeeringConnection")
    assert connection["PeerVpcId"] == "vpc-1"
    assert connection["PeerOwnerId"] == "111111111111"
    assert connection["PeerRegion"] == "ap-northeast-1"
    assert connection["PeerRoleArn"] == ACCEPTOR


def test_the_route_there_is_a_resource() -> None:
    route = only(peer(), "AWS::EC2::Route")
    assert route["DestinationCidrBlock"] == "10.0.0.0/24"
    assert "VpcPeeringConnectionId" in route


def test_the_route_back_is_made_in_the_other_account_and_taken_away() -> None:
    (call,) = [c for name, c in calls(peer()).items() if "Target" not in name]
    made, changed, undone = (request(call, moment) for moment in ("Create", "Update", "Delete"))
    assert made["action"] == "createRoute"
    assert made["parameters"]["RouteTableId"] == "rtb-1"
    assert made["parameters"]["DestinationCidrBlock"] == "10.9.0.0/24"
    # The share may have another route table by then, without any route back.
    assert changed["action"] == "createRoute"
    assert undone["action"] == "deleteRoute"
    assert {made["assumedRoleArn"], changed["assumedRoleArn"], undone["assumedRoleArn"]} == {
        ACCEPTOR
    }


def test_making_it_again_and_deleting_it_twice_are_fine() -> None:
    (call,) = [c for name, c in calls(peer()).items() if "Target" not in name]
    for moment in ("Create", "Update"):
        assert request(call, moment)["ignoreErrorCodesMatching"] == "RouteAlreadyExists"
    # The share, and its route table with it, may be gone.
    gone = request(call, "Delete")["ignoreErrorCodesMatching"]
    for code in ("InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"):
        assert re.search(gone, code)


def test_a_route_left_over_is_pointed_at_the_new_peering() -> None:
    found = calls(peer())
    (made,) = [name for name in found if "Target" not in name]
    (aimed,) = [c for name, c in found.items() if "Target" in name]
    assert {request(aimed, when)["action"] for when in ("Create", "Update")} == {"replaceRoute"}
    assert "Delete" not in aimed["Properties"]
    assert made in aimed["DependsOn"]


def test_networks_that_overlap_are_refused() -> None:
    share = SHARE.model_copy(update={"cidr": IPv4Network("10.9.0.0/16", strict=False)})
    with pytest.raises(ValueError, match=r"10\.9\.0\.0/24 overlaps the share's network"):
        peer(share)
