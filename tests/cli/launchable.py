"""A small group in the local AWS whose scientists really launch: its templates are published."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gotocloud.aws.billed import billed_for
from gotocloud.aws.cloud import StandardCloud
from gotocloud.cli import main
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.releases import MOUNT_SOFTWARE, PROJECT_TEMPLATE, cluster_template
from gotocloud.errors import GoToCloudError
from gotocloud.platform.release import Release
from gotocloud.platform.zones import zone_map
from gotocloud.rehearsal.extension.control import Control
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.testing import MEMBER, VIRGINIA, Stacks
from tests.cli.local_project import (
    PROJECT_INPUT,
    SCIENTIST,
    give_a_desktop,
    nat_and_door,
    service_role,
    write_facts,
)

DISTRIBUTION = "distribution"
VERSION = "0.10.0"
NETWORK = "10.77.0.0/20"
VCPU_QUOTAS = ("L-1216C47A", "L-34B43A08", "L-DB2E81BA", "L-3819A6DF")
_TEXT = {"Type": "String"}
_NEVER = {"Fn::Equals": ["never", "now"]}


def _texts(*names: str) -> dict[str, Any]:
    return {name: {"Type": "String", "Default": "x"} for name in names}


PROJECT = {
    **PROJECT_INPUT,
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Condition": "New",
            "DeletionPolicy": "Retain",
            "Properties": {
                "BucketName": {"Ref": "BucketName"},
                "VersioningConfiguration": {"Status": "Enabled"},
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
            },
        },
        "Key": {
            "Type": "AWS::EC2::KeyPair",
            "Properties": {"KeyName": {"Ref": "KeyPairName"}},
        },
    },
}


def cluster(subnet: str, vpc: str, image: str) -> dict[str, Any]:
    """A cluster with everything that is billed, and a head node that the test can play."""
    events = {"Events": ["NEW", "CHANGED", "DELETED"]}
    return {
        "Description": f"GoToCloud cluster tutorial {VERSION} in {VIRGINIA}. Billed by the hour.",
        "Parameters": {
            **_texts("Project", "Scientist", "ClusterName", "BucketName", "ComputeSubnetCidr"),
            "LustreGib": {"Type": "Number", "Default": "1200"},
        },
        "Conditions": {"Never": _NEVER},
        "Resources": {
            "Subnet": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": vpc, "CidrBlock": {"Ref": "ComputeSubnetCidr"}},
            },
            **nat_and_door(vpc, subnet),
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
                    "DataRepositoryPath": {"Fn::Sub": "s3://${BucketName}"},
                    "BatchImportMetaDataOnCreate": True,
                    "S3": {"AutoImportPolicy": events, "AutoExportPolicy": events},
                },
            },
            "Head": {
                "Type": "AWS::EC2::Instance",
                "DependsOn": ["Link", "Gateway", "Subnet"],
                "Properties": {
                    "ImageId": image,
                    "InstanceType": "m5.xlarge",
                    "SubnetId": subnet,
                    "SecurityGroupIds": [{"Fn::GetAtt": ["Door", "GroupId"]}],
                },
            },
            "Cluster": {
                "Type": "Custom::PclusterCluster",
                "Condition": "Never",
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
        "Outputs": {
            "HeadNodeInstanceId": {"Value": {"Ref": "Head"}},
            "HeadNodePublicIp": {"Value": "203.0.113.9"},
            "LustreFileSystemId": {"Value": {"Ref": "Lustre"}},
            "DesktopSecurityGroupId": {"Value": {"Fn::GetAtt": ["Door", "GroupId"]}},
        },
    }


@dataclass
class Said:
    """What came of one command.

    Args:
        error: Its error; None when it ended well.
        text: Everything that it printed.
        following: The commands that it suggests, as a shell takes them.
    """

    error: GoToCloudError | None
    text: str
    following: str


class LaunchableGroup:
    """The group, with the commands of its scientist."""

    def __init__(self, local: LocalAws) -> None:
        self.local, self.control = local, Control(local)
        self.stacks = Stacks(local, MEMBER, VIRGINIA)
        self.s3: Any = self.stacks.client("s3")
        self.fsx: Any = self.stacks.client("fsx")
        self._nodes: set[str] = set()
        ec2 = self.stacks.client("ec2")
        self.ec2: Any = ec2
        vpc = ec2.create_vpc(CidrBlock=NETWORK)["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.0.0/24")["Subnet"]["SubnetId"]
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        write_facts(
            local,
            VPC_ID=vpc,
            VPC_CIDR=NETWORK,
            ZONE_ID=zone_map().region(VIRGINIA).chosen(1)[0],
            RELEASES_BUCKET=DISTRIBUTION,
            RELEASES_URL=f"https://{DISTRIBUTION}.s3.{VIRGINIA}.amazonaws.com/releases/",
            RELEASES_APPROVED="any",
            CLUSTER_SERVICE_ROLE_ARN=service_role(self.stacks),
            REGIONS=VIRGINIA,
        )
        for code in VCPU_QUOTAS:
            self.control.set_quota(MEMBER, VIRGINIA, code, 10_000)
        self.s3.create_bucket(Bucket=DISTRIBUTION)
        files = {
            PROJECT_TEMPLATE: json.dumps(PROJECT).encode(),
            cluster_template("tutorial", VIRGINIA): json.dumps(
                cluster(subnet, vpc, image)
            ).encode(),
            MOUNT_SOFTWARE: b"#!/bin/sh\n",
        }
        release = Release(VERSION, files)
        for path, content in {**files, "manifest.json": release.manifest}.items():
            key = f"releases/{VERSION}/{path}"
            self.s3.put_object(Bucket=DISTRIBUTION, Key=key, Body=content)

    def names(self, project: str) -> ProjectNames:
        """What everything of a project is called."""
        return ProjectNames(SCIENTIST, MEMBER, project)

    def stack(self, name: str) -> dict[str, Any] | None:
        """A stack as it is described; None when there is none."""
        found = self.stacks.cfn.describe_stacks()["Stacks"]
        return next((one for one in found if one["StackName"] == name), None)

    def outputs(self, project: str) -> dict[str, str]:
        """Outputs of the stack of a project's cluster."""
        stack = self.stack(self.names(project).cluster_stack) or {}
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}

    def type(self, *arguments: str) -> Said:
        """Type one command without a terminal."""
        out, err = io.StringIO(), io.StringIO()
        typed = shlex.join(["gotocloud", *arguments])
        error = None
        before = sys.argv
        sys.argv = ["gotocloud", *arguments]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main.app(list(arguments), standalone_mode=False, prog_name="gotocloud")
        except GoToCloudError as caught:
            error = caught
        finally:
            sys.argv = before
        # A fault may strike this look, too; the next one comes after it.
        with contextlib.suppress(ClientError, BotoCoreError):
            self.play_head_nodes()
        text = f"{out.getvalue()}{err.getvalue()}"
        if error:
            return Said(error, f"{text}{error.text(typed)}", error.following(typed))
        following = [line[6:] for line in text.splitlines() if line.startswith("Next: ")]
        return Said(None, text, following[0] if following else "")

    def play_head_nodes(self) -> None:
        """Let machines of new clusters run commands."""
        for stack in self.stacks.cfn.describe_stacks()["Stacks"]:
            told = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}
            node = told.get("HeadNodeInstanceId")
            if node and node not in self._nodes:
                self._nodes.add(node)
                lustre = told["LustreFileSystemId"]
                self.control.add_node(node, MEMBER, VIRGINIA, {"/fsx": lustre})
                self.control.set_jobs(node, [], partitions=[{"name": "refine3d"}])
                give_a_desktop(self.control, node)

    def billed(self, project: str) -> list[str]:
        """What of a project is billed."""
        return billed_for(StandardCloud(), self.names(project))

    def bucket_is_there(self, project: str) -> bool:
        """Whether the group has the project's bucket."""
        names = {one["Name"] for one in self.s3.list_buckets()["Buckets"]}
        return self.names(project).bucket in names

    def status(self, name: str) -> str:
        """CloudFormation's status of a stack; "absent" when there is none."""
        stack = self.stack(name)
        return str(stack["StackStatus"]) if stack else "absent"

    def survey(self, project: str) -> tuple[object, ...]:
        """Everything that decides what a command about a project answers."""
        names = self.names(project)
        return (
            self.status(names.project_stack),
            self.status(names.cluster_stack),
            self.bucket_is_there(project),
            tuple(self.billed(project)),
        )


def commands(line: str) -> Iterator[list[str]]:
    """The commands of a line that a shell would run one after another."""
    words: list[str] = []
    for word in [*shlex.split(line), "&&"]:
        if word == "&&":
            yield words
            words = []
        else:
            words.append(word)
