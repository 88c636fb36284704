"""What a person types in the form counts, and what is another site's does not."""

from __future__ import annotations

import pytest

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import InputError
from gotocloud.relion.overrides import Overrides, overrides_of
from gotocloud.relion.routed_job import check_routed
from tests.relion.routed import route
from tests.relion.test_routing import EVERYWHERE, GPU, SPA, job, shape


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
