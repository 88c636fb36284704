from __future__ import annotations

import json

import aws_cdk as cdk
import pytest

from gotocloud.constructs.scientists import Scientists, user_statements
from tests.constructs.samples import ACCOUNT, only, resources, sample_stack

pytestmark = pytest.mark.cdk


@pytest.fixture
def stack() -> cdk.Stack:
    stack = sample_stack()
    Scientists(stack, "Scientists", names=["hanako", "j.doe"])
    return stack


def test_each_initial_password_is_generated_and_must_be_changed(stack: cdk.Stack) -> None:
    users = {u["UserName"]: u for u in resources(stack, "AWS::IAM::User")}
    assert set(users) == {"hanako", "j.doe"}
    for user in users.values():
        assert user["LoginProfile"]["PasswordResetRequired"] is True
        assert "{{resolve:secretsmanager:" in json.dumps(user["LoginProfile"]["Password"])
    names = {
        s["Name"]: s["GenerateSecretString"]
        for s in resources(stack, "AWS::SecretsManager::Secret")
    }
    assert set(names) == {"gotocloud/initial-password/hanako", "gotocloud/initial-password/j.doe"}
    assert all(made["PasswordLength"] == 24 for made in names.values())


def test_the_role_takes_mfa_and_ones_own_name(stack: cdk.Stack) -> None:
    trust = only(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"] == {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
    }


def test_single_sign_on_adds_one_permission_set_and_takes_nothing_away() -> None:
    stack = sample_stack()
    Scientists(stack, "Scientists", names=["hanako"], single_sign_on="Scientist")
    users, signed_on = only(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert users["Condition"]["Bool"] == {"aws:MultiFactorAuthPresent": "true"}
    path = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com"
    role = "AWSReservedSSO_Scientist_????????????????"
    assert signed_on["Condition"] == {
        "ArnLike": {"aws:PrincipalArn": [f"{path}/{role}", f"{path}/*/{role}"]},
        "StringLike": {"aws:userid": "*:${sts:RoleSessionName}"},
    }


def test_without_mfa_one_can_set_mfa_up_and_change_the_password_and_nothing_else() -> None:
    (deny,) = [s for s in user_statements("aws", ACCOUNT) if s.effect == "Deny"]
    assert deny.conditions == {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    assert set(deny.not_actions) == {
        "iam:ChangePassword",
        "iam:CreateVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetAccountPasswordPolicy",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
        # Ways to a session with MFA: `aws login`, `aws configure mfa-login`.
        "signin:AuthorizeOAuth2Access",
        "signin:CreateOAuth2Token",
        "sts:GetCallerIdentity",
        "sts:GetSessionToken",
    }


def test_signing_in_from_a_terminal_needs_no_mfa_key_and_work_does() -> None:
    allowed = {s.sid: s for s in user_statements("aws", ACCOUNT) if s.effect == "Allow"}
    assert allowed["SignInFromTerminal"].conditions == {}
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assert allowed["WorkAsScientist"].conditions == mfa
    assert allowed["ReplaceOwnMfaDevice"].conditions == mfa


def test_what_is_done_to_a_user_is_done_to_oneself() -> None:
    allowed = {s.sid: s for s in user_statements("aws", ACCOUNT) if s.effect == "Allow"}
    for sid in ("ChangeOwnPassword", "ManageOwnMfaDevice", "ReplaceOwnMfaDevice"):
        assert list(allowed[sid].resources) == [f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"]


def test_names_that_differ_in_punctuation_are_different_people() -> None:
    stack = sample_stack()
    Scientists(stack, "Scientists", names=["a.b", "a-b", "ab"])
    assert len(resources(stack, "AWS::IAM::User")) == 3


def test_the_same_person_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="named twice: hanako"):
        Scientists(sample_stack(), "Scientists", names=["hanako", "hanako"])
