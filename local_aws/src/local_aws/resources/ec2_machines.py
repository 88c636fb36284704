"""EC2 machines: launch templates and instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.resources.ec2_base import Ec2Resource


class LaunchTemplate(Ec2Resource):
    """AWS::EC2::LaunchTemplate."""

    type = "AWS::EC2::LaunchTemplate"
    changeable = frozenset({"LaunchTemplateData", "TagSpecifications", "VersionDescription"})
    supported = changeable | {"LaunchTemplateName"}

    def create(self) -> None:
        made = self.ec2(
            "CreateLaunchTemplate",
            LaunchTemplateName=self.properties.get("LaunchTemplateName")
            or self.made_up_name(longest=128),
            **self.given("LaunchTemplateData", "VersionDescription"),
        )["LaunchTemplate"]
        self.physical_id = made["LaunchTemplateId"]
        self._versions(1)
        self.tag()

    def tags(self, key: str = "Tags") -> list[dict[str, str]]:
        own = {
            tag["Key"]: tag["Value"]
            for specification in self.properties.get("TagSpecifications", [])
            for tag in specification["Tags"]
        }
        merged = {**self.site.stack_tags, **own}
        return [{"Key": name, "Value": value} for name, value in sorted(merged.items())]

    def _versions(self, latest: int) -> None:
        self.attributes = {
            "LaunchTemplateId": self.physical_id,
            "LatestVersionNumber": str(latest),
            "DefaultVersionNumber": "1",
        }

    def update(self, before: Mapping[str, Any]) -> None:
        made = self.ec2(
            "CreateLaunchTemplateVersion",
            LaunchTemplateId=self.physical_id,
            **self.given("LaunchTemplateData", "VersionDescription"),
        )
        self._versions(made["LaunchTemplateVersion"]["VersionNumber"])

    def delete(self) -> None:
        self.ec2("DeleteLaunchTemplate", LaunchTemplateId=self.physical_id)


class Instance(Ec2Resource):
    """AWS::EC2::Instance."""

    type = "AWS::EC2::Instance"
    supported = frozenset(
        {
            "BlockDeviceMappings",
            "EbsOptimized",
            "IamInstanceProfile",
            "ImageId",
            "InstanceType",
            "KeyName",
            "LaunchTemplate",
            "Monitoring",
            "PropagateTagsToVolumeOnCreation",
            "SecurityGroupIds",
            "SubnetId",
            "Tags",
            "UserData",
        }
    )
    changeable = frozenset({"Tags"})

    def create(self) -> None:
        left_out = {"Tags", "PropagateTagsToVolumeOnCreation"}
        given = {key: value for key, value in self.properties.items() if key not in left_out}
        given = {**self._from_template(), **given}
        if profile := given.pop("IamInstanceProfile", None):
            given["IamInstanceProfile"] = {"Name": profile}
        if "Monitoring" in given:
            given["Monitoring"] = {"Enabled": given["Monitoring"]}
        made = self.ec2("RunInstances", MinCount=1, MaxCount=1, **given)["Instances"][0]
        self.physical_id = made["InstanceId"]
        self.tag()
        reservations = self.ec2("DescribeInstances", InstanceIds=[self.physical_id])["Reservations"]
        found = reservations[0]["Instances"][0]
        self.attributes = {
            "AvailabilityZone": found["Placement"]["AvailabilityZone"],
            "InstanceId": self.physical_id,
            "PrivateIp": found.get("PrivateIpAddress", ""),
            "PublicIp": found.get("PublicIpAddress", ""),
            "PrivateDnsName": found.get("PrivateDnsName", ""),
            "PublicDnsName": found.get("PublicDnsName", ""),
            "VpcId": found.get("VpcId", ""),
        }

    def _from_template(self) -> dict[str, Any]:
        """What moto does not take from a launch template by itself."""
        template = self.properties.get("LaunchTemplate")
        if not template:
            return {}
        found = self.look(
            "ec2",
            "DescribeLaunchTemplateVersions",
            LaunchTemplateId=template["LaunchTemplateId"],
            Versions=[str(template["Version"])],
        )["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        taken = {
            key: found[key]
            for key in ("ImageId", "InstanceType", "NetworkInterfaces")
            if key in found
        }
        if name := found.get("IamInstanceProfile", {}).get("Name"):
            taken["IamInstanceProfile"] = name
        return taken

    def delete(self) -> None:
        self.ec2("TerminateInstances", InstanceIds=[self.physical_id])
