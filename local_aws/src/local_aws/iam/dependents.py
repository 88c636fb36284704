"""What a request needs besides its own action, because AWS checks that as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

from local_aws.iam.actions import versioned
from local_aws.iam.mapping import Check, called_via, checks_for
from local_aws.iam.resources import Place

CLOUDFORMATION = "cloudformation.amazonaws.com"

_PASSED_TO = {
    ("cloudformation", "RoleARN"): CLOUDFORMATION,
    ("datasync", "BucketAccessRoleArn"): "datasync.amazonaws.com",
    ("ec2", "DeliverLogsPermissionArn"): "vpc-flow-logs.amazonaws.com",
    ("events", "RoleArn"): "events.amazonaws.com",
    ("lambda", "Role"): "lambda.amazonaws.com",
    ("logs", "roleArn"): "logs.amazonaws.com",
    ("ssm", "ServiceRoleArn"): "ssm.amazonaws.com",
}
"""Services that a role is handed over to, by the parameter that names it."""


def dependents(place: Place, first: Sequence[Check]) -> Iterable[Check]:
    """The further checks of a call."""
    yield from _passed_roles(place)
    reader = _READERS.get(place.call.service)
    if reader is not None:
        yield from reader(place, first)


def _passed_roles(place: Place) -> Iterable[Check]:
    call = place.call
    for (service, parameter), receiver in _PASSED_TO.items():
        if call.service == service and (arn := call.parameters.get(parameter)):
            yield from _pass_role(place, str(arn), receiver)
    profile = call.parameters.get("IamInstanceProfile")
    if call.service == "ec2" and isinstance(profile, dict):
        name = str(profile.get("Arn") or profile.get("Name") or "")
        for arn in place.facts.profile_roles(place.account, name):
            yield from _pass_role(place, arn, "ec2.amazonaws.com")


def _pass_role(place: Place, arn: str, receiver: str) -> Iterable[Check]:
    return checks_for("iam:PassRole", place, [arn], iam__PassedToService=receiver)


def _of_cloudformation(place: Place, first: Sequence[Check]) -> Iterable[Check]:
    given = place.call.parameters
    if place.call.operation == "DescribeStacks" and not given.get("StackName"):
        # All stacks: "This requires ListStacks and DescribeStacks permissions" (API reference).
        yield from checks_for("cloudformation:ListStacks", place)
    if place.call.operation not in ("CreateChangeSet", "CreateStack", "UpdateStack"):
        return
    if given.get("Tags"):
        stacks = [check.resource for check in first]
        for check in checks_for("cloudformation:TagResource", place, stacks):
            # The CDK's deploy role is not allowed this and creates stacks with tags.
            yield replace(check, only_if_denied=True)
    if arn := object_of_url(str(given.get("TemplateURL", ""))):
        # CloudFormation fetches the template with the caller's permissions.
        versioned = "versionId" in parse_qs(urlsplit(str(given["TemplateURL"])).query)
        action = "s3:GetObjectVersion" if versioned else "s3:GetObject"
        for check in checks_for(action, place, [arn]):
            yield called_via(check, CLOUDFORMATION)


def object_of_url(url: str) -> str | None:
    """ARN of the object behind an S3 URL of either style; None for another URL."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    bucket, dot, _ = host.partition(".s3")
    if dot and bucket:
        return f"arn:aws:s3:::{bucket}/{path}"
    if host.startswith("s3") or host in ("localhost", "127.0.0.1"):
        return f"arn:aws:s3:::{path}"
    if host.endswith(".localhost"):
        return f"arn:aws:s3:::{host.partition('.')[0]}/{path}"
    return None


def _of_ec2(place: Place, _first: Sequence[Check]) -> Iterable[Check]:
    specifications = place.call.parameters.get("TagSpecifications") or ()
    made = [
        place.arn("ec2", f"{item['ResourceType']}/*")
        for item in specifications
        if item.get("ResourceType") and item.get("Tags")
    ]
    if made:
        yield from checks_for("ec2:CreateTags", place, made)


def _of_fsx(place: Place, first: Sequence[Check]) -> Iterable[Check]:
    if place.call.operation.startswith("Create") and place.call.parameters.get("Tags"):
        made = [check.resource for check in first if check.resource.endswith("/*")]
        yield from checks_for("fsx:TagResource", place, made)


def _of_s3(place: Place, _first: Sequence[Check]) -> Iterable[Check]:
    given, headers = place.call.parameters, place.call.headers
    if source := given.get("CopySource"):
        path, _, version = str(source).partition("?versionId=")
        arn = f"arn:aws:s3:::{unquote(path).lstrip('/')}"
        yield from checks_for(versioned("GetObject") if version else "GetObject", place, [arn])
    if place.call.operation == "GetObjectAttributes":
        named = given.get("VersionId")
        yield from checks_for(versioned("GetObject") if named else "GetObject", place)
    writes = place.call.operation in ("CopyObject", "CreateMultipartUpload", "PutObject")
    if writes and "x-amz-tagging" in headers:
        yield from checks_for("PutObjectTagging", place)
    if writes and any(name == "x-amz-acl" or name.startswith("x-amz-grant-") for name in headers):
        yield from checks_for("PutObjectAcl", place)


def _of_sts(place: Place, first: Sequence[Check]) -> Iterable[Check]:
    roles = [check.resource for check in first]
    if place.call.parameters.get("Tags"):
        yield from checks_for("sts:TagSession", place, roles)
    if place.call.parameters.get("SourceIdentity"):
        yield from checks_for("sts:SetSourceIdentity", place, roles)


_READERS: dict[str, Callable[[Place, Sequence[Check]], Iterable[Check]]] = {
    "cloudformation": _of_cloudformation,
    "ec2": _of_ec2,
    "fsx": _of_fsx,
    "s3": _of_s3,
    "sts": _of_sts,
}
