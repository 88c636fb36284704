"""Where a job is placed, and what becomes of a choice that cannot be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.contract.head_node import ClusterFacts
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.findings import Finding, Severity
from gotocloud.jobs.cluster import Cluster
from gotocloud.jobs.placing import (
    PlacedJob,
    chosen_in_form,
    in_queue,
    place,
    place_job,
    unplaced_findings,
)
from gotocloud.relion.job import Job
from gotocloud.relion.job_types import relion_job_type
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.routed_job import check_routed
from gotocloud.relion.settings import Setting

PARTITIONS = configured_partitions(load_configuration("cryoem-spa"), used_instance_types())
REFINE3D = relion_job_type("refine3d")
GPU = {"use_gpu": "Yes", "nr_mpi": "5", "nr_threads": "2", "do_queue": "Yes"}
AUTOMATIC = {"queuename": "automatic", "qsub_extra1": "automatic", "qsub_extra2": "automatic"}
AUTOMATIC |= {"qsub_extra3": "automatic"}


def job(**options: str) -> Job:
    given = {**GPU, **AUTOMATIC, **options}
    return Job(Path("/project/Refine3D/job012"), REFINE3D.label, REFINE3D, given)


def cluster(capacity: str = "on-demand", configuration: str = "cryoem-spa") -> Cluster:
    facts = ClusterFacts(configuration=configuration, region="us-east-1", capacity=capacity)
    return Cluster(PARTITIONS, facts)


def with_findings(*found: Finding) -> PlacedJob:
    return replace(place_job(job(), cluster()), findings=found)


def finding(severity: Severity, text: str) -> Finding:
    return Finding("mpi-odd", severity, text)


def test_a_job_is_placed_by_its_form_with_the_machines_of_its_queue() -> None:
    found = place_job(job(), cluster())
    assert (found.job, found.queue.name, found.route.queue) == (job(), "refine3d", "refine3d")
    assert found.queue.instance_type == found.route.instance_type
    assert found.remarks == ()


def test_the_rules_judge_the_job_as_it_is_spread_not_as_its_form_has_it() -> None:
    found = place_job(job(nr_mpi="4"), cluster())
    assert not [one for one in found.findings if one.severity is Severity.ERROR]
    typed = place_job(job(nr_mpi="4", qsub_extra1="typed"), cluster())
    assert [one.check for one in typed.findings if one.severity is Severity.ERROR] == ["mpi-odd"]


def test_a_job_that_would_fail_is_refused_with_every_error_and_no_warning() -> None:
    broken = with_findings(
        finding(Severity.ERROR, "even ranks"),
        finding(Severity.WARNING, "little memory"),
        finding(Severity.ERROR, "no mask"),
    )
    with pytest.raises(
        InputError, match=r"Refine3D/job012/ would fail in refine3d \(2 x "
    ) as caught:
        broken.accepted()
    assert caught.value.problems == ("mpi-odd: even ranks", "mpi-odd: no mask")
    assert caught.value.next_command == "gotocloud check Refine3D/job012/"


def test_a_job_that_can_run_keeps_its_warnings_only() -> None:
    warning, note = finding(Severity.WARNING, "slow"), finding(Severity.NOTE, "fyi")
    assert with_findings(warning, note).accepted() == (warning,)


def test_a_queue_counts_as_chosen_only_where_the_job_is_submitted_to_one() -> None:
    assert chosen_in_form(job(queuename="class3d")).queue == "class3d"
    unsubmitted = chosen_in_form(job(queuename="class3d", do_queue="No", qsub_extra2="1"))
    assert (unsubmitted.queue, unsubmitted.nodes) == (None, 1)


def test_spot_machines_follow_the_cluster_or_the_form() -> None:
    assert place_job(job(), cluster("spot")).queue.name == "refine3d-spot"
    assert place_job(job(qsub_extra3="on-demand"), cluster("spot")).queue.name == "refine3d"
    assert place_job(job(qsub_extra3="spot"), cluster()).queue.name == "refine3d-spot"


def test_own_measurements_lead_the_route_and_their_problem_is_a_remark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    best = Setting("refine3d", "g5.12xlarge", 2, 9, 6, "measured here", "Own benchmark records")
    asked: list[Job] = []

    def measured(_: Cluster, of: Job) -> tuple[tuple[Setting, ...], str]:
        asked.append(of)
        return (best,), "one table is damaged"

    monkeypatch.setattr(Cluster, "measured", measured)
    found = place(job(), cluster(), chosen_in_form(job()))
    assert (found.queue.instance_type, found.route.ranks) == ("g5.12xlarge", 9)
    assert found.remarks == ("one table is damaged",)
    assert asked == [job()]


def test_a_configuration_of_another_release_is_a_remark() -> None:
    (remark,) = place_job(job(), cluster(configuration="of-another-release")).remarks
    assert remark.startswith("Queues are matched by their names only: ")


def test_a_route_to_a_queue_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "partition", lambda *_: None)
    with pytest.raises(GoToCloudError, match="The cluster has no queue 'refine3d'") as caught:
        place_job(job(), cluster())
    assert caught.value.next_command == "sinfo"


def test_a_job_goes_on_in_another_queue_with_what_was_typed_where_it_fits() -> None:
    typed = job(queuename="refine3d", qsub_extra1="typed", nr_mpi="5", nr_threads="2")
    found = in_queue(typed, cluster(), "class3d")
    assert (found.queue.name, found.route.ranks, found.route.threads) == ("class3d", 5, 2)


def test_it_goes_on_in_that_queue_whatever_the_form_states_of_spot() -> None:
    found = in_queue(job(qsub_extra3="spot"), cluster(), "class3d")
    assert found.queue.name == "class3d"


def test_what_does_not_fit_another_queue_is_chosen_again_but_for_the_module() -> None:
    # c6i.32xlarge has 128 vCPUs, and as many threads a rank fit no GPU machine.
    typed = job(qsub_extra1="typed", nr_threads="500", qsub_extra4="relion/4.0.1")
    with pytest.raises(InputError):
        place_job(typed, cluster())
    found = in_queue(typed, cluster(), "class3d")
    assert found.queue.name == "class3d"
    assert found.route.threads < 500
    assert found.route.module == "relion/4.0.1"


def test_a_refusal_is_the_first_finding_of_a_job_without_machines() -> None:
    refusal = InputError("No queue.", problems=["a", "b"], next_command="gotocloud form --show")
    first, *rest = unplaced_findings(job(nr_mpi="4"), None, refusal)
    assert (first.check, first.severity) == ("placement", Severity.ERROR)
    assert (first.text, first.remedy) == ("No queue. a b", "type: gotocloud form --show")
    assert first.source == "The queues of this cluster"
    assert tuple(rest) == unplaced_findings(job(nr_mpi="4"), None, None)
    silent = unplaced_findings(job(), None, GoToCloudError("No queue."))[0]
    assert silent.remedy == "Change the fields of the Running tab."


def test_the_script_of_another_template_is_checked_too() -> None:
    without = unplaced_findings(job(), None, None)
    assert unplaced_findings(job(), "srun --gpu-bind=closest x\n", None) != without


def test_the_configuration_of_the_cluster_maps_job_types_to_queues() -> None:
    tutorial = configured_partitions(load_configuration("tutorial"), used_instance_types())
    facts = ClusterFacts(configuration="tutorial", region="us-east-1")
    found = place_job(job(), Cluster(tutorial, facts))
    assert found.queue.name == "gpu"
    assert "no refine3d queue" not in found.route.reason


def test_the_rules_are_held_against_the_machines_of_the_queue() -> None:
    few = place_job(job(qsub_extra1="typed", nr_mpi="3", nr_threads="1"), cluster())
    assert few.findings == check_routed(few.job, few.route, few.queue)
    assert few.findings != check_routed(few.job, few.route, None)


def test_overrides_of_a_sweep_replace_the_form() -> None:
    found = place(job(queuename="refine3d"), cluster(), Overrides(queue="class3d"))
    assert found.queue.name == "class3d"
