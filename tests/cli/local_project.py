"""A scientist's project and cluster in the local AWS: Lustre that exports, a node that runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gotocloud.contract.group_facts import Fact
from gotocloud.contract.project_names import ProjectNames
from gotocloud.rehearsal.extension.control import Control
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.testing import MEMBER as GROUP
from local_aws.testing import VIRGINIA, Stacks, outputs

SCIENTIST = "ann"
ROLE = f"arn:aws:iam::{GROUP}:role/gotocloud-scientist"
VALUES = {
    Fact.GROUP: "alone",
    Fact.REGIONS: f"{VIRGINIA},ap-northeast-1",
    Fact.VPC_CIDR: "10.4.0.0/20",
    Fact.DESKTOP_NETWORKS: "none",
}
DCV = (
    "#!/bin/sh\necho PclusterDcvServerPort=8443 PclusterDcvSessionId=abc "
    'PclusterDcvSessionToken=token-of-"$(id -un)"\n'
)
_TEXT = {"Type": "String"}
PROJECT_INPUT: dict[str, Any] = {
    "Parameters": {
        **{
            name: {**_TEXT, "Default": "x"}
            for name in ("Project", "Scientist", "BucketName", "KeyPairName")
        },
        "BucketOrigin": {**_TEXT, "Default": "new"},
        "ArchiveAfterDays": {"Type": "Number", "Default": "0"},
    },
    "Conditions": {"New": {"Fn::Equals": [{"Ref": "BucketOrigin"}, "new"]}},
}
"""What a project's template takes."""


def nat_and_door(vpc: str, subnet: str) -> dict[str, Any]:
    """Resources of a cluster's template: what its network is billed for, and its desktop's group.

    Args:
        vpc: Id.
        subnet: Id of the subnet of the NAT gateway.
    """
    return {
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        "Gateway": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "SubnetId": subnet,
                "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
            },
        },
        "Door": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "desktop",
                "VpcId": vpc,
                "Tags": [{"Key": "gtc:door", "Value": "desktop"}],
            },
        },
    }


def write_facts(
    local: LocalAws, account: str = GROUP, region: str = VIRGINIA, **changed: str
) -> None:
    """The group's SSM parameters."""
    ssm = local.client("ssm", account, region)
    for fact in Fact:
        value = changed.get(fact.name, VALUES.get(fact, "x"))
        ssm.put_parameter(Name=fact.value, Value=value, Type="String", Overwrite=True)


def environment(local: LocalAws) -> dict[str, str]:
    """What makes every AWS tool act as the scientist."""
    sts = local.client("sts", GROUP, VIRGINIA)
    keys = sts.assume_role(RoleArn=ROLE, RoleSessionName=SCIENTIST)["Credentials"]
    return {
        **local.environment(GROUP, VIRGINIA),
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def service_role(stacks: Stacks) -> str:
    """The role with which CloudFormation makes, and later deletes, the stacks of a project."""
    iam = stacks.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": {**trust, "Action": "sts:AssumeRole"}}
    try:
        made = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(document))
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName="deployer")
    everything = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_role_policy(RoleName="deployer", PolicyArn=everything)
    return str(made["Role"]["Arn"])


def give_a_desktop(control: Control, instance: str) -> None:
    """Put the script of ParallelCluster that starts a desktop onto a head node."""
    script = control.node(instance) / "opt/parallelcluster/scripts/pcluster_dcv_connect.sh"
    script.parent.mkdir(parents=True)
    script.write_text(DCV)
    script.chmod(0o755)


class LocalProject:
    """One project, with a cluster if it is started."""

    def __init__(
        self,
        local: LocalAws,
        project: str,
        *,
        account: str = GROUP,
        region: str = VIRGINIA,
        scientist: str = SCIENTIST,
    ) -> None:
        self.local = local
        self.names = ProjectNames(scientist, account, project)
        self.stacks = Stacks(local, account, region)
        self.control = Control(local)
        self.s3: Any = self.stacks.client("s3")
        self.outputs: dict[str, str] = {}
        self.role = service_role(self.stacks)
        made = self.stacks.create(
            self.names.project_stack,
            {
                "Bucket": {
                    "Type": "AWS::S3::Bucket",
                    "DeletionPolicy": "Retain",
                    "Properties": {
                        "BucketName": self.names.bucket,
                        "VersioningConfiguration": {"Status": "Enabled"},
                    },
                },
                "Key": {"Type": "AWS::EC2::KeyPair", "Properties": {"KeyName": self.names.base}},
            },
            Tags=self._tags(),
            RoleARN=self.role,
        )
        assert made["StackStatus"] == "CREATE_COMPLETE", self.stacks.reasons(made["StackName"])

    def start(self) -> LocalProject:
        """Have a cluster: what is billed by the hour, and what a pause talks to."""
        vpc = self.stacks.client("ec2").describe_subnets()["Subnets"][0]
        made = self.stacks.create(
            self.names.cluster_stack,
            self._resources(vpc["SubnetId"], vpc["VpcId"]),
            Tags=self._tags(),
            RoleARN=self.role,
            Parameters={"BucketName": _TEXT | {"Default": self.names.bucket}},
            Outputs={
                "HeadNodeInstanceId": {"Value": {"Ref": "Head"}},
                "HeadNodePublicIp": {"Value": "203.0.113.9"},
                "LustreFileSystemId": {"Value": {"Ref": "Lustre"}},
                "DesktopSecurityGroupId": {"Value": {"Fn::GetAtt": ["Door", "GroupId"]}},
            },
        )
        assert made["StackStatus"] == "CREATE_COMPLETE", self.stacks.reasons(made["StackName"])
        self.outputs = outputs(made)
        self.instance = self.outputs["HeadNodeInstanceId"]
        self.file_system = self.outputs["LustreFileSystemId"]
        node = (self.instance, self.stacks.account, self.stacks.region)
        self.control.add_node(*node, {"/fsx": self.file_system})
        self.control.set_jobs(self.instance, [], partitions=[{"name": "refine3d"}])
        give_a_desktop(self.control, self.instance)
        return self

    def _resources(self, subnet: str, vpc: str) -> dict[str, Any]:
        image = self.stacks.client("ec2").describe_images(Owners=["amazon"])["Images"][0]
        events = {"Events": ["NEW", "CHANGED", "DELETED"]}
        return {
            "Lustre": {
                "Type": "AWS::FSx::FileSystem",
                "Properties": {
                    "FileSystemType": "LUSTRE",
                    "StorageCapacity": 1200,
                    "SubnetIds": [subnet],
                    "LustreConfiguration": {"DeploymentType": "SCRATCH_2"},
                },
            },
            "Link": {
                "Type": "AWS::FSx::DataRepositoryAssociation",
                "Properties": {
                    "FileSystemId": {"Ref": "Lustre"},
                    "FileSystemPath": "/",
                    "DataRepositoryPath": f"s3://{self.names.bucket}",
                    "BatchImportMetaDataOnCreate": True,
                    "S3": {"AutoImportPolicy": events, "AutoExportPolicy": events},
                },
            },
            **nat_and_door(vpc, subnet),
            "Head": {
                "Type": "AWS::EC2::Instance",
                "Properties": {
                    "ImageId": image["ImageId"],
                    "InstanceType": "m5.xlarge",
                    "SubnetId": subnet,
                },
            },
        }

    def _tags(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.names.tags.items()]

    @property
    def lustre(self) -> Path:
        """The directory that stands for Lustre."""
        return self.control.lustre(self.file_system)

    @property
    def running(self) -> bool:
        """Whether the cluster's stack is there."""
        names = {one["StackName"] for one in self.stacks.cfn.describe_stacks()["Stacks"]}
        return self.names.cluster_stack in names

    def fill(self) -> dict[str, bytes]:
        """Put files of all kinds onto Lustre; returns the regular ones."""
        content = {
            "movies/a.mrc": os.urandom(3000),
            "sp ace/new\nline": b"1",
            "Größe/粒子.star": b"2",
            "empty": b"",
        }
        for name, data in content.items():
            path = self.lustre / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (self.lustre / "movies/link").symlink_to("../empty")
        (self.lustre / "nothing inside").mkdir()
        (self.lustre / "movies").chmod(0o750)
        return content

    def stored(self) -> dict[str, bytes]:
        """Objects of the bucket, without our own."""
        listed = self.s3.list_objects_v2(Bucket=self.names.bucket).get("Contents", ())
        return {
            one["Key"]: self.s3.get_object(Bucket=self.names.bucket, Key=one["Key"])["Body"].read()
            for one in listed
            if not one["Key"].startswith(".gotocloud/")
        }

    def proofs(self) -> list[str]:
        """Keys of the proofs in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=self.names.bucket, Prefix=".gotocloud/proofs/")
        keys = [one["Key"] for one in listed.get("Contents", ())]
        return [key for key in keys if key.endswith("/proof.json")]
