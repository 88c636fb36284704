from __future__ import annotations

import json

import pytest
from aws_cdk import aws_iam as iam

from gotocloud.constructs.account import Account, AccountRoles
from gotocloud.constructs.boundary import boundary_arn, boundary_statements
from tests.constructs.samples import ACCOUNT, resources, sample_stack, statements

pytestmark = pytest.mark.cdk


def denied(sid: str) -> dict[str, object]:
    found = {s.sid: s.document() for s in boundary_statements("aws", ACCOUNT)}
    assert found[sid]["Effect"] == "Deny"
    return found[sid]


def test_every_role_and_user_of_the_stack_carries_the_boundary() -> None:
    stack = sample_stack()
    Account(stack, "Account", deployment_calls=[])
    iam.Role(stack, "Later", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    iam.CfnUser(stack, "User")
    made = [*resources(stack, "AWS::IAM::Role"), *resources(stack, "AWS::IAM::User")]
    assert len(made) == 4
    assert all("Boundary" in json.dumps(role["PermissionsBoundary"]) for role in made)


def test_the_boundary_protects_itself() -> None:
    assert denied("BoundaryStaysAsItIs")["Resource"] == boundary_arn("aws", ACCOUNT)
    assert denied("BoundaryStaysInPlace")["Resource"] == "*"


def test_no_role_can_be_made_without_the_boundary() -> None:
    statement = denied("NoRoleWithoutBoundary")
    assert statement["Condition"] == {
        "StringNotEquals": {"iam:PermissionsBoundary": boundary_arn("aws", ACCOUNT)}
    }
    assert statement["NotResource"] == f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/*"


def test_users_and_keys_are_out_of_bounds() -> None:
    actions = denied("NoUsersAndKeys")["Action"]
    assert isinstance(actions, list)
    assert {"iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile"} <= set(actions)


def test_no_data_leaves_for_another_account() -> None:
    assert denied("NoDataIntoOtherAccounts")["Condition"] == {
        "StringNotEquals": {"s3:ResourceAccount": ACCOUNT}
    }


def test_the_deployment_role_only_takes_rules_away_and_writes_its_log() -> None:
    stack = sample_stack()
    Account(stack, "Account", deployment_calls=[])
    policies = {
        policy["Description"]: statements(policy)
        for policy in resources(stack, "AWS::IAM::ManagedPolicy")
    }
    allowed = policies["What gotocloud-deployment may do."]
    assert set(allowed) == {"WriteLogs", "CloseDefaultSecurityGroups"}
    assert allowed["CloseDefaultSecurityGroups"]["Action"] == [
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
    ]


def test_other_regions_name_the_roles_and_make_none() -> None:
    stack = sample_stack()
    roles = AccountRoles.of_account(stack)
    assert roles.deployment.role_arn == f"arn:aws:iam::{ACCOUNT}:role/gotocloud-deployment"
    assert roles.flow_logs.role_arn == f"arn:aws:iam::{ACCOUNT}:role/gotocloud-flow-logs"
    assert resources(stack, "AWS::IAM::Role") == []
