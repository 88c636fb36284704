"""The exact limits at which a job goes to a smaller or a larger machine than its usual one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from gotocloud.cluster_configs.limits import ONE_GPU, SMALL
from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import InputError
from gotocloud.relion import queue_choice
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import WorkUnit
from gotocloud.relion.memory import BYTES_PER_GB, BYTES_PER_GIB
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.queue_choice import bought, home_queue, measured_queue
from gotocloud.relion.settings import VCPUS_A_RANK, Setting
from gotocloud.relion.sizing import LEAST_WORK_S
from gotocloud.relion.work import Work
from tests.relion.test_queue_choice import CPUS, GPUS, job, queue

USUAL = queue("usual", CPUS)
PART = queue("part", CPUS, vcpus=16, memory_gib=32.0, exclusive=False)


@dataclass
class Configured:
    """A configuration: names of queues for what is requested first."""

    small: tuple[str, ...] = ("part",)
    usual: str = "usual"
    requested: tuple[str, str, str] = ("prep-cpu", "", "")

    def queues_for(self, *names: str) -> tuple[SimpleNamespace, ...]:
        if names == (SMALL,):
            found = self.small
        elif names == (ONE_GPU,):
            found = ()
        else:
            assert names == self.requested or not self.requested[1]
            found = (self.usual,)
        return tuple(SimpleNamespace(name=name) for name in found)


def placed(
    wanted: Job,
    *partitions: Partition,
    configured: Configured | None = Configured(),  # noqa: B008 - it does not change
    typed: Overrides = Overrides(),  # noqa: B008 - it does not change
    measured: Partition | None = None,
) -> tuple[str, str]:
    configuration: Any = configured
    found, remark = home_queue(wanted, partitions, typed, configuration, measured)
    return found.name, remark


def setting(instance_type: str, kind: str = "refine3d") -> Setting:
    return Setting(kind, instance_type, 1, 1, 1, "measured here", "this cluster")


def test_the_best_measured_setting_with_an_on_demand_queue_decides() -> None:
    partitions = (
        queue("spot", GPUS, spot=True, instance_type="a"),
        queue("other", GPUS, instance_type="b"),
        queue("on-demand", GPUS, instance_type="a"),
    )
    found = measured_queue("refine3d", partitions, [setting("c"), setting("a"), setting("b")])
    assert found is not None
    assert found.name == "on-demand"
    assert measured_queue("refine3d", partitions, [setting("a", "class3d")]) is None
    assert measured_queue("refine3d", partitions[:1], [setting("a")]) is None


def test_a_typed_queue_is_taken_and_an_unknown_one_is_an_error_with_all_names() -> None:
    assert placed(job(gpu=False), USUAL, PART, typed=Overrides(queue="part")) == (
        "part",
        "queue as typed",
    )
    with pytest.raises(InputError) as caught:
        placed(job(gpu=False), USUAL, PART, typed=Overrides(queue="prat"))
    assert caught.value.message == (
        "No queue named 'prat'. Did you mean 'part'? Available: automatic, part, usual."
    )
    assert caught.value.next_command == "gotocloud form --show"


def test_the_configuration_is_requested_for_the_job_type_its_kind_and_its_name() -> None:
    wanted = job(gpu=False, kind_name="extract")
    names = (wanted.queue_job_type, wanted.kind, wanted.type.name)
    assert placed(wanted, USUAL, configured=Configured(requested=names)) == ("usual", "")
    assert placed(wanted, queue("prep-cpu", CPUS), configured=None) == ("prep-cpu", "")


def test_what_was_measured_goes_before_the_usual_queue() -> None:
    assert placed(job(gpu=False), USUAL, PART, measured=PART) == ("part", "")


def set_facts(monkeypatch: pytest.MonkeyPatch, **facts: object) -> None:
    """Give every job some facts."""
    for name, value in facts.items():
        monkeypatch.setattr(Job, name, property(lambda _, value=value: value))  # type: ignore[misc]


def own_program() -> Job:
    return job(gpu=False, kind_name="external")


@pytest.mark.parametrize(
    ("ranks", "threads", "typed", "name"),
    [
        (4, 4, {}, "part"),
        (4, 5, {}, "usual"),
        (17, 1, {}, "usual"),
        (1, 16, {}, "part"),
        (1, 4, {"ranks": 4}, "part"),
        (1, 4, {"ranks": 5}, "usual"),
        (4, 1, {"threads": 4}, "part"),
        (4, 1, {"threads": 5}, "usual"),
        (1, 1, {"nodes": 1}, "usual"),
    ],
)
def test_an_own_program_shares_a_machine_with_a_vcpu_for_each_thread(
    monkeypatch: pytest.MonkeyPatch, ranks: int, threads: int, typed: dict[str, Any], name: str
) -> None:
    set_facts(monkeypatch, ranks=ranks, threads=threads)
    found, remark = placed(own_program(), USUAL, PART, typed=Overrides(**typed))
    assert found == name
    assert remark == (
        "a part of a machine has room for so few; type the queue usual if the program needs more "
        "than 32 GiB of memory"
        if name == "part"
        else ""
    )


def test_an_own_program_stays_where_no_other_machine_is_shared() -> None:
    assert placed(own_program(), USUAL) == ("usual", "")
    assert placed(own_program(), USUAL, replace(PART, exclusive=True)) == ("usual", "")
    shared = replace(USUAL, exclusive=False)
    assert placed(own_program(), shared, configured=Configured(small=("usual",))) == ("usual", "")
    configured = Configured(small=("absent", "part"))
    assert placed(own_program(), USUAL, PART, configured=configured)[0] == "part"


def work_of(
    monkeypatch: pytest.MonkeyPatch,
    items: int,
    *,
    kind: str = "extract",
    fits: int | None = None,
    seconds: float | None = None,
) -> Job:
    """A job of so many micrographs, of which so many ranks fit the small machine."""
    wanted = job(gpu=False, kind_name=kind)
    wanted.__dict__.update(work=Work(unit=WorkUnit.MICROGRAPHS, items=items, box_px=64))
    threads = VCPUS_A_RANK if wanted.type.parallelism.takes_threads else 1

    def fitting(of: Job, each: int, memory_gib: float) -> int | None:
        assert (of, each, memory_gib) == (wanted, threads, PART.memory_gib)
        return fits

    def rank_seconds(of: Job) -> float | None:
        assert of is wanted
        return seconds

    monkeypatch.setattr(queue_choice, "fitting_ranks", fitting)
    monkeypatch.setattr(queue_choice, "rank_seconds", rank_seconds)
    return wanted


@pytest.mark.parametrize(
    ("kind", "items", "name"),
    [
        ("extract", 16, "part"),
        ("extract", 17, "usual"),
        ("polish", 2, "part"),
        ("polish", 3, "usual"),
    ],
)
def test_a_job_with_fewer_items_than_vcpus_shares_a_machine(
    monkeypatch: pytest.MonkeyPatch, kind: str, items: int, name: str
) -> None:
    """A rank of a program with threads takes `VCPUS_A_RANK` of them."""
    wanted = work_of(monkeypatch, items, kind=kind)
    remark = f"a part of a machine is enough for {wanted.work}" if name == "part" else ""
    assert placed(wanted, USUAL, PART) == (name, remark)


@pytest.mark.parametrize(("fits", "name"), [(None, "part"), (5, "part"), (4, "usual")])
def test_every_item_of_a_small_job_has_memory_for_its_rank(
    monkeypatch: pytest.MonkeyPatch, fits: int | None, name: str
) -> None:
    assert placed(work_of(monkeypatch, 5, fits=fits), USUAL, PART)[0] == name


@pytest.mark.parametrize(
    ("seconds", "fits", "name"),
    [
        (LEAST_WORK_S * 8 - 1, None, "part"),
        (LEAST_WORK_S * 8, None, "usual"),
        (None, None, "usual"),
        (1.0, 1, "part"),
        (1.0, 0, "usual"),
    ],
)
def test_many_items_of_little_work_share_a_machine_that_holds_one_rank(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, fits: int | None, name: str
) -> None:
    """Without threads a rank takes a physical core, of two vCPUs."""
    wanted = work_of(monkeypatch, 1000, fits=fits, seconds=seconds)
    assert placed(wanted, USUAL, PART)[0] == name


def test_the_threads_of_a_rank_count_in_the_time_of_little_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit_s = LEAST_WORK_S * PART.vcpus / VCPUS_A_RANK
    for seconds, name in ((limit_s - 1, "part"), (limit_s, "usual")):
        wanted = work_of(monkeypatch, 1000, kind="polish", seconds=seconds)
        assert placed(wanted, USUAL, PART)[0] == name


def test_a_job_of_few_items_stays_where_sharing_is_not_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = work_of(monkeypatch, 2)
    assert placed(wanted, USUAL) == ("usual", "")
    assert placed(wanted, USUAL, replace(PART, exclusive=True)) == ("usual", "")
    small = replace(USUAL, exclusive=False, memory_gib=PART.memory_gib)
    assert placed(wanted, small, configured=Configured(small=("usual",))) == ("usual", "")
    assert (
        placed(wanted, USUAL, PART, configured=Configured(small=("absent", "usual", "part")))[0]
        == "part"
    )
    narrow = replace(PART, name="narrow", vcpus=1)
    both = Configured(small=("narrow", "part"))
    assert placed(wanted, USUAL, narrow, PART, configured=both)[0] == "part"
    for typed in (Overrides(nodes=1), Overrides(ranks=2), Overrides(threads=2)):
        assert placed(wanted, USUAL, PART, typed=typed) == ("usual", "")


@pytest.mark.parametrize("facts", [{"uses_gpu": True}, {"refines": True}, {"runs_mpi": False}])
def test_only_mpi_work_of_cpus_without_iterations_shares_a_machine(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, bool]
) -> None:
    wanted = work_of(monkeypatch, 2)
    assert placed(wanted, USUAL, PART)[0] == "part"
    set_facts(monkeypatch, **facts)
    assert placed(wanted, USUAL, PART) == ("usual", "")


def test_work_without_a_number_of_items_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = work_of(monkeypatch, 0)
    assert placed(wanted, USUAL, PART) == ("usual", "")
    assert placed(work_of(monkeypatch, 2), queue("prep-cpu", CPUS), PART, configured=None) == (
        "prep-cpu",
        "",
    )


def boxes(
    monkeypatch: pytest.MonkeyPatch,
    *others: Partition,
    usual_gb: float | None = 8.0,
    kind: str = "refine3d",
    box_px: int | None = 512,
) -> tuple[str, str]:
    """The queue of a refinement whose followers need 16 GB each."""
    needed = {(512, 2): 16.0, (512, 1): 2.0}
    monkeypatch.setattr(queue_choice, "gpu_memory_gb", lambda box, padding: needed[box, padding])
    wanted = job(gpu=True, kind_name=kind)
    work = Work(unit=WorkUnit.PARTICLES, items=300_000, box_px=box_px or 0)
    wanted.__dict__.update(work=work, box_px=box_px)
    there = None if usual_gb is None else usual_gb * BYTES_PER_GB / BYTES_PER_GIB
    usual = queue("usual", GPUS, gpus=4, gpu_memory_gib=there, instance_type="g4dn.12xlarge")
    return placed(wanted, usual, *others)


def gpus(name: str, memory_gb: float | None = 24.0, count: int = 4, **changes: Any) -> Partition:
    gib = None if memory_gb is None else memory_gb * BYTES_PER_GB / BYTES_PER_GIB
    return queue(name, GPUS, gpus=count, gpu_memory_gib=gib, **{"max_nodes": 2, **changes})


def test_large_boxes_go_where_a_gpu_holds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert boxes(monkeypatch, gpus("large")) == (
        "large",
        "boxes of 512 px need 16.0 GB of a GPU, which g4dn.12xlarge does not have",
    )


@pytest.mark.parametrize(
    ("usual_gb", "name"), [(15.999, "large"), (16.0, "usual"), (None, "usual")]
)
def test_a_gpu_that_just_holds_a_follower_is_enough(
    monkeypatch: pytest.MonkeyPatch, usual_gb: float | None, name: str
) -> None:
    assert boxes(monkeypatch, gpus("large"), usual_gb=usual_gb)[0] == name


@pytest.mark.parametrize(("kind", "box_px"), [("class3d", 512), ("refine3d", None)])
def test_only_two_halves_of_a_known_box_need_the_larger_gpu(
    monkeypatch: pytest.MonkeyPatch, kind: str, box_px: int | None
) -> None:
    assert boxes(monkeypatch, gpus("large"), kind=kind, box_px=box_px) == ("usual", "")


def test_of_the_queues_that_hold_a_box_the_one_with_most_gpus_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = (
        gpus("few", count=8, max_nodes=1),
        gpus("most", count=2, max_nodes=8),
        gpus("small", 15.9, max_nodes=100),
        gpus("single", count=1, max_nodes=100),
        gpus("shared", max_nodes=100, exclusive=False),
        gpus("cheap", max_nodes=100, spot=True),
    )
    assert boxes(monkeypatch, *others)[0] == "most"
    assert boxes(monkeypatch, gpus("pair", count=2))[0] == "pair"
    assert boxes(monkeypatch, gpus("unknown", None))[0] == "unknown"
    assert boxes(monkeypatch, *others[2:]) == ("usual", "")


def test_a_box_without_padding_needs_no_larger_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    set_facts(monkeypatch, padding=1)
    assert boxes(monkeypatch, gpus("large")) == ("usual", "")


TWINS = (queue("a", GPUS), queue("a", GPUS, spot=True))


@pytest.mark.parametrize(
    ("typed", "prefer", "resumes", "there", "spot", "remark"),
    [
        ({}, False, True, TWINS, False, ""),
        ({"queue": "a"}, True, True, TWINS, False, ""),
        (
            {},
            True,
            True,
            TWINS,
            True,
            "spot, as the cluster prefers; an interrupted job goes on by itself",
        ),
        ({}, True, True, TWINS[:1], False, ""),
        (
            {},
            True,
            False,
            TWINS,
            False,
            "on demand although the cluster prefers spot, because this job could not go on after "
            "an interruption",
        ),
    ],
)
def test_spot_machines_are_for_jobs_that_can_go_on_where_the_cluster_prefers_them(
    monkeypatch: pytest.MonkeyPatch,
    typed: dict[str, Any],
    prefer: bool,
    resumes: bool,
    there: tuple[Partition, ...],
    spot: bool,
    remark: str,
) -> None:
    wanted = job(gpu=True)
    set_facts(monkeypatch, can_resume=resumes)
    found, why = bought(wanted, TWINS[0], there, Overrides(**typed), prefer_spot=prefer)
    assert (found.spot, why) == (spot, remark)


def test_a_job_that_cannot_go_on_leaves_a_queue_that_is_spot_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = job(gpu=True)
    set_facts(monkeypatch, can_resume=False)
    others = (*TWINS, queue("b", GPUS))
    assert bought(wanted, TWINS[1], others, Overrides(), prefer_spot=True)[0] == TWINS[0]
    assert bought(wanted, TWINS[1], TWINS[1:], Overrides(), prefer_spot=True)[0] == TWINS[1]


def test_a_refinement_without_gpus_never_goes_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_choice, "gpu_seconds", lambda _: 0.0)
    wanted = work_of(monkeypatch, 300, kind="class3d")
    one = queue("part", GPUS, gpus=1)
    usual = queue("usual", GPUS, gpus=4)
    configured: Any = SimpleNamespace(
        queues_for=lambda *names: [SimpleNamespace(name="part" if ONE_GPU in names else "usual")]
    )
    assert home_queue(wanted, (usual, one), Overrides(), configured, None)[0] == usual
