"""What reaches over accounts and services: peerings, calls, storage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local_aws.process import LocalAws
from local_aws.testing import MANAGEMENT, MEMBER, VIRGINIA, Stacks, outputs

ZONE = "use1-az2"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    running = LocalAws.start(tmp_path_factory.mktemp("links"), account=MANAGEMENT)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stacks(local: LocalAws) -> Stacks:
    return Stacks(local)


@pytest.fixture(scope="module")
def share(local: LocalAws) -> dict[str, str]:
    """A VPC with a file system in the management account, and an acceptor role."""
    management = Stacks(local, MANAGEMENT)
    allow = {
        "Effect": "Allow",
        "Action": ["ec2:AcceptVpcPeeringConnection", "ec2:CreateRoute"],
        "Resource": "*",
    }
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"},
    }
    made = management.create(
        "share",
        {
            **_network("10.1.0.0/24"),
            "FileSystem": {
                "Type": "AWS::EFS::FileSystem",
                "Properties": {"Encrypted": True, "BackupPolicy": {"Status": "ENABLED"}},
            },
            "Target": {
                "Type": "AWS::EFS::MountTarget",
                "Properties": {
                    "FileSystemId": {"Ref": "FileSystem"},
                    "SubnetId": {"Ref": "Subnet"},
                    "SecurityGroups": [{"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}],
                },
            },
            "Acceptor": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": "acceptor",
                    "AssumeRolePolicyDocument": {"Statement": [trust]},
                    "Policies": [
                        {
                            "PolicyName": "accept",
                            "PolicyDocument": {"Version": "2012-10-17", "Statement": [allow]},
                        }
                    ],
                },
            },
        },
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Outputs={
            "Vpc": {"Value": {"Ref": "Vpc"}},
            "Table": {"Value": {"Ref": "Table"}},
            "Zone": {"Value": {"Fn::GetAtt": ["Subnet", "AvailabilityZoneId"]}},
            "FileSystemArn": {"Value": {"Fn::GetAtt": ["FileSystem", "Arn"]}},
            "FileSystem": {"Value": {"Ref": "FileSystem"}},
            "Ip": {"Value": {"Fn::GetAtt": ["Target", "IpAddress"]}},
            "SubnetId": {"Value": {"Ref": "Subnet"}},
            "Group": {"Value": {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}},
            "Acceptor": {"Value": {"Fn::GetAtt": ["Acceptor", "Arn"]}},
        },
    )
    assert made["StackStatus"] == "CREATE_COMPLETE", management.reasons("share")
    return outputs(made)


def _network(cidr: str) -> dict[str, Any]:
    vpc = {"VpcId": {"Ref": "Vpc"}}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {**vpc, "CidrBlock": cidr, "AvailabilityZoneId": ZONE},
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": vpc},
    }


def _peering(share: dict[str, str], **more: Any) -> dict[str, Any]:
    properties = {"VpcId": {"Ref": "Vpc"}, "PeerVpcId": share["Vpc"], "PeerOwnerId": MANAGEMENT}
    return {"Type": "AWS::EC2::VPCPeeringConnection", "Properties": {**properties, **more}}


def test_subnets_and_mount_targets_stand_in_the_zone_that_was_named(
    local: LocalAws, share: dict[str, str]
) -> None:
    assert share["Zone"] == ZONE
    efs = local.client("efs", MANAGEMENT, VIRGINIA)
    target = efs.describe_mount_targets(FileSystemId=share["FileSystem"])["MountTargets"][0]
    assert (target["AvailabilityZoneId"], target["IpAddress"]) == (ZONE, share["Ip"])
    policy = efs.describe_backup_policy(FileSystemId=share["FileSystem"])["BackupPolicy"]
    assert policy["Status"] == "ENABLED"


def test_a_peering_is_active_in_both_accounts_with_routes_both_ways(
    local: LocalAws, stacks: Stacks, share: dict[str, str]
) -> None:
    call = {
        "service": "EC2",
        "action": "createRoute",
        "assumedRoleArn": share["Acceptor"],
        "parameters": {
            "RouteTableId": share["Table"],
            "DestinationCidrBlock": "10.2.0.0/24",
            "VpcPeeringConnectionId": "${Peering}",
        },
        "physicalResourceId": {"id": "return-route"},
    }
    made = stacks.create(
        "peered",
        {
            **_network("10.2.0.0/24"),
            "Peering": _peering(share, PeerRoleArn=share["Acceptor"]),
            "Route": {
                "Type": "AWS::EC2::Route",
                "Properties": {
                    "RouteTableId": {"Ref": "Table"},
                    "DestinationCidrBlock": "10.1.0.0/24",
                    "VpcPeeringConnectionId": {"Ref": "Peering"},
                },
            },
            "Return": {
                "Type": "Custom::AWS",
                "Properties": {"ServiceToken": "any", "Create": {"Fn::Sub": json.dumps(call)}},
            },
        },
        Outputs={"Table": {"Value": {"Ref": "Table"}}},
    )
    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("peered")
    ends = (
        (MEMBER, outputs(made)["Table"], "10.1.0.0/24"),
        (MANAGEMENT, share["Table"], "10.2.0.0/24"),
    )
    for account, table, destination in ends:
        ec2 = local.client("ec2", account, VIRGINIA)
        peering = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"][0]
        assert peering["Status"]["Code"] == "active"
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        assert (destination, peering["VpcPeeringConnectionId"]) in {
            (route["DestinationCidrBlock"], route.get("VpcPeeringConnectionId")) for route in routes
        }


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ({}, "no PeerRoleArn"),
        ({"PeerRoleArn": f"arn:aws:iam::{MANAGEMENT}:role/missing"}, "not authorized"),
        ({"PeerRoleArn": f"arn:aws:iam::{MEMBER}:role/acceptor"}, "is not of account"),
    ],
)
def test_a_peering_that_is_not_accepted_fails(
    stacks: Stacks, share: dict[str, str], role: dict[str, str], reason: str
) -> None:
    name = f"refused-{reason.replace(' ', '-')}"
    made = stacks.create(name, {**_network("10.3.0.0/24"), "Peering": _peering(share, **role)})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in stacks.reasons(name)


def test_an_account_that_is_not_trusted_cannot_use_the_acceptor(
    local: LocalAws, share: dict[str, str]
) -> None:
    stranger = Stacks(local, "999999999999")
    peering = _peering(share, PeerRoleArn=share["Acceptor"])
    made = stranger.create("stranger", {**_network("10.4.0.0/24"), "Peering": peering})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "sts:AssumeRole" in stranger.reasons("stranger")


def test_a_call_gives_its_answer_and_is_undone(stacks: Stacks) -> None:
    def call(action: str, **more: Any) -> str:
        return json.dumps({"service": "@aws-sdk/client-ssm", "action": action, **more})

    put = {"Name": "/called", "Value": "x", "Type": "String"}
    made = stacks.create(
        "called",
        {
            "Call": {
                "Type": "Custom::AWS",
                "Properties": {
                    "ServiceToken": "any",
                    "Create": call(
                        "PutParameterCommand", parameters=put, physicalResourceId={"id": "p"}
                    ),
                    "Delete": call("deleteParameter", parameters={"Name": "/called"}),
                },
            }
        },
        Outputs={"Version": {"Value": {"Fn::GetAtt": ["Call", "Version"]}}},
    )
    assert outputs(made) == {"Version": "1"}
    stacks.delete("called")
    assert stacks.client("ssm").get_parameters(Names=["/called"])["Parameters"] == []


def test_data_flows_from_file_system_to_file_system(local: LocalAws, share: dict[str, str]) -> None:
    subnet = f"arn:aws:ec2:{VIRGINIA}:{MANAGEMENT}:subnet/{share['SubnetId']}"
    group = f"arn:aws:ec2:{VIRGINIA}:{MANAGEMENT}:security-group/{share['Group']}"
    location = {
        "Type": "AWS::DataSync::LocationEFS",
        "Properties": {
            "EfsFilesystemArn": share["FileSystemArn"],
            "Ec2Config": {"SubnetArn": subnet, "SecurityGroupArns": [group]},
        },
    }
    management = Stacks(local, MANAGEMENT)
    management.create(
        "copies",
        {
            "From": location,
            "To": location,
            "Task": {
                "Type": "AWS::DataSync::Task",
                "Properties": {
                    "SourceLocationArn": {"Ref": "From"},
                    "DestinationLocationArn": {"Ref": "To"},
                    "Schedule": {"ScheduleExpression": "rate(1 hour)"},
                },
            },
        },
    )
    datasync = management.client("datasync")
    task = datasync.list_tasks()["Tasks"][0]["TaskArn"]
    described = datasync.describe_task(TaskArn=task)
    assert f":{MANAGEMENT}:" in task
    assert described["Schedule"]["ScheduleExpression"] == "rate(1 hour)"
    uri = datasync.describe_location_efs(LocationArn=described["SourceLocationArn"])["LocationUri"]
    assert uri == f"efs://{VIRGINIA}.{share['FileSystem']}/"


def _lustre(gib: int) -> dict[str, Any]:
    return {
        **_network("10.5.0.0/24"),
        "Lustre": {
            "Type": "AWS::FSx::FileSystem",
            "Properties": {
                "FileSystemType": "LUSTRE",
                "StorageCapacity": gib,
                "SubnetIds": [{"Ref": "Subnet"}],
                "LustreConfiguration": {"DeploymentType": "SCRATCH_2"},
            },
        },
    }


def test_lustre_is_bound_to_its_bucket_and_goes_with_its_stack(stacks: Stacks) -> None:
    stacks.client("s3").create_bucket(Bucket="movies-of-tests")
    association = {
        "Type": "AWS::FSx::DataRepositoryAssociation",
        "Properties": {
            "FileSystemId": {"Ref": "Lustre"},
            "FileSystemPath": "/",
            "DataRepositoryPath": "s3://movies-of-tests",
            "S3": {"AutoExportPolicy": {"Events": ["NEW", "CHANGED", "DELETED"]}},
        },
    }
    made = stacks.create(
        "lustre",
        {**_lustre(1200), "Association": association},
        Outputs={"Mount": {"Value": {"Fn::GetAtt": ["Lustre", "LustreMountName"]}}},
    )
    fsx = stacks.client("fsx")
    found = fsx.describe_file_systems()["FileSystems"][0]
    assert found["Lifecycle"] == "AVAILABLE"
    assert found["LustreConfiguration"]["MountName"] == outputs(made)["Mount"]
    bound = fsx.describe_data_repository_associations()["Associations"][0]
    assert bound["DataRepositoryPath"] == "s3://movies-of-tests"
    stacks.delete("lustre")
    assert fsx.describe_file_systems()["FileSystems"] == []
    assert fsx.describe_data_repository_associations()["Associations"] == []


def test_a_size_that_is_not_sold_fails(stacks: Stacks) -> None:
    made = stacks.create("size", _lustre(3000))
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "multiple of 2400" in stacks.reasons("size")
