"""Templates of the example platform, synthesised once a session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from gotocloud.stacks.app import build
from tests.needs import ROOT

EXAMPLE = ROOT / "platform.example.yaml"


def synthesise(directory: Path, **context: str) -> dict[str, dict[str, Any]]:
    """Templates by stack, as the app makes them for some context."""
    app = cdk.App(
        outdir=str(directory),
        context={"platform": str(EXAMPLE), **context},
        analytics_reporting=False,
    )
    build(app)
    app.synth()
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in directory.glob("*.template.json")
    }


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the synthesised example: of the management account and of a group."""
    return tmp_path_factory.mktemp("example")


@pytest.fixture(scope="session")
def example(assembly: Path) -> Mapping[str, dict[str, Any]]:
    """The stacks of the management account and of the group in two regions."""
    return {
        **synthesise(assembly / "management"),
        **synthesise(assembly / "group", group="membrane-lab"),
    }


def of_type(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Properties of every resource of a kind."""
    return [r.get("Properties", {}) for r in template["Resources"].values() if r["Type"] == kind]
