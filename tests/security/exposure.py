"""What decides over access in a template: principals, doors and encryption, as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gotocloud.contract.names import BOUNDARY
from tests.security.checks.template import Template, resources
from tests.security.principals import boundary, principals, resolved, unattached

DOORS = (
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::Route",
    "AWS::EC2::VPCEndpoint",
)
PROTECTED: dict[str, tuple[str, ...]] = {
    "AWS::EC2::LaunchTemplate": ("LaunchTemplateData",),
    "AWS::EC2::VPC": ("CidrBlock",),
    "AWS::EFS::AccessPoint": ("FileSystemId", "PosixUser", "RootDirectory"),
    "AWS::EFS::FileSystem": ("Encrypted", "KmsKeyId", "FileSystemPolicy", "BackupPolicy"),
    "AWS::FSx::DataRepositoryAssociation": ("DataRepositoryPath", "S3"),
    "AWS::FSx::FileSystem": ("KmsKeyId", "SecurityGroupIds"),
    "AWS::IAM::User": ("UserName", "Groups", "LoginProfile", "PermissionsBoundary", "Policies"),
    "AWS::KMS::Key": ("EnableKeyRotation", "KeyPolicy"),
    "AWS::Lambda::Permission": ("Action", "Principal", "SourceAccount", "SourceArn"),
    "AWS::Logs::LogGroup": ("LogGroupName", "RetentionInDays", "KmsKeyId"),
    "AWS::Logs::ResourcePolicy": ("PolicyDocument",),
    "AWS::S3::Bucket": (
        "BucketEncryption",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "VersioningConfiguration",
        "AccessControl",
        "ObjectLockEnabled",
    ),
    "AWS::S3::BucketPolicy": ("PolicyDocument",),
    "AWS::SecretsManager::Secret": ("GenerateSecretString", "SecretString", "KmsKeyId"),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
    "AWS::SNS::TopicPolicy": ("PolicyDocument",),
    "Custom::PclusterCluster": ("ClusterConfiguration",),
}
"""Resource types, with the properties that decide over who reaches them and who can read them."""


def exposure(template: Template) -> dict[str, Any]:
    """Every principal, door and protection of a template."""
    kept = {}
    for logical_id, kind, properties in resources(template, *DOORS, *PROTECTED):
        names = properties if kind in DOORS else PROTECTED[kind]
        kept[f"{logical_id} ({kind})"] = {
            name: resolved(properties[name]) for name in names if name in properties
        }
    found: dict[str, Any] = {
        "principals": {name: asdict(who) for name, who in principals(template).items()},
        "policies that ParallelCluster attaches": resolved(unattached(template)),
        "doors and protections": kept,
        "policies of the template": {
            logical_id: definition.get("DeletionPolicy")
            for logical_id, definition in template.get("Resources", {}).items()
            if "DeletionPolicy" in definition
        },
        "outputs": resolved(template.get("Outputs", {})),
    }
    if any(
        properties.get("ManagedPolicyName") == BOUNDARY
        for _, _, properties in resources(template, "AWS::IAM::ManagedPolicy")
    ):
        found["boundary"] = boundary(template)
    return found
