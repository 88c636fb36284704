from __future__ import annotations

import json

import pytest

from gotocloud.constructs.peering_acceptors import PeeringAcceptor, PeeringAcceptors
from tests.constructs.samples import ACCOUNT, only, resources, sample_stack, statements

pytestmark = pytest.mark.cdk

ACCOUNTS = [f"{300000000000 + n}" for n in range(25)]


def test_only_the_chunks_accounts_are_trusted() -> None:
    stack = sample_stack()
    PeeringAcceptors(stack, "Acceptors", accounts={1: ACCOUNTS[:2], 0: ACCOUNTS[2:3]})
    roles = {r["RoleName"]: r for r in resources(stack, "AWS::IAM::Role")}
    trusted = {
        name: role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]
        for name, role in roles.items()
    }
    assert trusted == {
        "gotocloud-peering-acceptor-00": ACCOUNTS[2:3],
        "gotocloud-peering-acceptor-01": ACCOUNTS[:2],
    }


def test_a_full_chunk_fits_a_trust_policy() -> None:
    stack = sample_stack()
    PeeringAcceptor(stack, "Acceptor", chunk=0, accounts=ACCOUNTS)
    trust = only(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]
    assert len(json.dumps(trust)) <= 2048


def test_it_touches_share_vpcs_and_their_route_tables_only() -> None:
    stack = sample_stack()
    PeeringAcceptor(stack, "Acceptor", chunk=0, accounts=ACCOUNTS[:1])
    allowed = statements(only(stack, "AWS::IAM::ManagedPolicy"))
    shared = {"StringEquals": {"ec2:ResourceTag/gtc:share": "software"}}
    assert allowed["AcceptIntoShares"]["Resource"] == f"arn:aws:ec2:*:{ACCOUNT}:vpc/*"
    assert allowed["AcceptIntoShares"]["Condition"] == shared
    assert allowed["RouteBack"]["Resource"] == f"arn:aws:ec2:*:{ACCOUNT}:route-table/*"
    assert allowed["RouteBack"]["Condition"] == shared
    assert allowed["AcceptFromGroups"]["Condition"] == {
        "ArnLike": {"ec2:RequesterVpc": [f"arn:aws:ec2:*:{ACCOUNTS[0]}:vpc/*"]}
    }
    assert len(allowed) == 3


@pytest.mark.parametrize("count", [0, 26])
def test_a_chunk_of_another_size_is_refused(count: int) -> None:
    accounts = [f"{300000000000 + n}" for n in range(count)]
    with pytest.raises(ValueError, match=f"1 to 25 accounts, not {count}"):
        PeeringAcceptor(sample_stack(), "Acceptor", chunk=0, accounts=accounts)
