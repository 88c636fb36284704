"""The working file system of a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from gotocloud.cluster_configs.lustre_sizes import Deployment
from gotocloud.constructs.lustre import Lustre
from tests.constructs.cluster_samples import bucket, group_network, only, stack

pytestmark = pytest.mark.cdk


def lustre(**options: Any) -> Template:
    scope = stack()
    Lustre(
        scope,
        "Lustre",
        **{
            "vpc": group_network(scope).vpc,
            "subnet_id": "subnet-compute",
            "size_gib": 2400,
            "bucket": bucket(scope),
            **options,
        },
    )
    return Template.from_stack(scope)


@pytest.fixture(scope="module")
def template() -> Template:
    return lustre()


def test_file_system_is_compressed_scratch_on_a_version_that_can_export(
    template: Template,
) -> None:
    template.has_resource_properties(
        "AWS::FSx::FileSystem",
        {
            "FileSystemType": "LUSTRE",
            "FileSystemTypeVersion": "2.15",
            "StorageCapacity": 2400,
            "SubnetIds": ["subnet-compute"],
            "LustreConfiguration": {
                "DeploymentType": "SCRATCH_2",
                "DataCompressionType": "LZ4",
                "PerUnitStorageThroughput": Match.absent(),
                "AutomaticBackupRetentionDays": Match.absent(),
            },
        },
    )


def test_file_system_goes_with_the_stack(template: Template) -> None:
    _, file_system = only(template, "AWS::FSx::FileSystem")
    assert file_system["DeletionPolicy"] == "Delete"


def test_every_change_follows_in_both_directions(template: Template) -> None:
    file_system, _ = only(template, "AWS::FSx::FileSystem")
    events = {"Events": ["NEW", "CHANGED", "DELETED"]}
    template.has_resource_properties(
        "AWS::FSx::DataRepositoryAssociation",
        {
            "FileSystemId": {"Ref": file_system},
            "FileSystemPath": "/",
            "DataRepositoryPath": "s3://hanako-apoferritin",
            "BatchImportMetaDataOnCreate": True,
            "S3": {"AutoImportPolicy": events, "AutoExportPolicy": events},
        },
    )


@pytest.mark.parametrize(
    ("direction", "peer"),
    [("Ingress", "SourceSecurityGroupId"), ("Egress", "DestinationSecurityGroupId")],
)
def test_security_group_passes_lustre_among_its_members_and_nothing_else(
    template: Template, direction: str, peer: str
) -> None:
    group_id, group = only(template, "AWS::EC2::SecurityGroup")
    itself = {"Fn::GetAtt": [group_id, "GroupId"]}
    found = template.find_resources(f"AWS::EC2::SecurityGroup{direction}")
    rules = [rule["Properties"] for rule in found.values()]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} == {(988, 988), (1018, 1023)}
    assert all(rule[peer] == itself == rule["GroupId"] for rule in rules)
    assert "SecurityGroupIngress" not in group["Properties"]
    # The CDK's way to say "no way out": an address that does not exist.
    assert [rule["CidrIp"] for rule in group["Properties"]["SecurityGroupEgress"]] == [
        "255.255.255.255/32"
    ]


def test_file_system_waits_for_the_rules_of_its_security_group(template: Template) -> None:
    _, file_system = only(template, "AWS::FSx::FileSystem")
    rules = {
        name
        for name, resource in template.to_json()["Resources"].items()
        if resource["Type"].startswith("AWS::EC2::SecurityGroup")
        and resource["Type"] != "AWS::EC2::SecurityGroup"
    }
    assert set(file_system["DependsOn"]) == rules
    assert len(rules) == 4


def test_persistent_deployment_takes_the_lowest_throughput_by_default() -> None:
    template = lustre(deployment=Deployment.PERSISTENT_2)
    template.has_resource_properties(
        "AWS::FSx::FileSystem",
        {
            "LustreConfiguration": {
                "DeploymentType": "PERSISTENT_2",
                "PerUnitStorageThroughput": 125,
                "AutomaticBackupRetentionDays": 0,
            }
        },
    )


@pytest.mark.parametrize("gib", [0, -2400, 1024, 1199, 3600, 2401])
def test_sizes_that_fsx_does_not_sell_are_refused(gib: int) -> None:
    with pytest.raises(ValueError, match=f"of {gib:,} GiB is not possible"):
        lustre(size_gib=gib)


def test_wrong_throughputs_are_refused() -> None:
    with pytest.raises(ValueError, match="SCRATCH_2 takes no throughput"):
        lustre(throughput_mb_per_s_per_tib=125)
    with pytest.raises(ValueError, match="a throughput of 100 is not sold"):
        lustre(deployment=Deployment.PERSISTENT_2, throughput_mb_per_s_per_tib=100)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ValueError, match=r"17 GiB is not.*; SCRATCH_2 takes no throughput"):
        lustre(size_gib=17, throughput_mb_per_s_per_tib=125)
