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
from gotocloud.relion.placed import as_routed, check_routed
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
def test_the_papers_optimum_is_the_default_and_says_so(
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


def test_ranks_and_threads_of_the_form_do_not_count_unless_they_are_typed() -> None:
    left = job("class2d", GPU, qsub_extra1="automatic")
    assert route(left, EVERYWHERE, overrides_of(left)).ranks == 33
    typed = job("class2d", GPU, qsub_extra1="typed")
    found = route(typed, EVERYWHERE, overrides_of(typed))
    assert shape(found) == ("class2d", 1, "g4dn.12xlarge", 5, 2)
    assert found.gpu_ids == "0:1"
    assert "as typed in the form" in found.reason
    assert "best" not in found.reason


def test_every_choice_can_be_typed() -> None:
    typed = job(
        "class2d",
        GPU,
        queuename="refine3d",
        qsub_extra1="typed",
        qsub_extra2="2",
        qsub_extra3="spot",
        qsub_extra4="relion/5.0.1-cuda75",
    )
    found = route(typed, EVERYWHERE, overrides_of(typed))
    assert shape(found) == ("refine3d-spot", 2, "g4dn.metal", 5, 2)
    assert (found.spot, found.module, found.layout) == (True, "relion/5.0.1-cuda75", (3, 2))


def test_a_typed_number_of_machines_changes_the_ranks_with_it() -> None:
    found = route(job("class2d", GPU), EVERYWHERE, Overrides(nodes=2))
    assert (found.nodes, found.ranks, found.layout) == (2, 9, (5, 4))
    assert "as typed" in found.reason


@pytest.mark.parametrize("nodes", [1, 2])
def test_random_halves_always_get_an_odd_number_of_ranks(nodes: int) -> None:
    partitions = tuple(
        Partition("refine3d", f"p{gpus}", 4, 48, 192, gpus, 16, False, True) for gpus in (1, 3)
    )
    for partition in partitions:
        found = route(job("refine3d", GPU), (partition,), Overrides(nodes=nodes))
        assert found.ranks % 2 == 1
        assert found.ranks >= 3


def test_mistyped_fields_are_all_named_with_what_is_allowed() -> None:
    wrong = job("class2d", qsub_extra1="type", qsub_extra2="-3", qsub_extra3="spott")
    with pytest.raises(InputError) as caught:
        overrides_of(wrong)
    assert len(caught.value.problems) == 3
    assert "allowed: automatic, spot, on-demand" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"qsub_extra1": "24:00:00", "qsub_extra2": "4", "qsub_extra3": "gpu"}, 3),
        ({"qsub_extra1": "8", "qsub_extra2": "many"}, 2),
        ({"qsub_extra1": "automatic", "qsub_extra2": "2", "qsub_extra3": "rtx3090"}, 2),
        ({"qsub_extra4": "--mem=64G"}, 1),
        ({"queuename": "openmpi"}, 1),
    ],
)
def test_fields_of_another_site_do_not_count(fields: dict[str, str], count: int) -> None:
    wanted = job("class2d", GPU, **fields)
    overrides = overrides_of(wanted)
    assert len(overrides.foreign) == count
    assert route(wanted, EVERYWHERE, overrides).shape == route(wanted, EVERYWHERE).shape


def test_relions_own_queue_name_leaves_the_other_fields_as_typed() -> None:
    fields = {
        "qsub_extra1": "typed",
        "qsub_extra2": "2",
        "qsub_extra3": "spot",
        "qsub_extra4": "relion/5.0.1-cuda75",
    }
    wanted = job("class2d", GPU, queuename="openmpi", **fields)
    overrides = overrides_of(wanted)
    assert overrides.foreign == ("Queue name: 'openmpi'",)
    here = job("class2d", GPU, queuename="automatic", **fields)
    found, expected = (
        route(wanted, EVERYWHERE, overrides),
        route(here, EVERYWHERE, overrides_of(here)),
    )
    assert found == expected
    assert (found.nodes, found.ranks, found.module) == (2, 5, "relion/5.0.1-cuda75")


def test_automatic_is_never_a_field_of_another_site() -> None:
    wanted = job(
        "class2d",
        GPU,
        queuename="automatic",
        qsub_extra1="24:00:00",
        qsub_extra2="automatic",
        qsub_extra3="Automatic",
        qsub_extra4="automatic",
    )
    assert overrides_of(wanted).foreign == ("Ranks, threads and GPUs: '24:00:00'",)


def test_a_queue_of_another_site_does_not_count_but_one_of_ours_does() -> None:
    there = job("class2d", GPU, qsub_extra1="24:00:00", queuename="long")
    assert route(there, EVERYWHERE, overrides_of(there)).queue == "class2d"
    here = job("class2d", GPU, qsub_extra1="24:00:00", queuename="class3d")
    assert route(here, EVERYWHERE, overrides_of(here)).queue == "class3d"


@pytest.mark.parametrize("name", ["batch", "cryo-gpu-long", "gpu", "q"])
def test_a_queue_like_none_here_runs_as_automatic_with_a_warning(name: str) -> None:
    there = job("class2d", GPU, do_queue="Yes", queuename=name)
    found = route(there, EVERYWHERE, overrides_of(there))
    assert (found.queue, found.foreign_queue) == ("class2d", name)
    queue = next(one for one in EVERYWHERE if one.name == found.queue)
    said = [one.text for one in check_routed(there, found, queue)]
    assert any(f"Queue name: '{name}'" in one for one in said)


@pytest.mark.parametrize("name", ["clas2d", "refine", "prep_cpu"])
def test_a_mistyped_queue_of_the_form_is_refused(name: str) -> None:
    there = job("class2d", GPU, queuename=name)
    with pytest.raises(InputError, match="No queue named"):
        route(there, EVERYWHERE, overrides_of(there))


def test_a_queue_that_no_form_gave_is_refused_however_unlike_it_is() -> None:
    with pytest.raises(InputError, match="No queue named 'batch'"):
        route(job("class2d", GPU), EVERYWHERE, Overrides(queue="batch"))


@pytest.mark.parametrize(
    ("kind", "ranks", "threads", "queue"),
    [
        ("external", 1, 1, "small"),
        ("external", 1, 16, "small"),
        ("external", 1, 17, "prep-cpu"),
    ],
)
def test_a_program_of_ones_own_with_few_threads_shares_a_small_machine(
    kind: str, ranks: int, threads: int, queue: str
) -> None:
    wanted = job(kind, nr_mpi=str(ranks), nr_threads=str(threads))
    found = route(wanted, EVERYWHERE, configuration=SPA)
    assert (found.queue, found.ranks, found.threads) == (queue, ranks, threads)
    assert ("type the queue prep-cpu" in found.reason) == (queue == "small")
    typed = job(kind, nr_threads=str(threads), qsub_extra1="typed", queuename="prep-cpu")
    assert route(typed, EVERYWHERE, overrides_of(typed), configuration=SPA).queue == "prep-cpu"


def test_what_the_queue_does_not_have_is_refused_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        route(
            job("class2d", GPU),
            EVERYWHERE,
            Overrides(nodes=9, ranks=5, threads=999, gpu_ids="0:4"),
        )
    text = str(caught.value)
    assert "allowed: 1 to 8" in text
    assert "allowed: 1 to 48" in text
    assert "no GPU 4" in text
    assert len(caught.value.problems) == 4


def test_an_unknown_queue_is_answered_with_the_queues_there_are() -> None:
    with pytest.raises(InputError, match="Did you mean 'class2d'") as caught:
        route(job("class2d", GPU), EVERYWHERE, Overrides(queue="clas2d"))
    assert "automatic" in str(caught.value)


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


def test_a_job_that_cannot_go_on_stays_on_demand_and_the_reason_says_why() -> None:
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


def test_a_region_without_the_queue_uses_another_with_gpus_and_says_so() -> None:
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
