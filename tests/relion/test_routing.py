"""Which machines a job gets, why, and what the scientist can change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.model import (
    configuration_names,
    load_configuration,
    used_instance_types,
)
from gotocloud.cluster_configs.partitions import Partition, configured_partitions
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.findings import errors
from gotocloud.platform.zones import zone_map
from gotocloud.relion.job import Job
from gotocloud.relion.job_types import RELION_JOB_TYPES, relion_job_type
from gotocloud.relion.overrides import Overrides, overrides_of
from gotocloud.relion.routed_job import as_routed
from gotocloud.relion.routing import Route
from gotocloud.relion.rules import check
from gotocloud.relion.settings import PUBLISHED, Setting
from gotocloud.relion.spreading import gpu_list, spread
from tests.relion.routed import route

SPA = load_configuration("cryoem-spa")
EVERYWHERE = configured_partitions(SPA, used_instance_types())
TUTORIAL = load_configuration("tutorial")
GPU = {"use_gpu": "Yes", "nr_mpi": "5", "nr_threads": "2", "gpu_ids": "0:1"}


def job(kind: str, options: Mapping[str, str] | None = None, **more: str) -> Job:
    found = relion_job_type(kind)
    return Job(
        Path(f"/project/{found.folder}/job012"), found.label, found, {**(options or {}), **more}
    )


def where(offered: set[str], name: str = "cryoem-spa") -> tuple[Partition, ...]:
    return configured_partitions(load_configuration(name), offered | {"m5.xlarge"})


def shape(found: Route) -> tuple[str, int, str, int, int]:
    return found.queue, found.nodes, found.instance_type, found.ranks, found.threads


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (job("refine3d", GPU), ("refine3d", 2, "g4dn.metal", 17, 6)),
        (job("class3d", GPU), ("class3d", 8, "g5.12xlarge", 33, 6)),
        (job("class2d", GPU), ("class2d", 8, "g4dn.12xlarge", 33, 6)),
        (job("class2d", GPU, do_grad="Yes"), ("class2d-vdam", 1, "g5.12xlarge", 1, 4)),
        (job("polish", do_polish="Yes"), ("polish", 4, "c6i.32xlarge", 16, 16)),
    ],
)
def test_the_papers_optimum_is_the_default_and_states_it(
    wanted: Job, expected: tuple[str, int, str, int, int]
) -> None:
    found = route(wanted, EVERYWHERE)
    assert shape(found) == expected
    assert "the paper's best cost-performance (Moriya et al. 2024)" in found.reason
    assert "doi 10.1038/s42003-024-07031-6" in found.source


def test_the_reason_is_one_sentence_with_machines_ranks_and_source() -> None:
    assert route(job("class2d", GPU), EVERYWHERE).reason == (
        "class2d: 8 x g4dn.12xlarge, 33 ranks x 6 threads, 32 GPUs: "
        "the paper's best cost-performance (Moriya et al. 2024)."
    )


def test_another_instance_type_has_its_own_source_and_not_the_papers() -> None:
    partitions = where(set(used_instance_types()) - {"g4dn.metal", "g5.12xlarge"})
    found = route(job("refine3d", GPU), partitions)
    assert shape(found) == ("refine3d", 2, "g6.48xlarge", 17, 12)
    assert "CS-Schemes" in found.reason
    assert "Moriya" not in found.reason + found.source


def test_a_machine_without_any_figure_is_called_derived() -> None:
    found = route(job("multibody", GPU), EVERYWHERE)
    assert shape(found) == ("refine3d", 1, "g4dn.metal", 9, 6)
    assert "derived, because no figure is published" in found.reason


def test_one_queue_serves_several_job_types_of_the_tutorial() -> None:
    partitions = configured_partitions(TUTORIAL, used_instance_types())
    found = route(job("refine3d", GPU), partitions, configuration=TUTORIAL)
    assert shape(found) == ("gpu", 1, "g6.4xlarge", 3, 4)
    found = route(job("motioncorr", do_own_motioncor="Yes"), partitions, configuration=TUTORIAL)
    assert (found.queue, found.exclusive) == ("cpu", False)


@pytest.mark.parametrize("label", sorted(RELION_JOB_TYPES))
@pytest.mark.parametrize("name", configuration_names())
def test_every_job_type_is_routed_in_every_configuration(label: str, name: str) -> None:
    configuration = load_configuration(name)
    for first in range(3):
        offered = {
            queue.instance_types[min(first, len(queue.instance_types) - 1)]
            for queue in configuration.queues
        } | set(configuration.head_node.instance_types)
        partitions = configured_partitions(configuration, offered)
        for options in ({}, {"use_gpu": "Yes"}, {"use_gpu": "Yes", "do_grad": "Yes"}):
            found = route(job(label, options), partitions, configuration=configuration)
            there = next(one for one in partitions if one.name == found.queue)
            assert sum(found.layout) == found.ranks
            assert 1 <= found.nodes == len(found.layout) <= there.max_nodes
            assert 1 <= found.threads <= there.vcpus
            leaders = job(label, options).program.leaders(found.ranks)
            workers = max(found.layout) - leaders
            assert workers * found.threads <= there.vcpus
            assert found.reason.endswith(".")
            assert found.source


@pytest.mark.parametrize("name", configuration_names())
def test_no_route_breaks_a_rule_of_relion(name: str) -> None:
    configuration = load_configuration(name)
    broken = set()
    for region in zone_map().regions.values():
        partitions = configured_partitions(configuration, region.best.offered)
        for label in RELION_JOB_TYPES:
            for options in ({}, {"do_grad": "Yes"}, {"do_param_optim": "Yes"}):
                wanted = job(label, options, use_gpu="Yes", dont_skip_align="Yes", gpu_ids="0")
                found = route(wanted, partitions, configuration=configuration)
                hardware = next(one for one in partitions if one.name == found.queue)
                routed = as_routed(wanted, found)
                findings = check(routed, hardware, nodes=found.nodes, layout=found.layout)
                broken |= {(label, one.check) for one in errors(findings)}
    assert broken == set()


def test_a_program_that_takes_one_gpu_gets_the_first_unless_another_is_typed() -> None:
    four = Partition("prep-gpu", "g5.12xlarge", 1, 48, 192, 4, 22.35, False, True)
    assert route(job("denoisetomo", gpu_ids="2"), (four,)).gpu_ids == "0"
    typed = job("denoisetomo", gpu_ids="2", qsub_extra1="typed")
    assert route(typed, (four,), overrides_of(typed)).gpu_ids == "2"


@pytest.mark.parametrize("nodes", [1, 2, 4])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("motioncorr", {"do_own_motioncor": "No"}),
        ("autopick", {"do_refs": "Yes", "use_gpu": "Yes"}),
        ("aligntiltseries", {"do_aretomo2": "Yes"}),
    ],
)
def test_a_wrapper_gets_a_gpu_for_every_rank(
    nodes: int, name: str, options: dict[str, str]
) -> None:
    four = Partition("prep-gpu", "g5.12xlarge", 4, 48, 192, 4, 22.35, False, True)
    found = route(job(name, options), (four,), Overrides(nodes=nodes))
    # 3dem/relion, src/motioncorr_runner.cpp:639: fewer entries than ranks stop it.
    assert found.gpu_ids == ":".join(["0:1:2:3"] * nodes)
    assert found.ranks == 4 * nodes


@pytest.mark.parametrize("setting", PUBLISHED, ids=lambda one: f"{one.kind} {one.instance_type}")
def test_a_published_setting_obeys_relions_rules(setting: Setting) -> None:
    if setting.kind in ("refine3d", "multibody"):
        assert setting.ranks % 2 == 1
        assert setting.ranks >= 3
    if setting.kind in ("class2d-vdam", "initialmodel"):
        assert setting.ranks == 1
    assert setting.source
    assert setting.because


def test_every_choice_of_a_queue_named_after_a_job_type_has_a_setting_that_fits_it() -> None:
    counts = {(s.kind, s.instance_type): s.nodes for s in reversed(PUBLISHED)}
    for queue in SPA.queues:
        for choice in queue.choices:
            if (queue.name, choice.instance_type) in counts:
                assert counts[queue.name, choice.instance_type] == choice.max_nodes
            else:
                assert not {queue.name} & {s.kind for s in PUBLISHED}, (
                    queue.name,
                    choice.instance_type,
                )


def test_a_job_without_mpi_takes_no_second_machine() -> None:
    with pytest.raises(InputError, match="has no MPI"):
        route(
            job("class2d", GPU, do_grad="Yes"),
            EVERYWHERE,
            Overrides(nodes=2, queue="class2d"),
        )


def test_a_cluster_that_prefers_spot_gives_it_to_jobs_that_can_go_on() -> None:
    found = route(job("refine3d", GPU), EVERYWHERE, prefer_spot=True)
    assert (found.queue, found.spot) == ("refine3d-spot", True)
    assert "spot, as the cluster prefers" in found.reason


def test_a_job_that_cannot_go_on_stays_on_demand_and_the_reason_explains_why() -> None:
    found = route(job("subtract"), EVERYWHERE, prefer_spot=True)
    assert (found.queue, found.spot) == ("prep-cpu", False)
    assert "could not go on after an interruption" in found.reason
    typed = route(job("subtract"), EVERYWHERE, Overrides(spot=True))
    assert typed.queue == "prep-cpu-spot"


def test_a_queue_typed_by_name_keeps_its_way_of_buying() -> None:
    found = route(job("refine3d", GPU), EVERYWHERE, Overrides(queue="refine3d"), prefer_spot=True)
    assert found.queue == "refine3d"


def test_training_cannot_go_on_but_polishing_can() -> None:
    assert job("polish", do_polish="Yes").can_resume
    assert not job("polish", do_param_optim="Yes").can_resume


def test_measured_settings_replace_the_papers_visibly() -> None:
    ours = Setting("class2d", "g4dn.metal", 1, 9, 6, "measured by this group", "bench 2026-11")
    found = route(job("class2d", GPU), EVERYWHERE, settings=(ours,))
    assert shape(found) == ("refine3d", 1, "g4dn.metal", 9, 6)
    assert "measured by this group" in found.reason
    assert found.source == "bench 2026-11"


def test_a_measured_setting_of_a_machine_that_is_not_here_does_not_count() -> None:
    gone = Setting("class2d", "p5.48xlarge", 1, 9, 6, "measured", "bench")
    assert route(job("class2d", GPU), EVERYWHERE, settings=(gone,)).instance_type == "g4dn.12xlarge"


def test_a_region_without_the_queue_uses_another_with_gpus_and_states_it() -> None:
    partitions = where({"g4dn.metal", "c7i.48xlarge"})
    found = route(job("class2d", GPU), partitions)
    assert found.instance_type == "g4dn.metal"
    assert "this cluster has no class2d queue" in found.reason


def test_a_cluster_without_gpus_refuses_gpu_work_with_its_queues() -> None:
    with pytest.raises(GoToCloudError, match="prep-cpu"):
        route(job("class2d", GPU), where({"c7i.48xlarge"}))


def test_a_job_without_gpus_goes_to_cpus_unless_a_queue_is_typed() -> None:
    found = route(job("class2d"), EVERYWHERE)
    assert (found.queue, found.gpus_per_node, found.gpu_ids) == ("prep-cpu", 0, "")
    typed = job("class2d", queuename="class2d")
    found = route(typed, EVERYWHERE, overrides_of(typed))
    assert (found.queue, found.gpus_per_node, found.gpu_ids) == ("class2d", 0, "")
    assert "they stay idle" in found.reason


def test_the_leader_stands_on_the_first_machine_and_followers_spread_evenly() -> None:
    assert spread(33, 8, idle_leader=True) == (5, 4, 4, 4, 4, 4, 4, 4)
    assert spread(16, 4, idle_leader=False) == (4, 4, 4, 4)
    assert spread(1, 1, idle_leader=False) == (1,)


@given(nodes=st.integers(1, 8), followers=st.integers(1, 64), gpus=st.sampled_from([1, 2, 4, 8]))
def test_relion_gives_every_machine_its_followers_evenly_over_its_gpus(
    nodes: int, followers: int, gpus: int
) -> None:
    """RELION's own rule: follower i takes entry i of the list, repeated (`rank % N`)."""
    layout = spread(followers + 1, nodes, idle_leader=True)
    entries = gpu_list(layout, gpus, idle_leader=True).split(":")
    assert sum(layout) == followers + 1
    follower = 0
    for index, count in enumerate(layout):
        working = count - (1 if index == 0 else 0)
        got = [
            gpu for i in range(working) for gpu in entries[(follower + i) % len(entries)].split(",")
        ]
        follower += working
        uses = [got.count(str(gpu)) for gpu in range(gpus)]
        assert max(uses) - min(uses) <= 1
        # No GPU that is paid for idles on a machine that has followers.
        assert min(uses) > 0 or not working
    assert all(re.fullmatch(r"\d(,\d)*", one) for one in entries)
