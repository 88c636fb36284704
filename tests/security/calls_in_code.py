"""The AWS operations that the product's code names, read from its syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from botocore import xform_name
from moto.core.utils import get_service_model

from local_aws.iam.actions import PREFIX, action_of
from local_aws.iam.wire import Call

SERVICES = {
    "budgets": "budgets",
    "cfn": "cloudformation",
    "datasync": "datasync",
    "ec2": "ec2",
    "fsx": "fsx",
    "iam": "iam",
    "pricing": "pricing",
    "quotas": "service-quotas",
    "s3": "s3",
    "ssm": "ssm",
    "sts": "sts",
}
"""What a client is called in the code -> its service."""

TRANSFERS = {"upload_fileobj": "PutObject"}
"""boto3's own methods -> the operation behind them."""


@cache
def _operations(service: str) -> dict[str, str]:
    names = get_service_model(service).operation_names
    return {xform_name(name): name for name in names}


def actions(path: Path) -> set[str]:
    """IAM actions of the operations that a module calls on clients, or pages through."""
    found = set()
    for client, method in _calls(ast.parse(path.read_text(encoding="utf-8"))):
        service = SERVICES[client]
        operation = _operations(service).get(method) or TRANSFERS.get(method)
        if operation:
            found.add(f"{PREFIX[service]}:{action_of(Call(service, operation))}")
    return found


def _calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        client = _client(node.func.value)
        if client not in SERVICES:
            continue
        named = node.args[0] if node.args else None
        if node.func.attr in ("get_paginator", "get_waiter") and isinstance(named, ast.Constant):
            yield client, str(named.value)
        else:
            yield client, node.func.attr


def _client(value: ast.expr) -> str:
    """The name of a client: a variable, or the service in `cloud.client("fsx")`."""
    if isinstance(value, ast.Name):
        return value.id
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        named = value.args[0] if value.args else None
        if value.func.attr == "client" and isinstance(named, ast.Constant):
            by_service = {service: name for name, service in SERVICES.items()}
            return by_service.get(str(named.value), "")
    return ""
