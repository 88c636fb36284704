"""What CloudFormation calls for each resource type, by the registry's own schemas.

cfn-lint carries the schemas; `handlers.*.permissions` is what CloudFormation does with the role
of the stack.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tests.security.checks.template import Template, resources

PARALLELCLUSTER = (
    *("AWS::CloudFormation::Stack", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"),
    *("AWS::CloudWatch::Dashboard", "AWS::DynamoDB::Table", "AWS::EC2::EIP"),
    *("AWS::EC2::EIPAssociation", "AWS::EC2::Instance", "AWS::EC2::LaunchTemplate"),
    *("AWS::EC2::NetworkInterface", "AWS::EC2::PlacementGroup", "AWS::EC2::SecurityGroup"),
    *("AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"),
    *("AWS::IAM::InstanceProfile", "AWS::IAM::Policy", "AWS::IAM::Role"),
    *("AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter"),
    "AWS::Route53::HostedZone",
)
"""Types with a schema in ParallelCluster's own stacks; a rehearsal compares them with real ones."""

HANDLERS = ("create", "read", "update", "delete")
"""`list` is called by the registry's users only, never for a stack."""


@cache
def _schemas() -> Mapping[str, dict[str, Any]]:
    folder = files("cfnlint").joinpath("data/schemas/resources")
    loaded = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in folder.iterdir()
        if path.name.endswith(".json")
    )
    return {schema["typeName"]: schema for schema in loaded if "handlers" in schema}


def needed_actions(templates: Iterable[Template]) -> Iterator[tuple[str, str]]:
    """Resource types of some templates, each with every action of its handlers."""
    kinds = {kind for template in templates for _, kind, _ in resources(template)}
    yield from actions_of(kinds)


def actions_of(kinds: Iterable[str], names: Iterable[str] = HANDLERS) -> Iterator[tuple[str, str]]:
    """Resource types, each with every action of some of its handlers."""
    for kind in sorted(kinds):
        handlers = _schemas().get(kind, {}).get("handlers", {})
        actions = {
            action for name in names for action in handlers.get(name, {}).get("permissions", ())
        }
        yield from ((kind, action) for action in sorted(actions))


def has_handlers(kind: str) -> bool:
    """Whether the registry has a schema of a type; a few old types have none."""
    return kind in _schemas()
