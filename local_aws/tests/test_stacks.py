"""Stacks of the local AWS: made, changed, deleted, and undone when something fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.process import LocalAws
from local_aws.testing import MANAGEMENT, MEMBER, VIRGINIA, Stacks, outputs, template


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    running = LocalAws.start(tmp_path_factory.mktemp("stacks"), account=MANAGEMENT)
    yield running
    running.stop()


@pytest.fixture
def stacks(local: LocalAws) -> Stacks:
    return Stacks(local)


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


def role(*trusted: str, **more: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": list(trusted)} if trusted else {"Service": "lambda.amazonaws.com"},
    }
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust, **more},
    }


VPC: dict[str, Any] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}


def test_a_stack_makes_its_resources_with_its_tags(stacks: Stacks) -> None:
    made = stacks.create(
        "makes",
        {"Vpc": VPC, "P": parameter({"Ref": "Vpc"}, Name="/makes/vpc")},
        Tags=[{"Key": "gtc:project", "Value": "apo"}],
        Outputs={"Vpc": {"Value": {"Ref": "Vpc"}, "Export": {"Name": "makes-vpc"}}},
    )
    vpc = outputs(made)["Vpc"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    found = stacks.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    assert {"Key": "gtc:project", "Value": "apo"} in found["Tags"]
    assert stacks.client("ssm").get_parameter(Name="/makes/vpc")["Parameter"]["Value"] == vpc
    assert stacks.events("makes")[-1] == ("makes", "CREATE_COMPLETE")
    user = stacks.create("uses", {"P": parameter({"Fn::ImportValue": "makes-vpc"})})
    assert user["StackStatus"] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="in use"):
        stacks.cfn.delete_stack(StackName="makes")


def test_an_unknown_resource_type_fails_loudly_and_everything_is_undone(stacks: Stacks) -> None:
    made = stacks.create(
        "unknown",
        {
            "First": parameter("x", Name="/unknown/first"),
            "Farm": {"Type": "AWS::Farm::Cow", "DependsOn": "First"},
        },
    )
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "no model of AWS::Farm::Cow" in stacks.reasons("unknown")
    assert "local_aws/resources" in stacks.reasons("unknown")
    assert stacks.client("ssm").get_parameters(Names=["/unknown/first"])["Parameters"] == []
    events = stacks.events("unknown")
    assert events.index(("Farm", "CREATE_FAILED")) < events.index(("First", "DELETE_COMPLETE"))


def test_an_unknown_property_fails_instead_of_being_ignored(stacks: Stacks) -> None:
    made = stacks.create("property", {"P": parameter("x", Colour="red")})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Colour of AWS::SSM::Parameter" in stacks.reasons("property")


def test_waiters_see_a_failure(stacks: Stacks) -> None:
    stacks.create("waited", {"Farm": {"Type": "AWS::Farm::Cow"}})
    with pytest.raises(Exception, match="ROLLBACK_COMPLETE"):
        stacks.cfn.get_waiter("stack_create_complete").wait(StackName="waited")


def test_a_protected_stack_is_deleted_once_its_protection_ends(stacks: Stacks) -> None:
    stacks.create("kept", {"A": parameter("x")}, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stacks.cfn.delete_stack(StackName="kept")
    assert stacks.settled("kept")["EnableTerminationProtection"]
    stacks.cfn.update_termination_protection(StackName="kept", EnableTerminationProtection=False)
    stacks.delete("kept")
    assert "kept" not in {one["StackName"] for one in stacks.cfn.describe_stacks()["Stacks"]}


def test_what_is_to_be_retained_stays(stacks: Stacks) -> None:
    kept = {**parameter("x", Name="/kept"), "DeletionPolicy": "Retain"}
    stacks.create("kept", {"Kept": kept, "Gone": parameter("y", Name="/gone")})
    stacks.delete("kept")
    found = stacks.client("ssm").get_parameters(Names=["/kept", "/gone"])
    assert [entry["Name"] for entry in found["Parameters"]] == ["/kept"]


def test_what_is_retained_except_on_create_goes_with_a_failed_stack(stacks: Stacks) -> None:
    kept = {**parameter("x", Name="/not-kept"), "DeletionPolicy": "RetainExceptOnCreate"}
    bad = {"Type": "AWS::No::Such", "DependsOn": "Kept"}
    stacks.cfn.create_stack(StackName="not-kept", TemplateBody=template({"Kept": kept, "Bad": bad}))
    assert stacks.settled("not-kept")["StackStatus"] == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="ParameterNotFound"):
        stacks.client("ssm").get_parameter(Name="/not-kept")


def test_a_change_in_place_keeps_the_resource(stacks: Stacks) -> None:
    before = stacks.create("change", {"Vpc": VPC}, Outputs={"V": {"Value": {"Ref": "Vpc"}}})
    tagged = {**VPC, "Properties": {**VPC["Properties"], "Tags": [{"Key": "a", "Value": "b"}]}}
    after = stacks.update("change", {"Vpc": tagged}, Outputs={"V": {"Value": {"Ref": "Vpc"}}})
    assert after["StackStatus"] == "UPDATE_COMPLETE"
    assert outputs(after) == outputs(before)
    vpc = stacks.client("ec2").describe_vpcs(VpcIds=[outputs(after)["V"]])["Vpcs"][0]
    assert {"Key": "a", "Value": "b"} in vpc["Tags"]


def test_a_change_that_needs_it_replaces_the_resource(stacks: Stacks) -> None:
    before = stacks.create("replace", {"Vpc": VPC}, Outputs={"V": {"Value": {"Ref": "Vpc"}}})
    other = {**VPC, "Properties": {"CidrBlock": "10.8.0.0/16"}}
    after = stacks.update("replace", {"Vpc": other}, Outputs={"V": {"Value": {"Ref": "Vpc"}}})
    assert outputs(after) != outputs(before)
    with pytest.raises(ClientError, match="NotFound"):
        stacks.client("ec2").describe_vpcs(VpcIds=[outputs(before)["V"]])


def test_a_failed_update_is_taken_back(stacks: Stacks) -> None:
    stacks.create("back", {"P": parameter("old", Name="/back")})
    after = stacks.update(
        "back",
        {
            "P": parameter("new", Name="/back"),
            "Farm": {"Type": "AWS::Farm::Cow", "DependsOn": "P"},
        },
    )
    assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.client("ssm").get_parameter(Name="/back")["Parameter"]["Value"] == "old"


def test_an_update_without_a_change_is_refused(stacks: Stacks) -> None:
    stacks.create("same", {"P": parameter("x")})
    with pytest.raises(ClientError, match="No updates"):
        stacks.update("same", {"P": parameter("x")})


def test_a_change_set_tells_what_it_would_do_and_does_it(stacks: Stacks) -> None:
    body = template({"P": parameter("x", Name="/set")})
    named = {"StackName": "set", "ChangeSetName": "first"}
    stacks.cfn.create_change_set(**named, TemplateBody=body, ChangeSetType="CREATE")
    described = stacks.cfn.describe_change_set(**named)
    assert described["Status"] == "CREATE_COMPLETE"
    assert described["Changes"][0]["ResourceChange"]["LogicalResourceId"] == "P"
    stacks.cfn.execute_change_set(**named)
    assert stacks.settled("set")["StackStatus"] == "CREATE_COMPLETE"
    again = {"StackName": "set", "ChangeSetName": "second"}
    stacks.cfn.create_change_set(**again, TemplateBody=body, ChangeSetType="UPDATE")
    assert "didn't contain changes" in stacks.cfn.describe_change_set(**again)["StatusReason"]


def test_a_change_set_is_found_by_its_stack_and_name(stacks: Stacks) -> None:
    for name in ("one", "other"):
        body = template({"P": parameter(name, Name=f"/set/{name}")})
        named = {"StackName": name, "ChangeSetName": "cdk-deploy-change-set"}
        stacks.cfn.create_change_set(**named, TemplateBody=body, ChangeSetType="CREATE")
        assert stacks.cfn.describe_change_set(**named)["StackName"] == name
    first = {"StackName": "one", "ChangeSetName": "cdk-deploy-change-set"}
    stacks.cfn.execute_change_set(**first)
    assert stacks.settled("one")["StackStatus"] == "CREATE_COMPLETE"
    stacks.cfn.delete_change_set(**first)
    stacks.cfn.delete_change_set(**first)
    with pytest.raises(stacks.cfn.exceptions.ChangeSetNotFoundException):
        stacks.cfn.describe_change_set(**first)
    other = stacks.cfn.describe_change_set(StackName="other", ChangeSetName="cdk-deploy-change-set")
    assert other["Status"] == "CREATE_COMPLETE"


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


def test_a_service_role_must_exist_and_trust_cloudformation(stacks: Stacks) -> None:
    stacks.create("roles", {"R": role(RoleName="wrong")}, Capabilities=["CAPABILITY_NAMED_IAM"])
    for name in ("wrong", "missing"):
        with pytest.raises(ClientError, match="cannot be assumed"):
            stacks.cfn.create_stack(
                StackName="served",
                TemplateBody=template({"P": parameter("x")}),
                RoleARN=f"arn:aws:iam::{MEMBER}:role/{name}",
            )


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


def test_a_template_that_does_not_exist_is_told(stacks: Stacks) -> None:
    url = f"https://nowhere.s3.{VIRGINIA}.amazonaws.com/template.json"
    with pytest.raises(ClientError, match="no such key"):
        stacks.cfn.create_stack(StackName="nowhere", TemplateURL=url)


def test_what_a_failed_creation_has_begun_is_deleted(stacks: Stacks) -> None:
    half = role(RoleName="half", ManagedPolicyArns=["arn:aws:iam::aws:policy/NoSuchPolicy"])
    made = stacks.create("half", {"Role": half})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ("Role", "DELETE_COMPLETE") in stacks.events("half")
    names = {one["RoleName"] for one in stacks.client("iam").list_roles()["Roles"]}
    assert "half" not in names
    stacks.create("whole", {"Role": role(RoleName="first")})
    failed = stacks.update("whole", {"Role": role(RoleName="first"), "Half": half})
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    names = {one["RoleName"] for one in stacks.client("iam").list_roles()["Roles"]}
    assert ("first" in names, "half" in names) == (True, False)


def test_what_is_gone_already_is_deleted(stacks: Stacks) -> None:
    stacks.create("gone", {"Role": role(RoleName="taken-away")})
    stacks.client("iam").delete_role(RoleName="taken-away")
    stacks.delete("gone")


def test_a_replacement_has_a_name_of_its_own(stacks: Stacks) -> None:
    output = {"Name": {"Value": {"Ref": "Role"}}}
    before = stacks.create("replaced", {"Role": role()}, Outputs=output)
    after = stacks.update("replaced", {"Role": role(Path="/other/")}, Outputs=output)
    assert after["StackStatus"] == "UPDATE_COMPLETE", stacks.reasons("replaced")
    assert outputs(before)["Name"] != outputs(after)["Name"]
    names = {one["RoleName"] for one in stacks.client("iam").list_roles()["Roles"]}
    assert outputs(before)["Name"] not in names
    assert outputs(after)["Name"] in names
