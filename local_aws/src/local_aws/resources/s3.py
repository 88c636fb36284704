"""S3: buckets and bucket policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource, ResourceError


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same value with CloudFormation's keys replaced by those of the API."""
    if isinstance(value, Mapping):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return value


_ENCRYPTION = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}


class Bucket(Resource):
    """AWS::S3::Bucket."""

    type = "AWS::S3::Bucket"
    changeable = frozenset(
        {
            "BucketEncryption",
            "CorsConfiguration",
            "LifecycleConfiguration",
            "LoggingConfiguration",
            "NotificationConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
            "VersioningConfiguration",
        }
    )
    supported = changeable | {"AccessControl", "BucketName", "ObjectLockEnabled"}

    def create(self) -> None:
        if self.properties.get("AccessControl", "Private") != "Private":
            raise ResourceError("The local AWS models no access lists of buckets but Private.")
        name = self.properties.get("BucketName") or self.made_up_name(longest=63, lower=True)
        where = {"LocationConstraint": self.site.region}
        self.call(
            "s3",
            "CreateBucket",
            Bucket=name,
            CreateBucketConfiguration=where if self.site.region != "us-east-1" else None,
            ObjectLockEnabledForBucket=self.properties.get("ObjectLockEnabled"),
        )
        self.physical_id = name
        region = self.site.region
        self.attributes = {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
        }
        self._configure()

    def update(self, before: Mapping[str, Any]) -> None:
        self._configure()

    def _configure(self) -> None:
        given = self.properties
        if tags := self.tags():
            self._put("BucketTagging", Tagging={"TagSet": tags})
        if block := given.get("PublicAccessBlockConfiguration"):
            self._put("PublicAccessBlock", PublicAccessBlockConfiguration=block)
        if versioning := given.get("VersioningConfiguration"):
            self._put("BucketVersioning", VersioningConfiguration=versioning)
        if encryption := given.get("BucketEncryption"):
            rules = _renamed(encryption["ServerSideEncryptionConfiguration"], _ENCRYPTION)
            self._put("BucketEncryption", ServerSideEncryptionConfiguration={"Rules": rules})
        if ownership := given.get("OwnershipControls"):
            self._put("BucketOwnershipControls", OwnershipControls=ownership)
        if logging := given.get("LoggingConfiguration"):
            target = {
                "TargetBucket": logging.get("DestinationBucketName", self.physical_id),
                "TargetPrefix": logging.get("LogFilePrefix", ""),
            }
            self._put("BucketLogging", BucketLoggingStatus={"LoggingEnabled": target})
        if cors := given.get("CorsConfiguration"):
            self._put("BucketCors", CORSConfiguration={"CORSRules": cors["CorsRules"]})
        self._put_lifecycle()
        self._put_notifications()

    def _put(self, what: str, **parameters: Any) -> None:
        self.call("s3", f"Put{what}", Bucket=self.physical_id, **parameters)

    def _put_lifecycle(self) -> None:
        if lifecycle := self.properties.get("LifecycleConfiguration"):
            rules = [_lifecycle_rule(rule) for rule in lifecycle["Rules"]]
            self._put("BucketLifecycleConfiguration", LifecycleConfiguration={"Rules": rules})

    def _put_notifications(self) -> None:
        wanted = self.properties.get("NotificationConfiguration", {})
        if wanted.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled"):
            self._put(
                "BucketNotificationConfiguration",
                NotificationConfiguration={"EventBridgeConfiguration": {}},
            )

    def delete(self) -> None:
        self.call("s3", "DeleteBucket", Bucket=self.physical_id)


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        made["ID"] = rule["Id"]
    if "TagFilters" in rule:
        tags = [{"Key": tag["Key"], "Value": tag["Value"]} for tag in rule["TagFilters"]]
        made["Filter"] = {"And": {"Prefix": rule.get("Prefix", ""), "Tags": tags}}
    for key in ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"):
        if key in rule:
            made[key] = rule[key]
    if "NoncurrentVersionExpirationInDays" in rule:
        days = rule["NoncurrentVersionExpirationInDays"]
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": rule["ExpirationInDays"]}
    elif "ExpiredObjectDeleteMarker" in rule:
        made["Expiration"] = {"ExpiredObjectDeleteMarker": rule["ExpiredObjectDeleteMarker"]}
    if "Transitions" in rule:
        made["Transitions"] = [
            {"StorageClass": item["StorageClass"], "Days": item["TransitionInDays"]}
            for item in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        made["NoncurrentVersionTransitions"] = [
            {"StorageClass": item["StorageClass"], "NoncurrentDays": item["TransitionInDays"]}
            for item in rule["NoncurrentVersionTransitions"]
        ]
    return made


class BucketPolicy(Resource):
    """AWS::S3::BucketPolicy."""

    type = "AWS::S3::BucketPolicy"
    supported = frozenset({"Bucket", "PolicyDocument"})
    changeable = frozenset({"PolicyDocument"})

    def create(self) -> None:
        self.physical_id = self.properties["Bucket"]
        document = json.dumps(self.properties["PolicyDocument"])
        self.call("s3", "PutBucketPolicy", Bucket=self.physical_id, Policy=document)

    def update(self, before: Mapping[str, Any]) -> None:
        self.create()

    def delete(self) -> None:
        self.call("s3", "DeleteBucketPolicy", Bucket=self.physical_id)
