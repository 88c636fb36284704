"""The JSON Schema of `platform.yaml`, so that editors complete and check it."""

from __future__ import annotations

from typing import Any

from gotocloud.platform.model import Platform


def platform_schema() -> dict[str, Any]:
    """The schema of a platform file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Platform.model_json_schema(mode="validation"),
    }
