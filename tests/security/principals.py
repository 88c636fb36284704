"""Who may do what, read from synthesised templates: roles, users and what limits them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.contract.names import BOUNDARY
from local_aws.iam.actions import ON_EVERYTHING
from local_aws.iam.evaluator import Evaluator, NamedPolicy, Question
from tests.security.checks.template import Template, as_list, resources, text

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Principal:
    """A role, or the members of an IAM group.

    Args:
        name: Name of the role or group.
        trust: Who may assume the role; none of a group.
        statements: All that its policies state.
        bounded: Whether it carries the account's boundary.
    """

    name: str
    trust: Document | None
    statements: tuple[Document, ...]
    bounded: bool


def principals(template: Template) -> dict[str, Principal]:
    """Roles and IAM groups of a template by name, with every statement that reaches them."""
    found = {}
    attached = _attached(template)
    for logical_id, kind, properties in resources(template, "AWS::IAM::Role", "AWS::IAM::Group"):
        name = properties.get("RoleName") or properties.get("GroupName") or logical_id
        inline = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
        found[name] = Principal(
            name=name,
            trust=resolved(properties.get("AssumeRolePolicyDocument")),
            statements=tuple(
                resolved(statement)
                for document in [*inline, *attached.get(logical_id, ())]
                for statement in as_list(document["Statement"])
            ),
            bounded="PermissionsBoundary" in properties or kind == "AWS::IAM::Group",
        )
    return found


def boundary(template: Template) -> Document:
    """The permissions boundary that a template makes."""
    [found] = [
        properties["PolicyDocument"]
        for _, _, properties in resources(template, "AWS::IAM::ManagedPolicy")
        if properties.get("ManagedPolicyName") == BOUNDARY
    ]
    return dict(resolved(found))


def resolved(value: Any) -> Any:
    """A part of a template with its references as text."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
            return text(value)
        return {key: resolved(item) for key, item in value.items()}
    return [resolved(item) for item in value] if isinstance(value, list) else value


def unattached(template: Template) -> dict[str, Document]:
    """Managed policies that no principal of the template has, by name, but for the boundary."""
    return {
        properties.get("ManagedPolicyName", logical_id): properties["PolicyDocument"]
        for logical_id, _, properties in resources(template, "AWS::IAM::ManagedPolicy")
        if not properties.get("Roles") and not properties.get("Groups")
        if properties.get("ManagedPolicyName") != BOUNDARY
    }


def _attached(template: Template) -> dict[str, list[Document]]:
    """Documents of managed and inline policies by the logical id that they are attached to."""
    documents: dict[str, list[Document]] = {}
    for _, _, properties in resources(template, "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for target in [*properties.get("Roles", ()), *properties.get("Groups", ())]:
            name = text(target).removeprefix("${").removesuffix("}")
            documents.setdefault(name, []).append(properties["PolicyDocument"])
    return documents


@dataclass(frozen=True)
class Request:
    """One call that a principal may or may not make.

    Args:
        principal: Name, as `principals` gives it.
        action: IAM action.
        resource: ARN, or `*`.
        context: Condition keys beside those that every call has.
        account: Owner of the resource. Default: the group.
    """

    principal: str
    action: str
    resource: str = "*"
    context: Mapping[str, str | list[str]] | None = None
    account: str = ""

    def __str__(self) -> str:
        more = f" with {dict(self.context)}" if self.context else ""
        return f"{self.principal}: {self.action} on {self.resource}{more}"


def allowed(
    judge: Evaluator, asked: Request, who: Principal, limit: Document, account: str, region: str
) -> bool:
    """Whether IAM, by an evaluator that is not ours, allows a request.

    Args:
        judge: The evaluator.
        asked: The request.
        who: Its principal.
        limit: The account's boundary.
        account: The group's account.
        region: Where the call is made.
    """
    arn = f"arn:aws:iam::{account}:{_path(who)}"
    document = {"Version": "2012-10-17", "Statement": list(who.statements)}
    verdict = judge.judge(
        Question(
            principal=arn,
            action=asked.action,
            resource=asked.resource,
            account=asked.account or account,
            context={
                "aws:PrincipalArn": arn,
                "aws:PrincipalAccount": account,
                "aws:RequestedRegion": region,
                **({"aws:username": "hanako"} if who.trust is None else {}),
                **(
                    {"s3:ResourceAccount": asked.account or account}
                    if asked.action.startswith("s3:")
                    else {}
                ),
                **(asked.context or {}),
            },
            identity=(NamedPolicy("own", json.dumps(document)),),
            boundary=NamedPolicy(BOUNDARY, json.dumps(limit)) if who.bounded else None,
            beyond_reference=asked.resource == "*" and asked.action in ON_EVERYTHING,
        )
    )
    if verdict.error:
        raise ValueError(f"{asked}: {verdict.error}")
    return verdict.allowed


def _path(who: Principal) -> str:
    return "user/hanako" if who.trust is None else f"role/{who.name}"
