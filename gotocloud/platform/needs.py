"""What the cluster configurations need of a zone."""

from __future__ import annotations

from gotocloud.platform.configurations import Configurations
from gotocloud.platform.zones import Need


def configuration_needs(configurations: Configurations) -> tuple[Need, ...]:
    """What a zone must be able to run: each head node and queue of each configuration."""
    needs = []
    for name, configuration in configurations.items():
        needs.append(Need(f"{name} head node", configuration.head_node.instance_types))
        needs += [Need(f"{name} {q.name}", q.instance_types) for q in configuration.queues]
    return tuple(needs)
