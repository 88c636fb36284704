"""Resources of stacks that behave as those of AWS: secrets, people, policies, budgets."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from local_aws.testing import MEMBER, Stacks, outputs
from template_resources import parameter, role


def test_secrets_are_generated_and_resolved(stacks: Stacks) -> None:
    rules = {
        "SecretStringTemplate": '{"user": "s"}',
        "GenerateStringKey": "password",
        "PasswordLength": 24,
    }
    made = stacks.create(
        "secret",
        {
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"GenerateSecretString": rules},
            },
            "User": {
                "Type": "AWS::IAM::User",
                "Properties": {
                    "UserName": "s",
                    "LoginProfile": {
                        "Password": {
                            "Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:password}}"
                        },
                        "PasswordResetRequired": True,
                    },
                },
            },
        },
        Outputs={"Secret": {"Value": {"Ref": "Secret"}}},
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    text = stacks.client("secretsmanager").get_secret_value(SecretId=outputs(made)["Secret"])
    assert len(json.loads(text["SecretString"])["password"]) == 24
    profile = stacks.client("iam").get_login_profile(UserName="s")["LoginProfile"]
    assert profile["PasswordResetRequired"] is True


def test_groups_have_members_and_policies(stacks: Stacks) -> None:
    allow = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [allow]}
    stacks.create(
        "members",
        {
            "Policy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": document, "ManagedPolicyName": "look"},
            },
            "Group": {
                "Type": "AWS::IAM::Group",
                "Properties": {
                    "GroupName": "scientists",
                    "ManagedPolicyArns": [{"Ref": "Policy"}],
                    "Policies": [{"PolicyName": "own", "PolicyDocument": document}],
                },
            },
            "User": {
                "Type": "AWS::IAM::User",
                "Properties": {"UserName": "member", "Groups": [{"Ref": "Group"}]},
            },
        },
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    iam = stacks.client("iam")
    assert [user["UserName"] for user in iam.get_group(GroupName="scientists")["Users"]] == [
        "member"
    ]
    attached = iam.list_attached_group_policies(GroupName="scientists")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["look"]
    stacks.delete("members")
    assert iam.list_groups()["Groups"] == []


def test_a_user_with_an_mfa_device_cannot_be_deleted(stacks: Stacks) -> None:
    """CloudFormation's handler deletes keys and inline policies, and no device (aws-cdk 16511)."""
    user = {"Type": "AWS::IAM::User", "Properties": {"UserName": "leaver"}}
    stacks.create("person", {"User": user}, Capabilities=["CAPABILITY_NAMED_IAM"])
    iam, named = stacks.client("iam"), {"UserName": "leaver"}
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.create_access_key(**named)
    iam.put_user_policy(**named, PolicyName="p", PolicyDocument=json.dumps(policy))
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="leaver")["VirtualMFADevice"]
    device = {"SerialNumber": made["SerialNumber"]}
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
    iam.enable_mfa_device(**named, **device, **codes)
    stacks.cfn.delete_stack(StackName="person")
    assert stacks.settled("person")["StackStatus"] == "DELETE_FAILED"
    assert "must delete MFA device first" in stacks.reasons("person")
    iam.deactivate_mfa_device(**named, **device)
    stacks.delete("person")
    assert "leaver" not in [one["UserName"] for one in iam.list_users()["Users"]]


def test_a_trust_policy_that_is_too_long_is_refused(stacks: Stacks) -> None:
    many = [f"arn:aws:iam::{number:012}:root" for number in range(80)]
    made = stacks.create("long", {"Role": role(*many)}, Capabilities=["CAPABILITY_IAM"])
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "quota" in stacks.reasons("long")


def test_bucket_policies_are_put_and_tls_is_no_obstacle(stacks: Stacks) -> None:
    deny = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Principal": "*",
        "Resource": [{"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Sub": "${Bucket.Arn}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    made = stacks.create(
        "bucket",
        {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "data-of-tests"}},
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": {"Ref": "Bucket"},
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [deny]},
                },
            },
        },
    )
    assert made["StackStatus"] == "CREATE_COMPLETE"
    s3 = stacks.client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket="data-of-tests")["Policy"])
    assert policy["Statement"][0]["Resource"][0] == "arn:aws:s3:::data-of-tests"
    s3.put_object(Bucket="data-of-tests", Key="movie", Body=b"x")
    stacks.cfn.delete_stack(StackName="bucket")
    assert stacks.settled("bucket")["StackStatus"] == "DELETE_FAILED"
    s3.delete_object(Bucket="data-of-tests", Key="movie")
    stacks.delete("bucket")


def test_a_budget_and_its_alerts_can_be_described(stacks: Stacks) -> None:
    alert = {
        "Notification": {
            "NotificationType": "ACTUAL",
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": 80,
        },
        "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "lab@example.org"}],
    }
    budget = {
        "BudgetName": "lab",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 3000, "Unit": "USD"},
    }
    properties = {"Budget": budget, "NotificationsWithSubscribers": [alert]}
    stacks.create("budget", {"B": {"Type": "AWS::Budgets::Budget", "Properties": properties}})
    found = stacks.client("budgets").describe_budgets(AccountId=MEMBER)["Budgets"]
    assert [(entry["BudgetName"], entry["BudgetLimit"]["Amount"]) for entry in found] == [
        ("lab", "3000")
    ]
    stacks.delete("budget")
    assert stacks.client("budgets").describe_budgets(AccountId=MEMBER)["Budgets"] == []


def test_parameters_come_from_the_parameter_store(stacks: Stacks) -> None:
    stacks.client("ssm").put_parameter(Name="/fact", Value="known", Type="String")
    slots = {"Fact": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/fact"}}
    made = stacks.create(
        "facts",
        {"P": parameter({"Ref": "Fact"})},
        Parameters=slots,
        Outputs={"Fact": {"Value": {"Ref": "Fact"}}},
    )
    assert outputs(made) == {"Fact": "known"}
    slots["Fact"]["Default"] = "/missing"
    with pytest.raises(ClientError, match="Unable to fetch parameters"):
        stacks.create("lost", {"P": parameter({"Ref": "Fact"})}, Parameters=slots)
