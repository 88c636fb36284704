"""Which queue a job goes to where its own is missing, and how its machines are bought."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gotocloud.cluster_configs.limits import SPOT_SUFFIX
from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.partitions import Partition, configured_partitions
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.relion.job import Job
from gotocloud.relion.job_types import relion_job_type
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.queue_choice import bought, home_queue

ALL = {
    one.name: one
    for one in configured_partitions(load_configuration("cryoem-spa"), used_instance_types())
}
GPUS, CPUS = ALL["class3d"], ALL["polish"]


def queue(name: str, like: Partition, *, spot: bool = False, **changes: int) -> Partition:
    name = f"{name}{SPOT_SUFFIX}" if spot else name
    return replace(like, name=name, spot=spot, **changes)  # type: ignore[arg-type]


def job(*, gpu: bool) -> Job:
    kind = relion_job_type("refine3d")
    options = {"use_gpu": "Yes" if gpu else "No", "nr_mpi": "5"}
    return Job(Path("/project/Refine3D/job012"), kind.label, kind, options)


def home(wanted: Job, *partitions: Partition) -> tuple[str, str]:
    found, remark = home_queue(wanted, partitions, Overrides(), None, None)
    return found.name, remark


def test_gpu_work_without_a_queue_goes_where_most_gpus_are_on_demand() -> None:
    partitions = (
        queue("few", GPUS, gpus=8, max_nodes=2, vcpus=96),
        queue("most", GPUS, gpus=4, max_nodes=8, vcpus=4),
        queue("spot", GPUS, spot=True, gpus=8, max_nodes=100),
        queue("cpus", CPUS, gpus=0, max_nodes=100, vcpus=128),
    )
    assert home(job(gpu=True), *partitions) == ("most", "this cluster has no refine3d queue")


def test_work_without_gpus_goes_where_most_vcpus_are() -> None:
    partitions = (
        queue("few", CPUS, gpus=0, max_nodes=1, vcpus=96),
        queue("most", CPUS, gpus=0, max_nodes=10, vcpus=16),
        queue("gpus", GPUS, gpus=8, max_nodes=100, vcpus=192),
    )
    assert home(job(gpu=False), *partitions)[0] == "most"


@pytest.mark.parametrize(
    ("gpu", "partitions", "text"),
    [
        (True, (queue("a", CPUS), queue("b", CPUS)), "with GPUs; its queues are: a, b."),
        (False, (queue("a", GPUS),), "without GPUs; its queues are: a."),
        (True, (), "with GPUs; its queues are: none."),
        (True, (queue("a", GPUS, spot=True),), "with GPUs; its queues are: none."),
    ],
)
def test_a_cluster_that_cannot_do_the_work_lists_its_queues(
    gpu: bool, partitions: tuple[Partition, ...], text: str
) -> None:
    wanted = job(gpu=gpu)
    with pytest.raises(GoToCloudError) as caught:
        home(wanted, *partitions)
    assert caught.value.message == (
        f"This cluster has no queue for {wanted.queue_job_type} and no other {text} "
        "To use one of them all the same, type its name under 'Queue name'."
    )
    assert caught.value.next_command == "gotocloud form --show"


@pytest.mark.parametrize(("spot", "words"), [(True, "spot"), (False, "on-demand")])
def test_machines_that_a_queue_does_not_have_cannot_be_typed(spot: bool, words: str) -> None:
    there = queue("a", GPUS, spot=not spot)
    with pytest.raises(InputError) as caught:
        bought(job(gpu=True), there, (there,), Overrides(spot=spot), prefer_spot=False)
    assert caught.value.message == f"The queue 'a' has no {words} machines here."
    assert caught.value.next_command == "gotocloud form --show"


@pytest.mark.parametrize(
    ("spot", "remark"), [(True, "spot as typed"), (False, "on-demand as typed")]
)
def test_typed_machines_are_those_of_the_twin(spot: bool, remark: str) -> None:
    twins = (queue("a", GPUS), queue("a", GPUS, spot=True), queue("b", GPUS, spot=True))
    found, why = bought(job(gpu=True), twins[0], twins, Overrides(spot=spot), prefer_spot=False)
    assert (found.queue_name, found.spot, why) == ("a", spot, remark)
