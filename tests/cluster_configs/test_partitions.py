"""Partitions that a configuration has in a region."""

from __future__ import annotations

from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.partitions import Partition, configured_partitions

SPA = load_configuration("cryoem-spa")


def test_each_queue_is_there_on_demand_and_spot() -> None:
    partitions = configured_partitions(SPA, used_instance_types())
    expected = [name for queue in SPA.queues for name in (queue.name, queue.spot_name)]
    assert [partition.name for partition in partitions] == expected
    assert [p.spot for p in partitions] == [False, True] * len(SPA.queues)
    assert [p.queue_name for p in partitions] == [q.name for q in SPA.queues for _ in "ab"]


def test_a_partition_states_what_its_machine_is() -> None:
    refine3d = configured_partitions(SPA, used_instance_types())[0]
    assert refine3d == Partition(
        name="refine3d",
        instance_type="g4dn.metal",
        max_nodes=2,
        vcpus=96,
        memory_gib=384,
        gpus=8,
        gpu_memory_gib=16,
        spot=False,
        exclusive=True,
    )


def test_a_region_without_the_first_choice_has_the_next_with_its_own_node_count() -> None:
    offered = set(used_instance_types()) - {"g5.12xlarge"}
    class3d = next(p for p in configured_partitions(SPA, offered) if p.name == "class3d-spot")
    assert (class3d.instance_type, class3d.max_nodes, class3d.gpu_memory_gib) == (
        "g6.48xlarge",
        2,
        22.35,
    )


def test_a_queue_that_cannot_be_had_has_no_partition() -> None:
    partitions = configured_partitions(SPA, {"m5.xlarge", "c7i.48xlarge"})
    assert {p.name for p in partitions} == {"polish", "polish-spot", "prep-cpu", "prep-cpu-spot"}
    assert {p.gpu_memory_gib for p in partitions} == {None}


def test_queues_of_short_steps_share_their_machines() -> None:
    partitions = configured_partitions(load_configuration("tutorial"), used_instance_types())
    assert {p.name: p.exclusive for p in partitions} == {
        "gpu": True,
        "gpu-spot": True,
        "cpu": False,
        "cpu-spot": False,
    }
