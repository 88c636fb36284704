"""Which queue a job goes to where its own is missing, and how its machines are bought."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gotocloud.cluster_configs.limits import ONE_GPU, SPOT_SUFFIX
from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.partitions import Partition, configured_partitions
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.relion import queue_choice
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import WorkUnit
from gotocloud.relion.job_types import relion_job_type
from gotocloud.relion.memory import BYTES_PER_GB, BYTES_PER_GIB
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.queue_choice import bought, home_queue
from gotocloud.relion.sizing import LEAST_WORK_S
from gotocloud.relion.work import Work

ALL = {
    one.name: one
    for one in configured_partitions(load_configuration("cryoem-spa"), used_instance_types())
}
GPUS, CPUS = ALL["class3d"], ALL["polish"]


def queue(name: str, like: Partition, *, spot: bool = False, **changes: Any) -> Partition:
    name = f"{name}{SPOT_SUFFIX}" if spot else name
    return replace(like, name=name, spot=spot, **changes)


def job(*, gpu: bool, kind_name: str = "refine3d") -> Job:
    kind = relion_job_type(kind_name)
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


USUAL = queue("usual", GPUS, gpus=4)
WORK = Work(unit=WorkUnit.PARTICLES, items=300, box_px=64)


@dataclass
class Queues:
    """A configuration with queues of one GPU, in its order."""

    of_one_gpu: tuple[str, ...] = ("one",)

    def queues_for(self, kind: str, *_: str) -> tuple[SimpleNamespace, ...]:
        names = self.of_one_gpu if kind == ONE_GPU else ("usual",)
        return tuple(SimpleNamespace(name=name) for name in names)


def chosen(
    *others: Partition,
    kind: str = "class3d",
    box_px: int | None = 64,
    queues: Queues = Queues(),  # noqa: B008 - it does not change
    **changes: str,
) -> tuple[str, str]:
    """The queue of a refinement of little work, beside its usual one with four GPUs."""
    wanted = job(gpu=True, kind_name=kind)
    wanted = replace(wanted, options={**wanted.options, **changes})
    wanted.__dict__.update(work=WORK, box_px=box_px)
    configuration: Any = queues
    found, remark = home_queue(wanted, (USUAL, *others), Overrides(), configuration, None)
    return found.name, remark


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(None, "usual"), (LEAST_WORK_S, "usual"), (0.999 * LEAST_WORK_S, "one"), (0.0, "one")],
)
def test_one_gpu_does_what_takes_less_time_than_a_machine_costs_beside_its_work(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, name: str
) -> None:
    monkeypatch.setattr(queue_choice, "gpu_seconds", lambda _: seconds)
    remark = "one GPU is enough for 300 particles of 64 px" if name == "one" else ""
    assert chosen(queue("one", GPUS, gpus=1)) == (name, remark)


@pytest.mark.parametrize(
    ("gpus", "name"), [(0, "usual"), (1, "one"), (3, "one"), (4, "usual"), (8, "usual")]
)
def test_only_a_queue_with_fewer_gpus_takes_the_place_of_the_usual_one(
    gpus: int, name: str
) -> None:
    assert chosen(queue("one", GPUS, gpus=gpus))[0] == name


def test_a_queue_that_will_not_do_leaves_the_next_one() -> None:
    queues = Queues(("absent", "large", "narrow", "fits"))
    there = (
        queue("large", GPUS, gpus=4),
        queue("narrow", GPUS, gpus=1, gpu_memory_gib=0.001),
        queue("fits", GPUS, gpus=1, gpu_memory_gib=16.0),
    )
    assert chosen(*there, kind="refine3d", queues=queues)[0] == "fits"
    assert chosen(*there, kind="class3d", queues=queues)[0] == "narrow", "halves alone need both"
    assert chosen(queues=queues) == ("usual", "")


@pytest.mark.parametrize(
    ("there_gb", "box_px", "name"),
    [(16.0, 64, "one"), (15.999, 64, "usual"), (None, 64, "usual"), (16.0, None, "usual")],
)
def test_both_halves_of_a_refinement_fit_the_memory_of_the_one_gpu(
    monkeypatch: pytest.MonkeyPatch, there_gb: float | None, box_px: int | None, name: str
) -> None:
    monkeypatch.setattr(queue_choice, "gpu_memory_gb", lambda box, padding: box * padding / 16)
    gib = None if there_gb is None else there_gb * BYTES_PER_GB / BYTES_PER_GIB
    one = queue("one", GPUS, gpus=1, gpu_memory_gib=gib)
    assert chosen(one, kind="refine3d", box_px=box_px)[0] == name


def test_a_refinement_without_padding_needs_less_of_the_one_gpu() -> None:
    """1.1e-8 GB x (2 x 64)^3 for each half with padding 2, an eighth with padding 1 (RELION)."""
    between = queue("one", GPUS, gpus=1, gpu_memory_gib=0.02)
    assert chosen(between, kind="refine3d")[0] == "usual"
    assert chosen(between, kind="refine3d", do_pad1="Yes")[0] == "one"
