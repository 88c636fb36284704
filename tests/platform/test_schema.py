from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
import yaml

from gotocloud.platform.schema import platform_schema
from tests.needs import ROOT
from tests.platform.platforms import group, platform_data

EXAMPLE = ROOT / "platform.example.yaml"


def errors(data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(platform_schema())
    return [error.message for error in validator.iter_errors(data)]


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "docs" / "platform.schema.json").read_text(encoding="utf-8")
    current = json.dumps(platform_schema(), indent=2, ensure_ascii=False) + "\n"
    assert committed == current, "gotocloud platform schema > docs/platform.schema.json"


def test_the_schema_is_a_schema_and_accepts_the_example() -> None:
    jsonschema.Draft202012Validator.check_schema(platform_schema())
    assert errors(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))) == []


def test_the_example_shows_editors_where_the_schema_is() -> None:
    first = EXAMPLE.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=docs/platform.schema.json"


@pytest.mark.parametrize(
    "changes",
    [
        {"account": 222222222222},
        {"account": "1"},
        {"regions": ["nowhere"]},
        {"regions": []},
        {"monthly_budget_usd": 0},
        {"alert_email": "nobody"},
        {"scientists": ["a b"]},
        {"number": 0},
        {"unknown": 1},
    ],
)
def test_the_schema_refuses_what_the_model_refuses(changes: dict[str, Any]) -> None:
    assert errors(platform_data(group(1))) == []
    assert errors(platform_data(group(1, **changes)))
