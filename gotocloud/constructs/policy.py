"""Managed policies with a reason for every wildcard."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Acknowledgment, CfnResource, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

MAX_POLICY_CHARACTERS = 6144
"""Size of a managed policy without white space (AWS, "IAM and AWS STS quotas")."""

PARTITION = "aws"
"""AWS partition of every region that a platform can use.

Written out, because findings are acknowledged by the text of an ARN.
"""

_VARIABLE = re.compile(r"\$\{(.*?)\}")
_NIST = "NIST.800.53.R5"
_SAME_RULES = ("HIPAA.Security", "PCI.DSS.321")
"""Packs with rules that have the name and the meaning of NIST's, for the same reasons."""
_PACKS = ("AwsSolutions", _NIST, *_SAME_RULES)
_CHECKOV = "CKV_"
_SAME_IN_CHECKOV = {
    "CloudWatchLogGroupEncrypted": "CKV_AWS_158",
    "LambdaConcurrency": "CKV_AWS_115",
    "LambdaDLQ": "CKV_AWS_116",
    "LambdaInsideVPC": "CKV_AWS_117",
    "S3BucketLoggingEnabled": "CKV_AWS_18",
    "SecretsManagerUsingKMSKey": "CKV_AWS_149",
}
"""Rules of checkov that have the meaning of one of NIST's, for the same reasons."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy.

    Args:
        sid: Its name, as an auditor reads it.
        actions: What it is about.
        not_actions: Everything but these; then `actions` is not used. Default: none.
        resources: ARNs. Default: all.
        not_resources: ARNs that it is not about; then `resources` is not used.
            Default: none.
        conditions: Conditions, as IAM writes them. Default: none.
        effect: Default: Allow.
        why: Why the wildcards in it are needed and harmless. Required if it allows
            something and has any.
    """

    sid: str
    actions: Sequence[str] = ()
    not_actions: Sequence[str] = ()
    resources: Sequence[str] = ("*",)
    not_resources: Sequence[str] = ()
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    effect: str = "Allow"
    why: str = ""

    def document(self) -> dict[str, Any]:
        """The statement as IAM writes it."""
        written: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": self.effect,
        }
        if self.not_actions:
            written["NotAction"] = _one_or_many(self.not_actions)
        else:
            written["Action"] = _one_or_many(self.actions)
        if self.not_resources:
            written["NotResource"] = _one_or_many(self.not_resources)
        else:
            written["Resource"] = _one_or_many(self.resources)
        if self.conditions:
            written["Condition"] = {test: dict(keys) for test, keys in self.conditions.items()}
        return written

    def wildcards(self) -> list[str]:
        """The findings that cdk-nag makes of it, such as `Resource::*`."""
        if self.effect != "Allow":
            return []
        return [
            f"{kind}::{_as_found(text)}"
            for kind, texts in (("Action", self.actions), ("Resource", self.resources))
            for text in texts
            if "*" in text
        ]


def hand_over_to_cloudformation(service_role_arn: str) -> Statement:
    """The statement with which a caller gives CloudFormation its role, and no other service."""
    return Statement(
        sid="HandOverToCloudFormation",
        actions=["iam:PassRole"],
        resources=[service_role_arn],
        conditions={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    )


class Policy(iam.ManagedPolicy):
    """A managed policy that is made of statements with reasons.

    Args:
        name: Fixed name. Default: CloudFormation makes one.
        description: What it is for.
        statements: Its statements.
        roles: Roles that get it. Default: none.
        groups: IAM groups that get it. Default: none.

    Raises:
        ValueError: if it is larger than IAM takes, or a wildcard has no reason.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        statements: Sequence[Statement],
        name: str | None = None,
        roles: Sequence[iam.IRole] = (),
        groups: Sequence[iam.IGroup] = (),
    ) -> None:
        document = {"Version": "2012-10-17", "Statement": [s.document() for s in statements]}
        if problems := _problems(statements, document):
            raise ValueError(f"policy {construct_id}: " + "; ".join(problems))
        super().__init__(
            scope,
            construct_id,
            managed_policy_name=name,
            description=description,
            document=iam.PolicyDocument.from_json(document),
            roles=list(roles),
            groups=list(groups),
        )
        acknowledge(
            self,
            {
                f"AwsSolutions-IAM5[{finding}]": reason
                for finding, reason in _reasons(statements).items()
            },
        )


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings of the checks (`gotocloud.checks`) on a construct.

    Args:
        construct: What the findings are about.
        reasons: Why each finding is all right here, by rule such as `AwsSolutions-IAM4`;
            a rule of another pack with it, as in `CloudFormation-Validate::W9003`. A reason for
            a rule of NIST answers the rule of the same name of HIPAA and PCI, and of checkov, too.
    """
    answered = {rule: why for rule, why in reasons.items() if not rule.startswith(_CHECKOV)}
    for rule, why in reasons.items():
        name = _SAME_IN_CHECKOV.get(rule.removeprefix(f"{_NIST}-"), rule)
        if name.startswith(_CHECKOV):
            _skip_in_checkov(construct, name, why)
    if answered:
        Validations.of(construct).acknowledge(
            *(
                Acknowledgment(id=_full_id(one), reason=why)
                for rule, why in answered.items()
                for one in _with_same(rule)
            )
        )


def _skip_in_checkov(construct: IConstruct, rule: str, why: str) -> None:
    """Its own form: https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html"""
    made = construct if isinstance(construct, CfnResource) else construct.node.default_child
    assert isinstance(made, CfnResource)
    before = (made.get_metadata("checkov") or {"skip": []})["skip"]
    made.add_metadata("checkov", {"skip": [*before, {"id": rule, "comment": why}]})


def _with_same(rule: str) -> list[str]:
    if not rule.startswith(f"{_NIST}-"):
        return [rule]
    return [rule, *(rule.replace(_NIST, pack) for pack in _SAME_RULES)]


def _full_id(rule: str) -> str:
    if "::" in rule:
        return rule
    return next(f"{pack}::{rule}" for pack in _PACKS if rule.startswith(f"{pack}-"))


def _as_found(text: str) -> str:
    """Text of an ARN as cdk-nag writes it: policy variables in angle brackets."""
    return _VARIABLE.sub(r"<\1>", text)


def _one_or_many(texts: Sequence[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)


def _problems(statements: Sequence[Statement], document: Mapping[str, Any]) -> list[str]:
    problems = [
        f"{statement.sid} has wildcards and does not state why"
        for statement in statements
        if statement.wildcards() and not statement.why
    ]
    size = len(json.dumps(document, separators=(",", ":")).replace(" ", ""))
    if size > MAX_POLICY_CHARACTERS:
        problems.append(f"{size} characters are more than IAM takes, {MAX_POLICY_CHARACTERS}")
    return problems


def _reasons(statements: Sequence[Statement]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for statement in statements:
        for finding in statement.wildcards():
            found.setdefault(finding, []).append(statement.why)
    return {finding: " ".join(dict.fromkeys(reasons)) for finding, reasons in found.items()}
