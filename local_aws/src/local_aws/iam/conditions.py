"""Condition keys that a request's own parameters and headers say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local_aws.iam.resources import Place

Context = dict[str, str | list[str]]


def request_tags(parameters: Mapping[str, Any]) -> Context:
    """`aws:RequestTag` and `aws:TagKeys`, however the operation spells its tags."""
    tags: dict[str, str] = {}
    keys = list(parameters.get("TagKeys") or ())
    given = [parameters.get(name) for name in ("Tags", "TagList", "tags", "ResourceTags")]
    given += [item.get("Tags") for item in parameters.get("TagSpecifications") or ()]
    if isinstance(tagging := parameters.get("Tagging"), Mapping):
        given.append(tagging.get("TagSet"))
    for listed in given:
        if isinstance(listed, Mapping):
            tags.update({str(key): str(value) for key, value in listed.items()})
        for tag in listed if isinstance(listed, list) else ():
            if isinstance(tag, Mapping):
                key = tag.get("Key") or tag.get("key") or tag.get("TagKey") or ""
                value = tag.get("Value", tag.get("value", tag.get("TagValue", "")))
                tags[str(key)] = str(value)
    found: Context = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    if keys or tags:
        found["aws:TagKeys"] = [*tags, *keys]
    return found


def request_context(place: Place, action: str) -> Context:
    """Condition keys of the action's own service."""
    reader = _READERS.get(action.partition(":")[0])
    return reader(place) if reader else {}


def _cloudformation(place: Place) -> Context:
    given, call = place.call.parameters, place.call
    found = _named(
        given,
        {
            "ChangeSetName": "cloudformation:ChangeSetName",
            "RoleARN": "cloudformation:RoleArn",
            "StackPolicyURL": "cloudformation:StackPolicyUrl",
            "TemplateURL": "cloudformation:TemplateUrl",
        },
    )
    if types := given.get("ResourceTypes"):
        found["cloudformation:ResourceTypes"] = list(types)
    found["cloudformation:CreateAction"] = call.operation
    return found


def _ec2(place: Place) -> Context:
    found: Context = {"ec2:Region": place.call.region, "ec2:CreateAction": place.call.operation}
    found.update(_named(place.call.parameters, {"InstanceType": "ec2:InstanceType"}))
    found.update(zip(("ec2:RequesterVpc", "ec2:AccepterVpc"), place.peered_vpcs(), strict=False))
    return found


def _iam(place: Place) -> Context:
    given = place.call.parameters
    found = _named(
        given,
        {
            "AWSServiceName": "iam:AWSServiceName",
            "PermissionsBoundary": "iam:PermissionsBoundary",
            "PolicyArn": "iam:PolicyARN",
        },
    )
    if "PermissionsBoundary" not in given and (role := given.get("RoleName")):
        # For changes to a role the key is about the boundary that it has.
        boundary = place.facts.role_boundary(place.account, role)
        found.update({"iam:PermissionsBoundary": boundary} if boundary else {})
    return found


def _s3(place: Place) -> Context:
    given, call = place.call.parameters, place.call
    found = _named(
        given,
        {
            "Delimiter": "s3:delimiter",
            "MaxKeys": "s3:max-keys",
            "Prefix": "s3:prefix",
            "VersionId": "s3:VersionId",
        },
    )
    for header, value in call.headers.items():
        if header.startswith("x-amz-") or header in ("if-match", "if-none-match"):
            found[f"s3:{header}"] = value
    in_url = call.signature is not None and call.signature.in_url
    found["s3:TlsVersion"] = "1.3"
    if call.signature is not None:
        found["s3:authType"] = "REST-QUERY-STRING" if in_url else "REST-HEADER"
        found["s3:signatureversion"] = "AWS4-HMAC-SHA256"
    if configuration := given.get("CreateBucketConfiguration"):
        found.update(_named(configuration, {"LocationConstraint": "s3:LocationConstraint"}))
    return found


def _ssm(place: Place) -> Context:
    given = place.call.parameters
    found: Context = {}
    if "Recursive" in given:
        found["ssm:Recursive"] = str(given["Recursive"]).lower()
    if "Overwrite" in given:
        found["ssm:Overwrite"] = str(given["Overwrite"]).lower()
    return found


def _sts(place: Place) -> Context:
    given = place.call.parameters
    found = _named(
        given,
        {
            "ExternalId": "sts:ExternalId",
            "RoleSessionName": "sts:RoleSessionName",
            "SourceIdentity": "sts:SourceIdentity",
        },
    )
    if keys := given.get("TransitiveTagKeys"):
        found["sts:TransitiveTagKeys"] = list(keys)
    return found


def _named(given: Mapping[str, Any], keys: Mapping[str, str]) -> Context:
    return {key: str(given[name]) for name, key in keys.items() if given.get(name) is not None}


_READERS: dict[str, Callable[[Place], Context]] = {
    "cloudformation": _cloudformation,
    "ec2": _ec2,
    "iam": _iam,
    "s3": _s3,
    "ssm": _ssm,
    "sts": _sts,
}
