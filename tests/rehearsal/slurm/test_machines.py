"""The nodes that ParallelCluster makes of a configuration, and Slurm's files about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.cluster_configs.renderer import render
from gotocloud.platform.placeholders import placeholder_site
from gotocloud.platform.zones import zone_map
from gotocloud.rehearsal.slurm.machines import GPU_MODELS, SlurmQueue, node_names, slurm_queues
from gotocloud.rehearsal.slurm.slurm_conf import (
    SlurmFolder,
    Timing,
    gres_conf,
    hosts_file,
    ports_needed,
    slurm_conf,
)

TIMING = Timing(boot_delay_s=1, idle_s=600, notice_s=1, boot_timeout_s=60)
LAYOUT = SlurmFolder(Path("/somewhere"))


def queues_of(name: str, region: str = "us-east-1") -> tuple[SlurmQueue, ...]:
    offered = zone_map().region(region).best.offered
    return slurm_queues(
        render(load_configuration(name), placeholder_site(region, engine_of()), offered)
    )


@pytest.mark.parametrize("name", configuration_names())
def test_every_queue_and_node_of_a_configuration_is_there(name: str) -> None:
    configuration = load_configuration(name)
    queues = queues_of(name)
    assert len(queues) == 2 * len(configuration.queues)
    names = node_names(queues)
    assert len(set(names)) == len(names) > 0
    assert ports_needed(queues) == len(names) + 1
    hosts = hosts_file(queues).splitlines()
    assert set(names) < {line.split()[1] for line in hosts}


def test_a_node_line_states_what_parallelcluster_states() -> None:
    text = slurm_conf("c", queues_of("cryoem-spa"), LAYOUT, TIMING, 20000, daemons=False)
    assert (
        "NodeName=refine3d-dy-g4dn-metal-[1-2] NodeAddr=127.0.0.1 Port=[20001-20002] CPUs=96 "
        "RealMemory=373555 State=CLOUD Feature=dynamic,g4dn.metal,g4dn-metal,efa,gpu "
        "Gres=gpu:t4:8\n"
        "PartitionName=refine3d Nodes=refine3d-dy-g4dn-metal-[1-2] MaxTime=INFINITE State=UP "
        "OverSubscribe=EXCLUSIVE\n"
    ) in text
    assert "SuspendTime=600\n" in text


def test_a_queue_that_shares_its_nodes_is_not_exclusive() -> None:
    text = slurm_conf("c", queues_of("tutorial"), LAYOUT, TIMING, 20000, daemons=False)
    assert "PartitionName=cpu Nodes=cpu-dy-c7i-4xlarge-[1-1] MaxTime=INFINITE State=UP\n" in text


def test_only_the_daemons_are_bound_to_loopback() -> None:
    for daemons in (False, True):
        text = slurm_conf("c", queues_of("tutorial"), LAYOUT, TIMING, 20000, daemons=daemons)
        assert ("NoInAddrAny,NoCtldInAddrAny" in text) is daemons


def test_every_gpu_has_a_device() -> None:
    text = gres_conf(queues_of("cryoem-spa"), LAYOUT)
    assert (
        "NodeName=refine3d-dy-g4dn-metal-[1-2] Name=gpu Type=t4 File=/somewhere/dev/nvidia[0-7]"
    ) in text
    assert (
        "NodeName=prep-gpu-dy-g6-4xlarge-[1-4] Name=gpu Type=l4 File=/somewhere/dev/nvidia0\n"
    ) in text
    assert "polish" not in text


def test_gpus_are_called_what_ec2_calls_them() -> None:
    """EC2 as recorded in moto: "T4", "A10G", "RTX PRO 4500"; a name of Slurm has no blank."""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    for name, machine in instance_types().items():
        if machine.gpus:
            recorded = INSTANCE_TYPES[name]["GpuInfo"]["Gpus"][0]["Name"]
            assert GPU_MODELS[name.split(".")[0]] == recorded.lower().replace(" ", "")
