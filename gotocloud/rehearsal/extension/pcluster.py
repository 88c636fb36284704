"""Custom::PclusterCluster: ParallelCluster's provider, with its own validators as judge."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gotocloud.cluster_configs.engine import Engine, engine_of
from gotocloud.contract.stacks import CLUSTER_RESOURCE
from gotocloud.contract.tags import CLUSTER_TAG, NODE_TYPE_TAG, VERSION_TAG
from gotocloud.rehearsal.extension.pcluster_head import configure, make_role, remove_role
from gotocloud.rehearsal.judge import Message, judge
from local_aws.engine.access import environment
from local_aws.engine.values import stringified
from local_aws.nodes import NODES
from local_aws.resources.base import Resource, ResourceError
from local_aws.services.data_repository_lustre import LUSTRE

_FUNCTION = re.compile(r"arn:aws:lambda:(?P<region>[^:]+):(?P<account>\d+):function:(?P<name>.+)")


class PclusterCluster(Resource):
    """Custom::PclusterCluster.

    The provider passes on every property but `ServiceToken` and `DeletionPolicy` to
    pcluster, so one that pcluster does not know breaks it. What it receives is text:
    CloudFormation turns every number and boolean into a string.
    """

    type = CLUSTER_RESOURCE
    made_by_cloudformation = False
    changeable = frozenset({"ClusterConfiguration", "DeletionPolicy", "SuppressValidators"})
    known = changeable | {"ClusterName", "Region", "ServiceToken", "ValidationFailureLevel"}

    def create(self) -> None:
        engine = self._engine()
        name = self.properties["ClusterName"]
        if name == self.site.stack_name:
            raise ResourceError(f"The cluster and its stack have the same name, {name}.")
        configuration = self._configuration(engine)
        messages = self._judged(engine, configuration)
        self.physical_id = name
        try:
            head_node = self._launch(engine, configuration)
        except Exception:
            self.delete()
            raise
        self._describe(engine, configuration, head_node, messages)

    def update(self, before: Mapping[str, Any]) -> None:
        engine = self._engine()
        messages = self._judged(engine, self._configuration(engine))
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

    def _engine(self) -> Engine:
        """The version of ParallelCluster that the provider was made from."""
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
        tags = self.call("logs", "ListTagsLogGroup", logGroupName=group)["tags"]
        return engine_of(tags[VERSION_TAG])

    def _configuration(self, engine: Engine) -> dict[str, Any]:
        configuration = dict(stringified(self.properties["ClusterConfiguration"]))
        own = {tag["Key"]: tag["Value"] for tag in configuration.get("Tags", [])}
        merged = {**self.site.stack_tags, **own}
        if len(merged) > engine.max_tags:
            raise ResourceError(f"A cluster takes {engine.max_tags} tags, not {len(merged)}.")
        configuration["Tags"] = [{"Key": key, "Value": value} for key, value in merged.items()]
        return configuration

    def _judged(self, engine: Engine, configuration: Mapping[str, Any]) -> list[Message]:
        messages = judge(
            configuration,
            version=engine.version,
            name=self.properties["ClusterName"],
            region=self.site.region,
            endpoint_url=self.site.endpoint.url,
            environment=environment(self.site.endpoint, self.site.account, self.site.region),
        )
        errors = [item for item in messages if item.level == "ERROR"]
        if errors:
            told = "; ".join(f"{item.validator}: {item.text}" for item in errors)
            raise ResourceError(f"Invalid cluster configuration: {told}")
        return messages

    def _launch(self, engine: Engine, configuration: Mapping[str, Any]) -> dict[str, Any]:
        head = configuration["HeadNode"]
        self.notes["role"] = make_role(self.call, self.physical_id, configuration)
        networking = head["Networking"]
        own = networking.get("SecurityGroups", networking.get("AdditionalSecurityGroups"))
        made = self.call(
            "ec2",
            "RunInstances",
            ImageId=self._image(engine, configuration),
            InstanceType=head["InstanceType"],
            KeyName=head.get("Ssh", {}).get("KeyName"),
            MaxCount=1,
            MinCount=1,
            SecurityGroupIds=own,
            SubnetId=networking["SubnetId"],
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": self._instance_tags(engine, configuration)}
            ],
        )["Instances"][0]
        self.notes["instance"] = made["InstanceId"]
        self._add_node(configuration)
        self._give_address(networking.get("ElasticIp"))
        found = self.call("ec2", "DescribeInstances", InstanceIds=[made["InstanceId"]])
        instance: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return instance

    def _add_node(self, configuration: Mapping[str, Any]) -> None:
        """Give the head node a machine to run commands on, with Lustre mounted."""
        mounts = {}
        for storage in configuration.get("SharedStorage", []):
            file_system = storage.get("FsxLustreSettings", {}).get("FileSystemId", "")
            if lustre := LUSTRE.get(file_system):
                mounts[storage["MountDir"]] = lustre.root
        node = NODES.add(
            self.notes["instance"],
            self.site.account,
            self.site.region,
            self.properties["ClusterName"],
            mounts,
        )
        configure(self.call, node, configuration)

    def _image(self, engine: Engine, configuration: Mapping[str, Any]) -> str:
        if custom := configuration["Image"].get("CustomAmi"):
            return str(custom)
        kind = self.call(
            "ec2",
            "DescribeInstanceTypes",
            InstanceTypes=[configuration["HeadNode"]["InstanceType"]],
        )["InstanceTypes"][0]
        cpu = kind["ProcessorInfo"]["SupportedArchitectures"][0]
        name = f"{engine.image_name_prefix(configuration['Image']['Os'], cpu)}-*"
        images = self.call("ec2", "DescribeImages", Filters=[{"Name": "name", "Values": [name]}])
        return str(images["Images"][0]["ImageId"])

    def _instance_tags(
        self, engine: Engine, configuration: Mapping[str, Any]
    ) -> list[dict[str, str]]:
        return [
            *configuration["Tags"],
            {"Key": "Name", "Value": "HeadNode"},
            {"Key": CLUSTER_TAG, "Value": self.properties["ClusterName"]},
            {"Key": NODE_TYPE_TAG, "Value": "HeadNode"},
            {"Key": VERSION_TAG, "Value": engine.version},
        ]

    def _give_address(self, address: str | None) -> None:
        if address in {None, "false"}:
            return
        allocation = address
        if address == "true":
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
        engine: Engine,
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
            "version": engine.version,
            "validationMessages": _listed(messages),
        }
        if public := head_node.get("PublicIpAddress"):
            self.attributes["headNode.publicIpAddress"] = public


def _listed(messages: list[Message]) -> str:
    return json.dumps(
        [{"level": item.level, "type": item.validator, "message": item.text} for item in messages]
    )
