"""Custom::PclusterCluster: ParallelCluster's provider, with its own validators as judge."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gotocloud.cluster_configs.renderer import PCLUSTER_VERSION
from gotocloud.rehearsal.engine.access import environment
from gotocloud.rehearsal.engine.values import stringified
from gotocloud.rehearsal.judge import Message, judge
from gotocloud.rehearsal.nodes import NODES
from gotocloud.rehearsal.resources.base import Resource, ResourceError
from gotocloud.rehearsal.resources.pcluster_head import make_role, remove_role, tell
from gotocloud.rehearsal.services.data_repository_lustre import LUSTRE
from gotocloud.rehearsal.services.run_command import add_head_node

_FUNCTION = re.compile(r"arn:aws:lambda:(?P<region>[^:]+):(?P<account>\d+):function:(?P<name>.+)")
_OS_PARTS = {"alinux2023": "amzn2023-hvm", "rhel8": "rhel8-hvm", "rhel9": "rhel9-hvm"}
_OS_PARTS |= {"rocky8": "rocky8-hvm", "rocky9": "rocky9-hvm"}
_OS_PARTS |= {"ubuntu2204": "ubuntu-2204-lts-hvm", "ubuntu2404": "ubuntu-2404-lts-hvm"}
MOST_TAGS = 40


class PclusterCluster(Resource):
    """Custom::PclusterCluster.

    The provider passes on every property but `ServiceToken` and `DeletionPolicy` to
    pcluster, so one that pcluster does not know breaks it. What it receives is text:
    CloudFormation turns every number and boolean into a string.
    """

    type = "Custom::PclusterCluster"
    made_by_cloudformation = False
    changeable = frozenset({"ClusterConfiguration", "DeletionPolicy", "SuppressValidators"})
    known = changeable | {"ClusterName", "Region", "ServiceToken", "ValidationFailureLevel"}

    def create(self) -> None:
        self._check_provider()
        name = self.properties["ClusterName"]
        if name == self.site.stack_name:
            raise ResourceError(f"The cluster and its stack have the same name, {name}.")
        configuration = self._configuration()
        messages = self._judged(configuration)
        self.physical_id = name
        try:
            head_node = self._launch(configuration)
        except Exception:
            self.delete()
            raise
        self._describe(configuration, head_node, messages)

    def update(self, before: Mapping[str, Any]) -> None:
        messages = self._judged(self._configuration())
        self.attributes["validationMessages"] = _listed(messages)

    def delete(self) -> None:
        if self.properties.get("DeletionPolicy") == "Retain":
            return
        if instance := self.notes.get("instance"):
            self.call("ec2", "TerminateInstances", InstanceIds=[instance])
            NODES.remove(instance)
        if role := self.notes.get("role"):
            remove_role(self.call, role)
        if address := self.notes.get("address"):
            self.call("ec2", "ReleaseAddress", AllocationId=address)

    def _check_provider(self) -> None:
        token = str(self.properties["ServiceToken"])
        found = _FUNCTION.fullmatch(token)
        if not found or (found["account"], found["region"]) != (
            self.site.account,
            self.site.region,
        ):
            raise ResourceError(f"Invalid service token: {token}")
        group = f"/aws/lambda/{found['name']}"
        groups = self.call("logs", "DescribeLogGroups", logGroupNamePrefix=group)["logGroups"]
        if not groups:
            raise ResourceError(f"No ParallelCluster provider answers at {token}")

    def _configuration(self) -> dict[str, Any]:
        configuration = dict(stringified(self.properties["ClusterConfiguration"]))
        own = {tag["Key"]: tag["Value"] for tag in configuration.get("Tags", [])}
        merged = {**self.site.stack_tags, **own}
        if len(merged) > MOST_TAGS:
            raise ResourceError(f"A cluster takes {MOST_TAGS} tags, not {len(merged)}.")
        configuration["Tags"] = [{"Key": key, "Value": value} for key, value in merged.items()]
        return configuration

    def _judged(self, configuration: Mapping[str, Any]) -> list[Message]:
        messages = judge(
            configuration,
            name=self.properties["ClusterName"],
            region=self.site.region,
            endpoint_url=self.site.endpoint_url,
            environment=environment(self.site.endpoint_url, self.site.account, self.site.region),
        )
        errors = [item for item in messages if item.level == "ERROR"]
        if errors:
            told = "; ".join(f"{item.validator}: {item.text}" for item in errors)
            raise ResourceError(f"Invalid cluster configuration: {told}")
        return messages

    def _launch(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        head = configuration["HeadNode"]
        self.notes["role"] = make_role(self.call, self.physical_id, configuration)
        networking = head["Networking"]
        own = networking.get("SecurityGroups", networking.get("AdditionalSecurityGroups"))
        made = self.call(
            "ec2",
            "RunInstances",
            ImageId=self._image(configuration),
            InstanceType=head["InstanceType"],
            KeyName=head.get("Ssh", {}).get("KeyName"),
            MaxCount=1,
            MinCount=1,
            SecurityGroupIds=own,
            SubnetId=networking["SubnetId"],
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": self._instance_tags(configuration)}
            ],
        )["Instances"][0]
        self.notes["instance"] = made["InstanceId"]
        self._furnish(configuration)
        self._give_address(networking.get("ElasticIp"))
        found = self.call("ec2", "DescribeInstances", InstanceIds=[made["InstanceId"]])
        instance: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return instance

    def _furnish(self, configuration: Mapping[str, Any]) -> None:
        """Give the head node a machine to run commands on, with Lustre mounted."""
        mounts = {}
        for storage in configuration.get("SharedStorage", []):
            file_system = storage.get("FsxLustreSettings", {}).get("FileSystemId", "")
            if lustre := LUSTRE.get(file_system):
                mounts[storage["MountDir"]] = lustre.root
        node = add_head_node(
            self.notes["instance"],
            self.site.account,
            self.site.region,
            self.properties["ClusterName"],
            mounts,
        )
        tell(self.call, node.root, configuration)

    def _image(self, configuration: Mapping[str, Any]) -> str:
        part = _OS_PARTS[configuration["Image"]["Os"]]
        kind = self.call(
            "ec2",
            "DescribeInstanceTypes",
            InstanceTypes=[configuration["HeadNode"]["InstanceType"]],
        )["InstanceTypes"][0]
        cpu = kind["ProcessorInfo"]["SupportedArchitectures"][0]
        name = f"aws-parallelcluster-{PCLUSTER_VERSION}-{part}-{cpu}-*"
        images = self.call("ec2", "DescribeImages", Filters=[{"Name": "name", "Values": [name]}])
        return str(images["Images"][0]["ImageId"])

    def _instance_tags(self, configuration: Mapping[str, Any]) -> list[dict[str, str]]:
        return [
            *configuration["Tags"],
            {"Key": "Name", "Value": "HeadNode"},
            {"Key": "parallelcluster:cluster-name", "Value": self.properties["ClusterName"]},
            {"Key": "parallelcluster:node-type", "Value": "HeadNode"},
            {"Key": "parallelcluster:version", "Value": PCLUSTER_VERSION},
        ]

    def _give_address(self, wanted: str | None) -> None:
        if wanted in {None, "false"}:
            return
        allocation = wanted
        if wanted == "true":
            allocation = self.call("ec2", "AllocateAddress", Domain="vpc")["AllocationId"]
            self.notes["address"] = allocation
        self.call(
            "ec2",
            "AssociateAddress",
            AllocationId=allocation,
            InstanceId=self.notes["instance"],
        )

    def _describe(
        self,
        configuration: Mapping[str, Any],
        head_node: Mapping[str, Any],
        messages: list[Message],
    ) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.attributes = {
            "clusterName": self.physical_id,
            "clusterStatus": "CREATE_COMPLETE",
            "cloudFormationStackStatus": "CREATE_COMPLETE",
            "computeFleetStatus": "RUNNING",
            "creationTime": now,
            "lastUpdatedTime": now,
            "headNode.imageId": head_node["ImageId"],
            "headNode.instanceId": head_node["InstanceId"],
            "headNode.instanceType": head_node["InstanceType"],
            "headNode.launchTime": now,
            "headNode.privateIpAddress": head_node["PrivateIpAddress"],
            "headNode.state": head_node["State"]["Name"],
            "region": self.site.region,
            "scheduler.type": configuration["Scheduling"]["Scheduler"],
            "version": PCLUSTER_VERSION,
            "validationMessages": _listed(messages),
        }
        if public := head_node.get("PublicIpAddress"):
            self.attributes["headNode.publicIpAddress"] = public


def _listed(messages: list[Message]) -> str:
    return json.dumps(
        [{"level": item.level, "type": item.validator, "message": item.text} for item in messages]
    )
