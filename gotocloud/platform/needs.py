"""What the cluster configurations need of a zone."""

from __future__ import annotations

from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.platform.zones import Need


def configuration_needs() -> tuple[Need, ...]:
    """What a zone must be able to run: each head node and queue of each configuration."""
    needs = []
    for name in configuration_names():
        configuration = load_configuration(name)
        needs.append(Need(f"{name} head node", configuration.head_node.instance_types))
        needs += [Need(f"{name} {q.name}", q.instance_types) for q in configuration.queues]
    return tuple(needs)
