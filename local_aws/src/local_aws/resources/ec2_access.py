"""EC2 access: security groups, their rules, key pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local_aws.resources.ec2_base import Ec2Resource

EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
"""The egress rule that a new security group has by itself."""

_RULE = frozenset(
    {
        "CidrIp",
        "CidrIpv6",
        "Description",
        "FromPort",
        "GroupId",
        "IpProtocol",
        "ToPort",
    }
)
_PEER = {
    "SecurityGroupIngress": ("SourceSecurityGroupId", "SourcePrefixListId"),
    "SecurityGroupEgress": ("DestinationSecurityGroupId", "DestinationPrefixListId"),
}


def permission(rule: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A rule of the template as the API's IpPermission.

    Args:
        rule: Properties of the rule.
        kind: "SecurityGroupIngress" or "SecurityGroupEgress".
    """
    group_key, prefix_key = _PEER[kind]
    made: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    for port in ("FromPort", "ToPort"):
        if port in rule:
            made[port] = rule[port]
    described = {"Description": rule["Description"]} if "Description" in rule else {}
    if "CidrIp" in rule:
        made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **described}]
    if "CidrIpv6" in rule:
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **described}]
    if group_key in rule:
        pair = {"GroupId": rule[group_key], **described}
        if "SourceSecurityGroupOwnerId" in rule:
            pair["UserId"] = rule["SourceSecurityGroupOwnerId"]
        made["UserIdGroupPairs"] = [pair]
    if prefix_key in rule:
        made["PrefixListIds"] = [{"PrefixListId": rule[prefix_key], **described}]
    return made


class SecurityGroup(Ec2Resource):
    """AWS::EC2::SecurityGroup."""

    type = "AWS::EC2::SecurityGroup"
    changeable = frozenset({"SecurityGroupEgress", "SecurityGroupIngress", "Tags"})
    supported = changeable | {"GroupDescription", "GroupName", "VpcId"}

    def create(self) -> None:
        made = self.ec2(
            "CreateSecurityGroup",
            GroupName=self.properties.get("GroupName") or self.made_up_name(longest=255),
            Description=self.properties["GroupDescription"],
            **self.given("VpcId"),
        )
        self.physical_id = made["GroupId"]
        self.attributes = {"GroupId": self.physical_id, "Id": self.physical_id}
        self.attributes.update(self.given("VpcId"))
        self.tag()
        if "SecurityGroupEgress" in self.properties:
            self._rules("Revoke", "SecurityGroupEgress", [EVERYTHING])
        self._both("Authorize", self.properties)

    def _both(self, verb: str, properties: Mapping[str, Any]) -> None:
        for kind in _PEER:
            rules = [permission(rule, kind) for rule in properties.get(kind, [])]
            self._rules(verb, kind, rules)

    def _rules(self, verb: str, kind: str, rules: list[dict[str, Any]]) -> None:
        if rules:
            self.ec2(f"{verb}{kind}", GroupId=self.physical_id, IpPermissions=rules)

    def update(self, before: Mapping[str, Any]) -> None:
        self._both("Revoke", before)
        self._both("Authorize", self.properties)
        self.retag(before)

    def delete(self) -> None:
        self.ec2("DeleteSecurityGroup", GroupId=self.physical_id)


class SecurityGroupIngress(Ec2Resource):
    """AWS::EC2::SecurityGroupIngress."""

    type = "AWS::EC2::SecurityGroupIngress"
    supported = _RULE | {
        "SourcePrefixListId",
        "SourceSecurityGroupId",
        "SourceSecurityGroupOwnerId",
    }

    def create(self) -> None:
        made = self._call("Authorize")
        found = made.get("SecurityGroupRules") or [{"SecurityGroupRuleId": self.made_up_name()}]
        self.physical_id = found[0]["SecurityGroupRuleId"]
        self.attributes = {"Id": self.physical_id}
        self._look()

    def _look(self) -> None:
        """What the handlers read before and after every change, with the stack's permissions."""
        group = [{"Name": "group-id", "Values": [self.properties["GroupId"]]}]
        self.ec2("DescribeSecurityGroupRules", Filters=group)

    def _call(self, verb: str) -> dict[str, Any]:
        kind = self.type.rpartition(":")[2]
        rule = permission(self.properties, kind)
        return self.ec2(f"{verb}{kind}", GroupId=self.properties["GroupId"], IpPermissions=[rule])

    def delete(self) -> None:
        self._look()
        self._call("Revoke")


class SecurityGroupEgress(SecurityGroupIngress):
    """AWS::EC2::SecurityGroupEgress."""

    type = "AWS::EC2::SecurityGroupEgress"
    supported = _RULE | {"DestinationPrefixListId", "DestinationSecurityGroupId"}

    def create(self) -> None:
        try:
            super().create()
        except ClientError as error:
            # A new group lets everything out already. AWS accepts the same rule again:
            # ParallelCluster's own stack has one (compute_fleet_stack.py, NormalEgress).
            if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
                raise
            self.physical_id = self.made_up_name()
            self.attributes = {"Id": self.physical_id}
            self._look()


class KeyPair(Ec2Resource):
    """AWS::EC2::KeyPair; a private key that EC2 made is kept in an SSM parameter."""

    type = "AWS::EC2::KeyPair"
    supported = frozenset({"KeyFormat", "KeyName", "KeyType", "PublicKeyMaterial", "Tags"})

    def create(self) -> None:
        name = self.properties["KeyName"]
        if material := self.properties.get("PublicKeyMaterial"):
            made = self.ec2("ImportKeyPair", KeyName=name, PublicKeyMaterial=material.encode())
        else:
            given = self.given("KeyFormat", "KeyType")
            made = self.ec2("CreateKeyPair", KeyName=name, **given)
            self.physical_id = name
            self.notes["parameter"] = f"/ec2/keypair/{made['KeyPairId']}"
            self.call(
                "ssm",
                "PutParameter",
                Name=self.notes["parameter"],
                Type="SecureString",
                Value=made["KeyMaterial"],
            )
        self.physical_id = name
        self.attributes = {"KeyPairId": made["KeyPairId"], "KeyFingerprint": made["KeyFingerprint"]}
        self.tag(made["KeyPairId"])

    def delete(self) -> None:
        self.ec2("DeleteKeyPair", KeyName=self.physical_id)
        if name := self.notes.get("parameter"):
            self.drop("ssm", "DeleteParameter", Name=name)
