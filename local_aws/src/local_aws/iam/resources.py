"""Which resources a request is about, as ARNs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from local_aws.iam.callers import Caller
from local_aws.iam.facts import Facts
from local_aws.iam.reference import Action, ResourceType
from local_aws.iam.wire import Call

AWS_DOCUMENTS = ("AWS-", "AWSConfigRemediation-", "AWSSupport-", "AmazonCloudWatch-")
_CREATES = re.compile(r"(Allocate|Copy|Create|Import|Put|Register|Request|Run)")
_ID_PREFIX = {
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "lt": "launch-template",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pg": "placement-group",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
"""Resource types of EC2 by the beginning of their ids."""

_ASSOCIATIONS = {"elastic-ip": "eipassoc-", "route-table": "rtbassoc-"}
"""Resource types of EC2 that calls name by the id of an association."""

_PARAMETERS = {
    ("ec2", "key-pair"): ("KeyName", "KeyNames"),
    ("ec2", "placement-group"): ("GroupName",),
    ("ec2", "security-group"): ("GroupId", "GroupIds", "SecurityGroupId", "SecurityGroupIds"),
    ("route53", "hostedzone"): ("HostedZoneId", "Id"),
    ("sns", "topic"): ("Name",),
}
"""Parameters that name a resource, where they are not called like the ARN's variable."""


EITHER = {
    *("dynamodb:GetResourcePolicy", "dynamodb:ListTagsOfResource", "dynamodb:TagResource"),
    *("route53:ChangeTagsForResource", "route53:ListTagsForResource"),
}
"""Actions on a resource of one kind or another, all of which the reference calls required."""


class UnmappedError(Exception):
    """The permissions of a request cannot be found; the text names what is missing."""


@dataclass(frozen=True)
class Place:
    """A call, who makes it, and what is known about its resources."""

    call: Call
    caller: Caller
    facts: Facts

    @property
    def account(self) -> str:
        """The account that the call acts in."""
        return self.caller.account

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        """ARN of something in the caller's account."""
        return f"arn:aws:{service}:{self.call.region if region else ''}:{self.account}:{resource}"

    def peered_vpcs(self) -> tuple[str, ...]:
        """The requester's and the accepter's VPC of the peering that the call names."""
        peering = str(self.call.parameters.get("VpcPeeringConnectionId") or "")
        return self.facts.peered_vpcs(self.account, self.call.region, peering)

    def owner(self, arn: str) -> str:
        """The account that a resource belongs to."""
        parts = arn.split(":")
        if arn == "*" or len(parts) < 6:
            return self.account
        if parts[2] == "s3":
            return self.facts.bucket_owner(parts[5].partition("/")[0]) or self.account
        return parts[4] if parts[4].isdigit() else self.account


def targets(action: Action, place: Place) -> tuple[str, ...]:
    """The resources of an action of a call.

    What is still to be made has an asterisk in its ARN, which only statements about all match.
    A call that reads and names nothing is about `*`.

    Raises:
        UnmappedError: if the action changes something that the call does not name in any
            known way.
    """
    if not action.types:
        return ("*",)
    prefix = action.name.partition(":")[0]
    found: list[str] = []
    for kind in action.types:
        named = _named(prefix, kind, place)
        if not named and kind.required and action.name not in EITHER:
            named = [_unnamed(action, kind, place)]
        found.extend(named)
    if not found:
        found = [_unnamed(action, action.types[-1], place)]
    return tuple(dict.fromkeys(found))


def _unnamed(action: Action, kind: ResourceType, place: Place) -> str:
    if action.access_level in ("List", "Read"):
        return "*"
    if _CREATES.match(place.call.operation):
        return kind.filled(place.call.region, place.account)
    raise UnmappedError(f"{action.name}: it is not known which {kind.name} it is about")


def _named(prefix: str, kind: ResourceType, place: Place) -> list[str]:
    special = _SPECIAL.get((prefix, kind.name)) or _SPECIAL.get((prefix, "*"))
    if special is not None:
        return list(special(kind, place))
    by_arn = list(_arns(kind, place.call.parameters.values()))
    return by_arn or list(_by_parameters(prefix, kind, place))


def _arns(kind: ResourceType, values: Iterable[Any]) -> Iterable[str]:
    pattern = _pattern(kind.arn)
    for value in values:
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, str) and item.startswith("arn:") and pattern.fullmatch(item):
                yield item


@cache
def _pattern(arn: str) -> re.Pattern[str]:
    parts = re.split(r"\$\{\w+\}", arn)
    return re.compile(".*".join(re.escape(part) for part in parts))


def _by_parameters(prefix: str, kind: ResourceType, place: Place) -> Iterable[str]:
    given, region, account = place.call.parameters, place.call.region, place.account
    names = _PARAMETERS.get((prefix, kind.name))
    if names is not None or len(kind.variables) == 1:
        for name in names or kind.variables:
            for value in _values(given, name):
                yield kind.filled(region, account, **{kind.variables[-1]: value})
        return
    values = {name: next(_values(given, name), "") for name in kind.variables}
    if any(values.values()):
        present = {name: value for name, value in values.items() if value}
        yield kind.filled(region, account, **present)


def _values(given: Mapping[str, Any], name: str) -> Any:
    """Strings of a parameter of this name, its plural, or its lower-case beginning."""
    for spelled in (name, f"{name}s", name[:1].lower() + name[1:]):
        value = given.get(spelled)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, str) and item:
                yield item


def _stack(kind: ResourceType, place: Place) -> Iterable[str]:
    given, region = place.call.parameters, place.call.region
    name = str(given.get("StackName") or given.get("ChangeSetName") or given.get("StackId") or "")
    if arn := given.get("ResourceArn") or given.get("StackARN"):
        name = str(arn)
    if name.startswith("arn:") and ":stack/" in name:
        yield name
    elif name:
        found = place.facts.stack_arn(place.account, region, name)
        yield found or kind.filled(region, place.account, StackName=name)


def _other_of_cloudformation(kind: ResourceType, place: Place) -> Iterable[str]:
    return _arns(kind, place.call.parameters.values())


def _ec2_by_id(kind: ResourceType, place: Place) -> Iterable[str]:
    if place.call.operation not in ("CreateTags", "DeleteTags"):
        yield from _by_parameters("ec2", kind, place)
        if kind.name == "vpc" and place.call.operation == "AcceptVpcPeeringConnection":
            # The call names the peering alone; EC2 looks at the VPC that accepts as well.
            yield from place.peered_vpcs()[1:]
        association = str(place.call.parameters.get("AssociationId", ""))
        if association.startswith(_ASSOCIATIONS.get(kind.name, "none-")):
            yield from _related(place, association)
        return
    for identifier in place.call.parameters.get("Resources", ()):
        if _ID_PREFIX.get(identifier.rpartition("-")[0]) == kind.name:
            yield place.arn("ec2", f"{kind.name}/{identifier}")


def _association(_kind: ResourceType, place: Place) -> Iterable[str]:
    yield from _related(place, str(place.call.parameters.get("AssociationId", "")))


def _related(place: Place, identifier: str) -> Iterable[str]:
    found = place.facts.related_arn(place.account, place.call.region, identifier)
    return [found] if found else []


def _bucket(_kind: ResourceType, place: Place) -> Iterable[str]:
    for name in ("Bucket", "OutputS3BucketName"):
        if bucket := place.call.parameters.get(name):
            yield f"arn:aws:s3:::{bucket}"


def _object(_kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    bucket = given.get("Bucket", "")
    if "Key" in given:
        yield f"arn:aws:s3:::{bucket}/{given['Key']}"
    for item in given.get("Delete", {}).get("Objects", ()):
        yield f"arn:aws:s3:::{bucket}/{item['Key']}"


def _tagged_in_route53(kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    if given.get("ResourceType") == kind.name:
        yield kind.filled("", place.account, Id=str(given.get("ResourceId", "")))
    elif "ResourceType" not in given:
        yield from _by_parameters("route53", kind, place)


def _table(kind: ResourceType, place: Place) -> Iterable[str]:
    """Tables of DynamoDB; calls in batches name them as keys."""
    batch = place.call.parameters.get("RequestItems") or {}
    names = batch or _values(place.call.parameters, "TableName")
    for name in names:
        yield name if name.startswith("arn:") else place.arn("dynamodb", f"table/{name}")


def _nothing(_kind: ResourceType, _place: Place) -> Iterable[str]:
    return ()


def _parameter(_kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    names = [given.get("Name"), given.get("Path"), *given.get("Names", ())]
    if given.get("ResourceType") == "Parameter":
        names.append(given.get("ResourceId"))
    for name in names:
        if isinstance(name, str) and name.startswith("arn:"):
            yield name
        elif name:
            # Versions and labels follow a colon; they are no part of the resource.
            yield place.arn("ssm", f"parameter/{name.partition(':')[0].lstrip('/')}")


def _document(_kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    name = given.get("DocumentName") or given.get("Name")
    if not isinstance(name, str) or not name:
        return
    if name.startswith("arn:"):
        yield name
    elif name.startswith(AWS_DOCUMENTS):
        yield f"arn:aws:ssm:{place.call.region}::document/{name}"
    else:
        yield place.arn("ssm", f"document/{name}")


def _instance_of_ssm(_kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    named = [*given.get("InstanceIds", ()), given.get("Target"), given.get("InstanceId")]
    for identifier in named:
        if isinstance(identifier, str) and identifier.startswith("i-"):
            yield place.arn("ec2", f"instance/{identifier}")
    if place.call.operation == "SendCommand" and given.get("Targets"):
        yield place.arn("ec2", "instance/*")


def _managed_instance(_kind: ResourceType, place: Place) -> Iterable[str]:
    for identifier in [*place.call.parameters.get("InstanceIds", ())]:
        if identifier.startswith("mi-"):
            yield place.arn("ssm", f"managed-instance/{identifier}")


def _session(_kind: ResourceType, place: Place) -> Iterable[str]:
    if identifier := place.call.parameters.get("SessionId"):
        yield place.arn("ssm", f"session/{identifier}")


def _iam_holder(kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    if place.call.service == "sts":
        yield from _arns(kind, [given.get("RoleArn")])
        return
    if source := given.get("PolicySourceArn"):
        yield from _arns(kind, [source])
        return
    name = given.get(f"{kind.name.capitalize()}Name")
    if name:
        path = str(given.get("Path") or "/").strip("/")
        made = f"{kind.name}/{path + '/' if path else ''}{name}"
        present = place.facts.iam_arn(place.account, kind.name, name)
        yield present or place.arn("iam", made, region=False)
    elif service := given.get("AWSServiceName"):
        yield place.arn("iam", f"{kind.name}/aws-service-role/{service}/*", region=False)
    elif kind.name == "user" and place.caller.user_name and not given.get("GroupName"):
        # Without a name, most operations on users mean the caller.
        yield place.caller.principal_arn


def _instance_profile(_kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    if name := given.get("InstanceProfileName"):
        path = str(given.get("Path") or "/").strip("/")
        made = f"instance-profile/{path + '/' if path else ''}{name}"
        present = place.facts.iam_arn(place.account, "instance-profile", name)
        yield present or place.arn("iam", made, region=False)


def _mfa(_kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    if serial := given.get("SerialNumber"):
        yield serial
    elif name := given.get("VirtualMFADeviceName"):
        path = str(given.get("Path") or "/").strip("/")
        yield place.arn("iam", f"mfa/{path + '/' if path else ''}{name}", region=False)


def _policy(kind: ResourceType, place: Place) -> Iterable[str]:
    given = place.call.parameters
    if found := list(_arns(kind, [given.get("PolicyArn")])):
        yield from found
    elif name := given.get("PolicyName"):
        path = str(given.get("Path") or "/").strip("/")
        yield place.arn("iam", f"policy/{path + '/' if path else ''}{name}", region=False)


def _secret(_kind: ResourceType, place: Place) -> Iterable[str]:
    name = place.call.parameters.get("SecretId") or place.call.parameters.get("Name")
    if not name:
        return
    if name.startswith("arn:"):
        yield name
    else:
        present = place.facts.secret_arn(place.account, place.call.region, name)
        yield present or place.arn("secretsmanager", f"secret:{name}-*")


def _kms_key(_kind: ResourceType, place: Place) -> Iterable[str]:
    key = place.call.parameters.get("KeyId") or place.call.parameters.get("TargetKeyId")
    if key:
        present = place.facts.key_arn(place.account, place.call.region, key)
        yield present or (key if key.startswith("arn:") else place.arn("kms", f"key/{key}"))


_SPECIAL: dict[tuple[str, str], Callable[[ResourceType, Place], Iterable[str]]] = {
    ("cloudformation", "stack"): _stack,
    ("cloudformation", "*"): _other_of_cloudformation,
    ("dynamodb", "table"): _table,
    ("ec2", "*"): _ec2_by_id,
    ("fsx", "association"): _association,
    ("iam", "group"): _iam_holder,
    ("iam", "instance-profile"): _instance_profile,
    ("iam", "mfa"): _mfa,
    ("iam", "policy"): _policy,
    ("iam", "role"): _iam_holder,
    ("iam", "user"): _iam_holder,
    ("kms", "key"): _kms_key,
    ("route53", "healthcheck"): _tagged_in_route53,
    ("route53", "hostedzone"): _tagged_in_route53,
    ("s3", "bucket"): _bucket,
    ("s3", "object"): _object,
    ("s3", "*"): _nothing,
    ("secretsmanager", "Secret"): _secret,
    ("ssm", "bucket"): _bucket,
    ("ssm", "document"): _document,
    ("ssm", "instance"): _instance_of_ssm,
    ("ssm", "managed-instance"): _managed_instance,
    ("ssm", "parameter"): _parameter,
    ("ssm", "session"): _session,
    ("sts", "role"): _iam_holder,
}
