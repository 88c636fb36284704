"""The JSON Schema of `platform.yaml`, so that editors complete and check it."""

from __future__ import annotations

import json
from typing import Any

from gotocloud.platform.model import Platform


def platform_schema() -> dict[str, Any]:
    """The schema of a platform file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Platform.model_json_schema(mode="validation"),
    }


def schema_text() -> str:
    """The schema as it is committed: `docs/platform.schema.json`."""
    return json.dumps(platform_schema(), indent=2, ensure_ascii=False) + "\n"
