"""What an update does, against the registry's schemas and CloudFormation's documented rules."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from gotocloud.aws.deployed import create_only
from gotocloud.platform.update import (
    CreateOnly,
    Effect,
    changes,
    lost_providers,
    provider_versions,
    refusals,
)

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/24"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/27"},
        },
        "Store": {
            "Type": "AWS::EFS::FileSystem",
            "DeletionPolicy": "Retain",
            "Properties": {"Encrypted": True, "ThroughputMode": "elastic"},
        },
        "Target": {
            "Type": "AWS::EFS::MountTarget",
            "Properties": {
                "FileSystemId": {"Ref": "Store"},
                "SubnetId": {"Fn::GetAtt": ["Subnet", "SubnetId"]},
                "SecurityGroups": ["sg-1"],
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "a"}},
        "Meta": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "x"}},
    }
}


def updated(**properties: Mapping[str, Any] | None) -> dict[str, Any]:
    """The template with some properties of some resources changed; None removes a resource."""
    made = copy.deepcopy(TEMPLATE)
    for name, changed in properties.items():
        if changed is None:
            del made["Resources"][name]
        else:
            made["Resources"][name]["Properties"].update(changed)
    return made


def effects(wanted: Mapping[str, Any]) -> dict[str, Effect]:
    return {one.resource: one.effect for one in changes(TEMPLATE, wanted, create_only)}


def test_nothing_changes_without_a_difference_that_counts() -> None:
    assert effects(updated(Meta={"Analytics": "y"})) == {}


def test_a_property_that_can_be_changed_is_changed_in_place() -> None:
    (found,) = changes(TEMPLATE, updated(Store={"ThroughputMode": "bursting"}), create_only)
    assert (found.effect, found.why) == (Effect.IN_PLACE, "ThroughputMode")
    assert (found.interruption, found.data) == ("", "")


def test_a_property_of_creation_replaces_and_what_is_made_with_it_follows() -> None:
    found = effects(updated(Vpc={"CidrBlock": "10.9.0.0/24"}))
    assert found == dict.fromkeys(("Vpc", "Subnet", "Target"), Effect.REPLACED)


def test_the_replacement_of_anything_that_holds_data_is_refused() -> None:
    found = changes(TEMPLATE, updated(Store={"Encrypted": False}), create_only)
    assert {one.resource: one.data for one in found} == {
        "Store": "the shared software",
        "Target": "",
    }
    (refusal,) = refusals(found)
    assert refusal.startswith("Store (AWS::EFS::FileSystem) would be replaced, and with it the")
    (bucket,) = refusals(changes(TEMPLATE, updated(Bucket={"BucketName": "b"}), create_only))
    assert "its objects: BucketName can be set at creation only" in bucket


def test_what_is_kept_may_leave_the_stack_and_what_is_deleted_may_not() -> None:
    assert effects(updated(Store=None, Target=None))["Store"] is Effect.LEFT
    assert refusals(changes(TEMPLATE, updated(Store=None), create_only)) == ()
    (refusal,) = refusals(changes(TEMPLATE, updated(Bucket=None), create_only))
    assert "would be removed" in refusal


def test_interruptions_are_named() -> None:
    found = changes(TEMPLATE, updated(Target=None), create_only)
    assert found[0].interruption == "nodes lose the shared software until they mount it again"


def test_a_new_resource_and_a_new_type_under_an_old_name() -> None:
    wanted = updated()
    wanted["Resources"]["Bucket"] = {"Type": "AWS::SNS::Topic"}
    wanted["Resources"]["More"] = {"Type": "AWS::SNS::Topic"}
    found = {one.resource: one for one in changes(TEMPLATE, wanted, create_only)}
    assert found["More"].effect is Effect.ADDED
    assert found["Bucket"].why == "its type was AWS::S3::Bucket"
    assert refusals(tuple(found.values())), "the bucket of before is lost"


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("AWS::EFS::FileSystem", "Encrypted"),
        ("AWS::S3::Bucket", "BucketName"),
        ("AWS::DataSync::Task", "SourceLocationArn"),
    ],
)
def test_the_schemas_are_the_registrys(kind: str, path: str) -> None:
    assert path in create_only(kind).always


def test_a_type_without_a_schema_is_changed_in_place() -> None:
    assert create_only("AWS::No::Such") == CreateOnly()


def provider(*versions: str) -> dict[str, Any]:
    url = (
        "https://r-aws-parallelcluster.s3/parallelcluster/{}/templates/custom_resource/cluster.yaml"
    )
    return {
        "Resources": {
            f"P{version}": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"TemplateURL": url.format(version)},
            }
            for version in versions
        }
    }


def test_a_provider_whose_clusters_run_must_stay() -> None:
    before, after = provider("3.15.1"), provider("3.16.1")
    assert provider_versions(before) == {"3.15.1"}
    clusters = {"old": "3.15.1", "new": "3.16.1"}
    assert lost_providers(before, after, clusters) == (
        "cluster old runs ParallelCluster 3.15.1, whose provider would go",
    )
    assert lost_providers(before, provider("3.15.1", "3.16.1"), clusters) == ()
