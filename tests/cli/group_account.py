"""A group's account in moto, small and quick: what the scientist's commands find in AWS."""

from __future__ import annotations

import json
from typing import Any

import boto3
import typer

from gotocloud.contract.group_facts import Fact
from gotocloud.contract.releases import MOUNT_SOFTWARE, PROJECT_TEMPLATE, cluster_template
from gotocloud.contract.stacks import CLUSTER_RESOURCE
from gotocloud.platform.addresses import group_subnets
from gotocloud.platform.release import Release
from gotocloud.platform.zones import zone_map
from tests.cli.local_project import PROJECT_INPUT
from tests.projects.shapes import NETWORK

REGION = "us-east-1"
ACCOUNT = "123456789012"
SCIENTIST = "ann"
BUCKET = "distribution"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/gotocloud-cluster-service"
GROUP_TAGS = {"cost-centre": "42"}
VCPUS = 10_000.0


def _parameters(*names: str) -> dict[str, Any]:
    return {name: {"Type": "String"} for name in names}


PROJECT = {
    **PROJECT_INPUT,
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Condition": "New",
            "Properties": {"BucketName": {"Ref": "BucketName"}},
        }
    },
    "Outputs": {"BucketName": {"Value": {"Ref": "BucketName"}}},
}


def cluster(vpc_id: str, version: str) -> dict[str, Any]:
    """A cluster template with what a cluster is billed for, as far as moto makes it."""
    return {
        "Description": f"GoToCloud cluster tutorial {version} in {REGION}. Billed by the hour.",
        "Parameters": {
            **_parameters("Project", "Scientist", "ClusterName", "BucketName", "ComputeSubnetCidr"),
            "LustreGib": {"Type": "Number", "Default": "1200"},
        },
        "Resources": {
            "Subnet": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": vpc_id, "CidrBlock": {"Ref": "ComputeSubnetCidr"}},
            },
            "Door": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {"VpcId": vpc_id, "GroupDescription": "desktop"},
            },
            "Lustre": {
                "Type": "AWS::FSx::FileSystem",
                "Properties": {"LustreConfiguration": {"DeploymentType": "SCRATCH_2"}},
            },
            "Cluster": {
                "Type": CLUSTER_RESOURCE,
                "Properties": {
                    "ServiceToken": "none",
                    "ClusterConfiguration": {
                        "HeadNode": {"InstanceType": "m5.xlarge"},
                        "Scheduling": {
                            "SlurmQueues": [
                                {
                                    "Name": "gpu",
                                    "CapacityType": "ONDEMAND",
                                    "ComputeResources": [
                                        {"InstanceType": "g6.4xlarge", "MaxCount": 1}
                                    ],
                                }
                            ]
                        },
                    },
                },
            },
        },
        "Outputs": {"ClusterName": {"Value": {"Ref": "ClusterName"}}},
    }


def build(*, versions: tuple[str, ...] = ("0.9.0", "0.10.0"), vcpus: float = VCPUS) -> str:
    """Make the account; returns the id of its network."""
    ec2 = boto3.client("ec2", REGION)
    vpc_id = ec2.create_vpc(CidrBlock=str(NETWORK))["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc_id, CidrBlock=str(group_subnets(NETWORK).public))
    facts(vpc_id)
    _releases(vpc_id, versions)
    user_stack = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}
    boto3.client("cloudformation", REGION).create_stack(
        StackName="gotocloud-user",
        TemplateBody=json.dumps(user_stack),
        Tags=[{"Key": k, "Value": v} for k, v in {**GROUP_TAGS, "gtc:method": "cryoem"}.items()],
    )
    boto3.client("budgets", REGION).create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": "gotocloud-lab",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "3000", "Unit": "USD"},
        },
    )
    raise_vcpus(vcpus)
    return vpc_id


def raise_vcpus(vcpus: float) -> None:
    """Have the vCPU quotas raised."""
    quotas = boto3.client("service-quotas", REGION)
    for code in ("L-1216C47A", "L-34B43A08", "L-DB2E81BA", "L-3819A6DF"):
        if vcpus > 5:
            quotas.request_service_quota_increase(
                ServiceCode="ec2", QuotaCode=code, DesiredValue=vcpus
            )


def facts(vpc_id: str) -> None:
    """The parameters that the group's stack writes."""
    values = {
        Fact.GROUP: "lab",
        Fact.REGIONS: f"{REGION},ap-northeast-1",
        Fact.RELEASES_BUCKET: BUCKET,
        Fact.RELEASES_URL: f"https://{BUCKET}.s3.{REGION}.amazonaws.com/releases/",
        Fact.DESKTOP_NETWORKS: "none",
        Fact.VPC_ID: vpc_id,
        Fact.VPC_CIDR: str(NETWORK),
        Fact.ZONE_ID: zone_map().region(REGION).chosen(1)[0],
        Fact.CLUSTER_SERVICE_ROLE_ARN: ROLE,
    }
    ssm = boto3.client("ssm", REGION)
    for name, value in values.items():
        ssm.put_parameter(Name=name.value, Value=value, Type="String")


def _releases(vpc_id: str, versions: tuple[str, ...]) -> None:
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(Bucket=BUCKET)
    for version in versions:
        files = {
            PROJECT_TEMPLATE: json.dumps(PROJECT).encode(),
            cluster_template("tutorial", REGION): json.dumps(cluster(vpc_id, version)).encode(),
            MOUNT_SOFTWARE: b"#!/bin/sh\n",
        }
        release = Release(version, files)
        for path, content in {**files, "manifest.json": release.manifest}.items():
            s3.put_object(Bucket=BUCKET, Key=f"releases/{version}/{path}", Body=content)


def invoke(app: typer.Typer, *arguments: str) -> None:
    """Run a command as the program does, with errors coming out as they are."""
    typer.main.get_command(app)(list(arguments), standalone_mode=False)


def invoke_for_code(app: typer.Typer, *arguments: str) -> int:
    """Run a command; returns its exit code."""
    return int(typer.main.get_command(app)(list(arguments), standalone_mode=False) or 0)


def survey() -> dict[str, Any]:
    """Everything of the account that a scientist's command could have made."""
    ec2 = boto3.client("ec2", REGION)
    stacks = boto3.client("cloudformation", REGION).describe_stacks()["Stacks"]
    return {
        "stacks": sorted(
            (
                one["StackName"],
                one["StackStatus"],
                sorted((it["ParameterKey"], it["ParameterValue"]) for it in one["Parameters"]),
                sorted((it["Key"], it["Value"]) for it in one["Tags"]),
            )
            for one in stacks
        ),
        "subnets": sorted(it["CidrBlock"] for it in ec2.describe_subnets()["Subnets"]),
        "addresses": len(ec2.describe_addresses()["Addresses"]),
        "doors": len(ec2.describe_security_groups()["SecurityGroups"]),
        "buckets": sorted(it["Name"] for it in boto3.client("s3").list_buckets()["Buckets"]),
    }
