"""Random configurations of one's own, judged by ParallelCluster's own validators."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.limits import MAX_NODES
from gotocloud.cluster_configs.lustre_sizes import Deployment, lustre_sizes_gib
from gotocloud.cluster_configs.model import (
    ClusterConfiguration,
    configuration_names,
    load_configuration,
)
from gotocloud.errors import InputError
from gotocloud.platform.zones import zone_map
from gotocloud.rehearsal.validation import validate
from tests.needs import need_parallelcluster

REGION = "us-east-1"
HOW_MANY = int(os.environ.get("GOTOCLOUD_OWN_CONFIGURATIONS", "12"))
"""200 were judged on 1 December 2026; the suite takes a few."""


def drawn(luck: random.Random, number: int) -> dict[str, Any]:
    """A configuration that inherits, with queues changed, added and left out at random."""
    parent = load_configuration(luck.choice(configuration_names()))
    offered = zone_map().region(REGION).best.offerings
    types = [name for name in sorted(instance_types()) if name in offered.offered]
    names = [queue.name for queue in parent.queues]
    gone = luck.sample(names, luck.randrange(len(names)))
    left = [name for name in names if name not in gone]
    changed = luck.sample(left, luck.randint(0, len(left)))
    added = [f"lane-{one}" for one in range(luck.randint(0, 3))]
    return {
        "name": f"own-{number}",
        "version": 1,
        "inherits": parent.name,
        "queues": [queue(luck, name, types) for name in (*changed, *added)],
        "without_queues": gone,
        "job_types": {
            kind: luck.choice([*left, *added])
            for kind, queues in parent.job_types.items()
            if set(queues) <= set(gone) or luck.random() < 0.3
        },
        "scaledown_idle_minutes": luck.randint(1, 60),
        "lustre": {
            "deployment_type": (kind := luck.choice(list(Deployment))).value,
            "gib": luck.choice(lustre_sizes_gib(kind)),
            "source": "drawn at random",
        },
    }


def queue(luck: random.Random, name: str, types: list[str]) -> dict[str, Any]:
    chosen = luck.sample(types, luck.randint(1, 3))
    efa = luck.random() < 0.5 and any(instance_types()[one].efa for one in chosen)
    return {
        "name": name,
        "efa": efa,
        "placement_group": efa,
        "exclusive": luck.random() < 0.5,
        "choices": [
            {"instance_type": one, "max_nodes": luck.randint(1, 6), "source": "drawn at random"}
            for one in chosen
        ],
    }


def usable(luck: random.Random, number: int) -> ClusterConfiguration:
    """One that fits a cluster's network; what does not is refused with the figures."""
    problems: tuple[str, ...] = ()
    while all(f"room for {MAX_NODES}" in one or "GiB" in one for one in problems):
        try:
            return load_configuration(drawn(luck, number))
        except InputError as error:
            problems = tuple(error.problems)
    pytest.fail(f"a configuration that was drawn: {problems}")


def test_what_we_accept_parallelcluster_accepts() -> None:
    need_parallelcluster()
    luck = random.Random(20261201)  # noqa: S311 - no secret
    configurations = [usable(luck, number) for number in range(HOW_MANY)]
    results = list(validate(configurations, [REGION], engine_of()))
    assert len(results) == 2 * HOW_MANY
    found = [message for one in results for message in one.findings]
    assert [message for message in found if message.level == "ERROR"] == []
    # Whether to use EFA is a decision of the file; the other warnings are acknowledged in it.
    assert {message.validator for message in found} <= {"EfaValidator"}


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"queues": [{"name": "UPPER"}]}, "must match"),
    ({"queues": [{"name": "x", "choices": []}]}, "at least one"),
    ({"queues": [{"name": "class2d", "choices": [{"instance_type": "g4dn.huge"}]}]}, "g4dn.huge"),
    ({"lustre": {"deployment_type": "SCRATCH_1", "gib": 1200, "source": "x" * 10}}, "SCRATCH_1"),
    ({"lustre": {"deployment_type": "SCRATCH_2", "gib": 1300, "source": "x" * 10}}, "1,300"),
    ({"scaledown_idle_minutes": 0}, "must be 1 or more"),
    ({"head_node": {"instance_types": ["g4dn.nano"], "source": "x" * 10}}, "g4dn.nano"),
    ({"queues": [{"name": "refine3d", "efa": True, "placement_group": False}]}, "placement_group"),
)


@pytest.mark.parametrize(("stated", "said"), WRONG)
def test_what_is_wrong_is_refused_before_parallelcluster_sees_it(
    stated: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        load_configuration({"name": "own", "version": 1, "inherits": "cryoem-spa", **stated})
    assert any(said in one for one in refused.value.problems), refused.value.problems
