"""From an operation to what IAM has to decide: actions, resources, condition keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from local_aws.iam import reference
from local_aws.iam.actions import ON_EVERYTHING, PREFIX
from local_aws.iam.conditions import request_context, request_tags
from local_aws.iam.evaluator import NamedPolicy
from local_aws.iam.reference import Action
from local_aws.iam.resources import Place, UnmappedError, targets
from local_aws.iam.wire import Call


@dataclass(frozen=True)
class Check:
    """One action on one resource that a request needs.

    Args:
        action: IAM action.
        resource: ARN, or `*`.
        account: Who owns the resource.
        context: Condition keys that are about the request and the resource.
        resource_policy: The resource's own policy.
        beyond_reference: See `Question`.
        only_if_denied: Whether only a statement that denies it counts.
    """

    action: str
    resource: str
    account: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict)
    resource_policy: NamedPolicy | None = None
    beyond_reference: bool = False
    only_if_denied: bool = False


def checks_for(
    name: str, place: Place, resources: Iterable[str] = (), **context: str
) -> Iterable[Check]:
    """The checks of one action of a call.

    Args:
        name: The action, with or without prefix.
        place: The call and where it goes.
        resources: What it is about. Default: what the call's parameters name.
        context: More condition keys, with `__` for the colon.

    Raises:
        UnmappedError: if IAM has no such action, or its resource cannot be found.
    """
    prefix, _, short = name.rpartition(":")
    action = _listed_action(prefix or PREFIX.get(place.call.service, ""), short, place.call)
    more = {key.replace("__", ":"): value for key, value in context.items()}
    for arn in tuple(resources) or _resources(action, place):
        yield _check(action, arn, place, more)


def _listed_action(prefix: str, name: str, call: Call) -> Action:
    found = reference.action(prefix, name)
    if found is None:
        raise UnmappedError(f"{call.service}:{call.operation} is no action of IAM")
    return found


def _resources(action: Action, place: Place) -> tuple[str, ...]:
    return ("*",) if action.name in ON_EVERYTHING else targets(action, place)


def _check(action: Action, arn: str, place: Place, more: Mapping[str, str]) -> Check:
    call, facts = place.call, place.facts
    owner = place.owner(arn)
    prefix = action.name.partition(":")[0]
    context: dict[str, str | list[str]] = {
        **request_context(place, action.name),
        **({} if arn == "*" else _tag_keys(prefix, facts.tags(arn))),
        **({"aws:ResourceAccount": owner} if arn != "*" else {}),
        **request_tags(call.parameters),
        **more,
    }
    if prefix == "s3" and arn != "*":
        context["s3:ResourceAccount"] = owner
    context = {key: value for key, value in context.items() if action.has_key(key)}
    return Check(
        action=action.name,
        resource=arn,
        account=owner,
        context=context,
        resource_policy=_resource_policy(prefix, arn, place),
        beyond_reference=_is_aws_document(arn) or (arn == "*" and bool(action.types)),
    )


def _resource_policy(prefix: str, arn: str, place: Place) -> NamedPolicy | None:
    if arn == "*":
        return None
    return place.facts.trust_policy(arn) if prefix == "sts" else place.facts.resource_policy(arn)


def _is_aws_document(arn: str) -> bool:
    """AWS's own documents have no account in their ARN; the reference's template has one."""
    return re.match(r"arn:aws:ssm:[^:]*::document/", arn) is not None


def _tag_keys(prefix: str, tags: Mapping[str, str]) -> dict[str, str]:
    keys = ("aws:ResourceTag", *reference.own_tag_keys(prefix))
    return {f"{key}/{tag}": tags[tag] for tag in tags for key in keys}


def global_context(call: Call) -> dict[str, str | list[str]]:
    """The condition keys that every request has.

    `aws:SecureTransport` is always true: loopback stands for TLS here, because every
    policy that denies plain HTTP would otherwise deny everything.
    """
    now = datetime.now(UTC)
    return {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:PrincipalIsAWSService": "false",
        "aws:RequestedRegion": call.region,
        "aws:SecureTransport": "true",
        "aws:SourceIp": call.source_ip,
        "aws:UserAgent": call.headers.get("user-agent", ""),
        "aws:ViaAWSService": "false",
    }


def called_via(check: Check, service: str) -> Check:
    """The same check for a call that a service makes in the caller's name."""
    keys: dict[str, str | list[str]] = {
        "aws:CalledVia": [service],
        "aws:CalledViaFirst": service,
        "aws:CalledViaLast": service,
        "aws:ViaAWSService": "true",
    }
    return replace(check, context={**check.context, **keys})
