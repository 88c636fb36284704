"""No pattern of a policy, or of a parameter, matches what others name their things by default."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from gotocloud.contract.names import BOUNDARY
from local_aws.iam import reference
from tests.security.attacks import OTHERS_BUCKETS
from tests.security.checks.condition_keys import matching
from tests.security.checks.template import Template, as_list, resources
from tests.security.principals import resolved
from tests.security.site import PLACE

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

CDK_ROLES = ("cfn-exec", "deploy", "file-publishing", "image-publishing", "lookup")
DEFAULTS = (
    *(f"arn:aws:s3:::{PLACE.filled(name)}" for name in OTHERS_BUCKETS.values()),
    *(PLACE.iam(PLACE.filled(f"role/cdk-hnb659fds-{n}-role-{{account}}-x")) for n in CDK_ROLES),
    PLACE.iam("role/service-role/AWSConfigRole"),
    PLACE.iam("role/OrganizationAccountAccessRole"),
    PLACE.arn("ssm", "parameter/cdk-bootstrap/hnb659fds/version"),
    PLACE.arn("ssm", "parameter/aws/reference/secretsmanager/database"),
    PLACE.arn("logs", "log-group:aws-cloudtrail-logs-222222222222-0123abcd"),
    PLACE.arn("logs", "log-group:/aws/codebuild/lab"),
    PLACE.arn("logs", "log-group:/aws/rds/cluster/lab/audit"),
    *(
        PLACE.arn("cloudformation", f"stack/{name}/0f1e")
        for name in (
            "CDKToolkit",
            "StackSet-lab-0f1e",
            "SC-222222222222-pp-0f1e",
            "awscodestar-lab",
        )
    ),
)
"""Sources: the CDK's bootstrap template, the consoles of CloudTrail, Config, CodeBuild and RDS,
StackSets and Service Catalog."""

BY_TAG = {"ChangeClusterStacks", "CreateClusterStacks", "TagClusterStacks"}
"""Statements about the stack of a cluster, which has the cluster's name: its tag admits it."""


def caught(template: Template) -> Iterator[str]:
    """Statements that let something be changed under a default name, and such parameters."""
    for logical_id, statement in _statements(template):
        patterns = [_with_values(one) for one in as_list(statement.get("Resource")) if one != "*"]
        by_tag = statement.get("Sid") in BY_TAG and "Condition" in statement
        for name in DEFAULTS if changes(statement) and not by_tag else ():
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                yield f"{logical_id}: {statement.get('Sid')} reaches {name}"
    for parameter, given in template.get("Parameters", {}).items():
        pattern = str(given.get("AllowedPattern", "")) if "Bucket" in parameter else ""
        for name in OTHERS_BUCKETS.values():
            if re.fullmatch(pattern, PLACE.filled(name)):
                yield f"{parameter}: {pattern} takes {name}"


def _statements(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for logical_id, kind, properties in resources(template):
        if not kind.startswith("AWS::IAM::") or properties.get("ManagedPolicyName") == BOUNDARY:
            continue
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
        for document in [*documents, *as_list(properties.get("PolicyDocument"))]:
            for statement in as_list(resolved(document)["Statement"]):
                if statement["Effect"] == "Allow":
                    yield logical_id, statement


def changes(statement: Mapping[str, Any]) -> bool:
    """Whether a statement names an action that does not only list or read."""
    names = [name for one in as_list(statement.get("Action")) for name in matching(one.lower())]
    found = [reference.action(*name.split(":")) for name in names]
    return any(one and one.access_level not in ("List", "Read") for one in found)


def _with_values(pattern: str) -> str:
    known = {"${AWS::AccountId}": PLACE.account, "${AWS::Region}": PLACE.region}
    for variable, value in {**known, "${AWS::Partition}": "aws"}.items():
        pattern = pattern.replace(variable, value)
    return re.sub(r"\$\{[^}]*\}", "*", pattern)


def test_nothing_of_others_is_matched_by_its_default_name(example: Mapping[str, Template]) -> None:
    assert [finding for template in example.values() for finding in caught(template)] == []


@pytest.mark.parametrize(
    ("action", "pattern"),
    [
        ("s3:PutObject", "arn:aws:s3:::*-222222222222-*"),
        ("iam:PassRole", "arn:aws:iam::222222222222:role/c*"),
        ("ssm:PutParameter", "arn:aws:ssm:*:222222222222:parameter/*"),
        ("logs:DeleteLogGroup", "arn:aws:logs:*:222222222222:log-group:*"),
        ("cloudformation:DeleteStack", "arn:aws:cloudformation:*:222222222222:stack/*"),
    ],
)
def test_a_pattern_that_is_too_wide_is_found(
    example: Mapping[str, Template], action: str, pattern: str
) -> None:
    template = copy.deepcopy(example["UserStack"])
    statement = {"Effect": "Allow", "Action": action, "Resource": pattern}
    policy = {"PolicyDocument": {"Statement": [statement]}}
    template["Resources"]["Planted"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy}
    assert any(finding.startswith("Planted") for finding in caught(template))


def test_a_parameter_that_takes_any_bucket_is_found(example: Mapping[str, Template]) -> None:
    template = copy.deepcopy(example["ProjectStack"])
    template["Parameters"]["BucketName"]["AllowedPattern"] = "[a-z0-9-]+"
    assert any(finding.startswith("BucketName") for finding in caught(template))
