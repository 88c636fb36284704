"""What holds data is not deleted by mistake: the stack, and what is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gotocloud.contract.stacks import ASSEMBLY_MANIFEST, ASSEMBLY_STACK

pytestmark = pytest.mark.cdk

DATA = {"AWS::S3::Bucket", "AWS::EFS::FileSystem"}


def test_each_stack_of_an_account_has_termination_protection(
    example: Mapping[str, dict[str, Any]], assembly: Path
) -> None:
    protected = {
        name: artifact["properties"].get("terminationProtection")
        for part in ("management", "group")
        for name, artifact in json.loads((assembly / part / ASSEMBLY_MANIFEST).read_text())[
            "artifacts"
        ].items()
        if artifact["type"] == ASSEMBLY_STACK
    }
    assert protected == dict.fromkeys(example, True)


def test_what_holds_data_outlives_its_stack_and_its_replacement(
    example: Mapping[str, dict[str, Any]],
) -> None:
    kept = {
        f"{stack}/{name}": (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        for stack, template in example.items()
        for name, resource in template["Resources"].items()
        if resource["Type"] in DATA
    }
    assert len(kept) > 3
    assert set(kept.values()) <= {("RetainExceptOnCreate", "Retain"), ("Retain", "Retain")}
