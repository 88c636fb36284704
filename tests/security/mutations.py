"""Small changes of templates that each weaken them: a permission, a trust, a door, a protection."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.security.checks.template import Template, as_list, resources

Mutation = tuple[str, Template]
Change = Callable[[dict[str, Any]], None]


def mutations(template: Template) -> Iterator[Mutation]:
    """Every change of a template that the rules below know, one at a time."""
    for logical_id, kind, properties in resources(template):
        for name, change in _changes(kind, properties):
            mutated = copy.deepcopy(template)
            change(mutated["Resources"][logical_id]["Properties"])
            if mutated != template:
                yield f"{logical_id}: {name}", mutated


def _changes(kind: str, properties: dict[str, Any]) -> Iterator[tuple[str, Change]]:
    if "PermissionsBoundary" in properties:
        yield "no boundary", lambda it: it.pop("PermissionsBoundary")
    for document, path in (("PolicyDocument", "policy"), ("AssumeRolePolicyDocument", "trust")):
        # A log group's policy is one text; it is compared as a whole.
        written = properties.get(document, {})
        statements = as_list(written.get("Statement")) if isinstance(written, dict) else []
        for index, statement in enumerate(statements):
            for name, change in _of_statement(statement):
                yield f"{path} {index} {name}", _on_statement(document, index, change)
    yield from PROTECTIONS.get(kind, ())
    if kind == "Custom::PclusterCluster":
        yield from CLUSTER


def _on_statement(document: str, index: int, change: Change) -> Change:
    return lambda it: change(as_list(it[document]["Statement"])[index])


def _of_statement(statement: dict[str, Any]) -> Iterator[tuple[str, Change]]:
    if statement["Effect"] == "Deny":
        yield "no longer denies", lambda it: it.update(Effect="Allow")
        yield "denies another action", lambda it: it.update(Action="s3:GetBucketTagging")
        return
    yield "allows every action", lambda it: it.update(Action="*")
    if "Principal" in statement:
        yield "trusts everybody", lambda it: it.update(Principal={"AWS": "*"})
    elif statement.get("Resource") != "*":
        yield "on everything", lambda it: it.update(Resource="*")
    for test in statement.get("Condition", {}):
        yield f"without {test}", _without(test)


def _without(test: str) -> Change:
    return lambda it: it["Condition"].pop(test)


def _set(**values: Any) -> Change:
    return lambda it: it.update(values)


OPEN = {"CidrIp": "0.0.0.0/1", "IpProtocol": "-1"}
PROTECTIONS: dict[str, tuple[tuple[str, Change], ...]] = {
    "AWS::EC2::SecurityGroup": (
        ("lets half the world in", _set(SecurityGroupIngress=[OPEN])),
        ("lets everything out", _set(SecurityGroupEgress=[{"CidrIp": "0.0.0.0/0"}])),
    ),
    "AWS::EC2::SecurityGroupIngress": (("from half the world", _set(**OPEN)),),
    "AWS::EC2::Subnet": (("gives public addresses", _set(MapPublicIpOnLaunch="yes")),),
    "AWS::EFS::FileSystem": (
        ("not encrypted", _set(Encrypted=False)),
        ("without its policy", _set(FileSystemPolicy=None)),
    ),
    "AWS::Logs::LogGroup": (("forgotten tomorrow", _set(RetentionInDays=1)),),
    "AWS::S3::Bucket": (
        ("not encrypted", _set(BucketEncryption=None)),
        ("public", _set(PublicAccessBlockConfiguration={})),
        ("keeps no versions", _set(VersioningConfiguration={"Status": "Suspended"})),
        ("access lists", _set(OwnershipControls=None)),
    ),
    "AWS::Logs::ResourcePolicy": (("another policy", _set(PolicyDocument="{}")),),
    "AWS::SecretsManager::Secret": (("a known secret", _set(SecretString="hunter2")),),
    "AWS::SNS::Topic": (("another key", _set(KmsMasterKeyId="other")),),
    "AWS::FSx::FileSystem": (("another door", _set(SecurityGroupIds=["sg-1"])),),
    "AWS::FSx::DataRepositoryAssociation": (
        ("another bucket", _set(DataRepositoryPath="s3://other")),
    ),
    "AWS::IAM::User": (("a known password", _set(LoginProfile={"Password": "hunter2"})),),
}


def _head(**values: Any) -> Change:
    return lambda it: it["ClusterConfiguration"]["HeadNode"].update(values)


def _root_volume(it: dict[str, Any]) -> None:
    it["ClusterConfiguration"]["HeadNode"]["LocalStorage"]["RootVolume"]["Encrypted"] = False


CLUSTER: tuple[tuple[str, Change], ...] = (
    ("SSH for half the world", _head(Ssh={"AllowedIps": "0.0.0.0/1"})),
    ("desktop for the world", _head(Dcv={"Enabled": True})),
    ("credentials for every user", _head(Imds={"Secured": False})),
    ("writes into buckets", _head(Iam={"S3Access": [{"BucketName": "*"}]})),
    ("disk not encrypted", _root_volume),
    ("roles without boundary", lambda it: it["ClusterConfiguration"].pop("Iam")),
    ("metadata of version 1", lambda it: it["ClusterConfiguration"].pop("Imds")),
)
