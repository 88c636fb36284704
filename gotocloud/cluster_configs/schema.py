"""The JSON Schema of a cluster configuration's file, so that editors complete and check it."""

from __future__ import annotations

from typing import Any

from gotocloud.cluster_configs.inheritance import INHERITS, WITHOUT_QUEUES
from gotocloud.cluster_configs.model import ClusterConfiguration, configuration_names


def configuration_schema() -> dict[str, Any]:
    """The schema of both forms of the file: a whole one, and one that inherits."""
    whole = ClusterConfiguration.model_json_schema(mode="validation")
    definitions = whole.pop("$defs")
    queue = definitions["Queue"]
    definitions["ChangedQueue"] = {**queue, "title": "ChangedQueue", "required": ["name"]}
    properties = whole["properties"]
    names = properties["job_types"]["additionalProperties"]
    # One queue may stand without its list.
    properties["job_types"]["additionalProperties"] = {"anyOf": [{"type": "string"}, names]}
    changed = {**properties["queues"], "items": {"$ref": "#/$defs/ChangedQueue"}}
    changed.pop("minItems", None)
    inherited = {
        **whole,
        "properties": {
            **properties,
            "queues": changed,
            INHERITS: {
                "type": "string",
                "enum": list(configuration_names()),
                "description": "The configuration from which the rest is inherited.",
            },
            WITHOUT_QUEUES: {
                "type": "array",
                "items": {"type": "string"},
                "description": "Queues of that configuration that this one does not have.",
            },
        },
        "required": ["name", "version", INHERITS],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cluster configuration",
        "$defs": definitions,
        "anyOf": [whole, inherited],
    }
