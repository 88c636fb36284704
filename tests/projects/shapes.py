"""Shapes of clusters for tests."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import IPv4Network
from typing import Any

from gotocloud.projects.preflight import Budget, Observed
from gotocloud.projects.quotas import Level, Quota
from gotocloud.projects.shape import ClusterShape, QueueShape

PLENTY = {quota: Level(10_000_000, 0) for quota in Quota}
NETWORK = IPv4Network("10.1.0.0/20")


def shape(**changes: Any) -> ClusterShape:
    """A cluster with a GPU queue and a CPU queue, each with its spot twin."""
    given: dict[str, Any] = {
        "head_node": "m5.xlarge",
        "queues": tuple(
            QueueShape(f"{name}-spot" if spot else name, kind, nodes, spot)
            for name, kind, nodes in (("refine3d", "g4dn.metal", 2), ("polish", "c6i.32xlarge", 4))
            for spot in (False, True)
        ),
        "lustre_type": "SCRATCH_2",
        "lustre_gib": 2400,
        "resources": {},
    }
    return ClusterShape(**{**given, **changes})


def observed(**changes: Any) -> Observed:
    """An account with plenty of everything."""
    given: dict[str, Any] = {
        "levels": PLENTY,
        "offered": {"m5.xlarge", "g4dn.metal", "c6i.32xlarge"},
        "zone_id": "use1-az4",
        "block": IPv4Network("10.1.3.0/24"),
        "network": NETWORK,
        "spot_role": True,
        "budget": Budget(Decimal(3000), Decimal(100)),
    }
    return Observed(**{**given, **changes})
