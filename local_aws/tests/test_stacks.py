"""Stacks of the local AWS: made, changed, deleted, and undone when something fails."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.testing import MEMBER, VIRGINIA, Stacks, outputs, template
from template_resources import parameter, role

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


def test_a_change_set_shows_what_it_would_do_and_does_it(stacks: Stacks) -> None:
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


def test_a_service_role_must_exist_and_trust_cloudformation(stacks: Stacks) -> None:
    stacks.create("roles", {"R": role(RoleName="wrong")}, Capabilities=["CAPABILITY_NAMED_IAM"])
    for name in ("wrong", "missing"):
        with pytest.raises(ClientError, match="cannot be assumed"):
            stacks.cfn.create_stack(
                StackName="served",
                TemplateBody=template({"P": parameter("x")}),
                RoleARN=f"arn:aws:iam::{MEMBER}:role/{name}",
            )


def test_a_template_that_does_not_exist_is_reported(stacks: Stacks) -> None:
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
