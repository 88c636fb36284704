"""Constructs of the CDK. Those named here are for other applications too, and stay as they are.

They are imported at their first use: loading all of them takes longer than most syntheses need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gotocloud.cluster_configs.engine import Engine, engine_of
    from gotocloud.cluster_configs.model import ClusterConfiguration, load_configuration
    from gotocloud.cluster_configs.site import NodeScript
    from gotocloud.constructs.cluster_provider import ClusterProvider, IClusterProvider
    from gotocloud.constructs.desktop import Desktop
    from gotocloud.constructs.existing_cluster import IParallelCluster
    from gotocloud.constructs.lustre import Lustre
    from gotocloud.constructs.node_setup import NodeSetup, SoftwareMount
    from gotocloud.constructs.parallel_cluster import ParallelCluster

__all__ = [
    "ClusterConfiguration",
    "ClusterProvider",
    "Desktop",
    "Engine",
    "IClusterProvider",
    "IParallelCluster",
    "Lustre",
    "NodeScript",
    "NodeSetup",
    "ParallelCluster",
    "SoftwareMount",
    "engine_of",
    "load_configuration",
]

_MODULES = {
    "ClusterConfiguration": "gotocloud.cluster_configs.model",
    "ClusterProvider": "gotocloud.constructs.cluster_provider",
    "Desktop": "gotocloud.constructs.desktop",
    "Engine": "gotocloud.cluster_configs.engine",
    "IClusterProvider": "gotocloud.constructs.cluster_provider",
    "IParallelCluster": "gotocloud.constructs.existing_cluster",
    "Lustre": "gotocloud.constructs.lustre",
    "NodeScript": "gotocloud.cluster_configs.site",
    "NodeSetup": "gotocloud.constructs.node_setup",
    "ParallelCluster": "gotocloud.constructs.parallel_cluster",
    "SoftwareMount": "gotocloud.constructs.node_setup",
    "engine_of": "gotocloud.cluster_configs.engine",
    "load_configuration": "gotocloud.cluster_configs.model",
}


def __getattr__(name: str) -> object:
    """Import a public name at its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
