"""The advice: from measurements, else the paper's, else none."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.advisor.advice import FROM_PAPER, MEASURED, NOTHING, Question, advise
from gotocloud.advisor.evidence import evidence, resolution_points
from gotocloud.advisor.job_names import job_name, job_names, pretty, queue_of
from gotocloud.advisor.measured_settings import measured_settings, settings_for_routing
from gotocloud.advisor.money import node_price
from gotocloud.advisor.paper import PAPER_OPTIMA, paper_optima
from gotocloud.advisor.preference import preference
from gotocloud.advisor.progress import STREPTAVIDIN
from gotocloud.advisor.records import records_text
from gotocloud.advisor.sizes import Size
from gotocloud.advisor.workflow import advise_project, single_particle_workflow
from gotocloud.cluster_configs.model import JOB_TYPES
from tests.advisor.imports.relion_project import JOBS
from tests.advisor.measured import on_nodes, record

PAPER = {
    "refine3d": "16@2x g4dn(8,96)",
    "class3d": "30@8x g5(4,48)",
    "class2d": "30@8x g4dn(4,48)",
    "class2d-vdam": "4@1x g5(4,48)",
    "polish": "256@4x c6i(0,128)",
}
MACHINES = [
    on_nodes(1, 7200),
    on_nodes(2, 3900),
    on_nodes(4, 3000),
    record(instance_type="g5.12xlarge", gpus=8, ranks=9, in_job_s=4000),
]


@pytest.mark.parametrize("job", PAPER)
def test_without_measurements_the_papers_optimum_comes_with_its_citation(job: str) -> None:
    advice = advise(Question(job), [])
    assert advice.basis == FROM_PAPER
    best = advice.as_dict()["paper"][0]
    assert best["label"] == PAPER[job]
    assert "Communications Biology 2024, doi 10.1038/s42003-024-07031-6" in best["source"]
    assert advice.as_dict()["recommended"] is None, "the paper's timings are not public"


def test_the_papers_second_place_is_there() -> None:
    labels = [one["label"] for one in advise(Question("refine3d"), []).as_dict()["paper"]]
    assert labels == ["16@2x g4dn(8,96)", "8@2x g5(4,48)"]


def test_the_papers_settings_are_those_of_the_cluster_configuration() -> None:
    from gotocloud.cluster_configs.model import load_configuration

    for optimum in PAPER_OPTIMA:
        [queue] = load_configuration("cryoem-spa").queues_for(optimum.job)
        shapes = [(choice.instance_type, choice.max_nodes) for choice in queue.choices]
        assert shapes[optimum.place - 1] == (optimum.instance_type, optimum.nodes)
        assert optimum.shape.ranks, "routing has a setting for it"


@pytest.mark.parametrize("job", ["motioncorr", "initialmodel", "ctfrefine"])
def test_what_was_never_measured_gets_no_figure(job: str) -> None:
    advice = advise(Question(job), [])
    assert (advice.basis, advice.best, paper_optima(job)) == (NOTHING, None, ())


def test_measurements_come_before_the_paper() -> None:
    advice = advise(Question("refine3d"), MACHINES)
    assert advice.basis == MEASURED
    assert advice.best
    # 2 x 5.672 USD/h x 1.11 h = 12.60 USD lies nearer to the origin than 16.95 for 1.08 h.
    assert advice.best.label == "8@2x g5(4,48)"
    assert advice.best.usd == pytest.approx(2 * 5.672 * 4000 / 3600)
    assert advice.runner_up
    assert advice.runner_up.label == "16@2x g4dn(8,96)"
    assert advice.paper, "the paper's setting is shown beside"


@pytest.mark.parametrize(
    ("choice", "label"),
    [
        (preference(priority="speed"), "32@4x g4dn(8,96)"),
        (preference(priority="cost"), "8@2x g5(4,48)"),
        (preference(priority="cost", deadline_h=1.17), "16@2x g4dn(8,96)"),
        (preference(priority="speed", budget_usd=16), "8@2x g5(4,48)"),
    ],
)
def test_options_change_the_advice(choice: object, label: str) -> None:
    advice = advise(Question("refine3d", preference=choice), MACHINES)  # type: ignore[arg-type]
    assert advice.best
    assert advice.best.label == label


def test_a_request_that_nothing_meets_states_what_comes_nearest() -> None:
    choice = preference(deadline_h=0.1, budget_usd=1)
    advice = advise(Question("refine3d", preference=choice), MACHINES)
    assert advice.best is None
    assert "the fastest takes 55 min" in advice.refusals[0]
    assert "the cheapest costs 13.75 USD" in advice.refusals[1]
    assert advice.front


def test_an_unknown_price_is_never_zero() -> None:
    strange = record(instance_type="x99.huge", nodes=1, gpus=8, ranks=9, in_job_s=100)
    advice = advise(Question("refine3d"), [*MACHINES, strange])
    assert advice.best
    assert advice.best.shape.instance_type == "g5.12xlarge"
    assert any("x99.huge" in note for note in advice.notes)
    fastest = advise(Question("refine3d", preference=preference(priority="speed")), [strange]).best
    assert fastest
    assert fastest.usd is None


def test_the_newest_price_wins_from_any_source() -> None:
    own = record(instance_type="x99.huge", usd_per_node_hour=9.5)
    price = node_price("x99.huge", "us-east-1", "on-demand", [own])
    assert price
    assert (price.usd_per_hour, price.source) == (9.5, "a test")
    assert node_price("x99.huge", "us-east-1", "spot", [own]) is None
    assert node_price("x99.huge", "eu-west-1", "on-demand", [own]) is None
    listed = node_price("g4dn.metal", "us-east-1", "on-demand")
    assert listed
    for date, usd in (("2099-01", 10.0), ("2001-01", listed.usd_per_hour)):
        dear = record(usd_per_node_hour=10.0, date=date)
        found = node_price("g4dn.metal", "us-east-1", "on-demand", [dear])
        assert found
        assert found.usd_per_hour == usd


def test_spot_has_its_own_prices() -> None:
    advice = advise(Question("refine3d", spot=True), MACHINES)
    per_hour = {c.shape.instance_type: c.usd_per_hour for c in advice.choices if c.shape.nodes == 2}
    assert per_hour == pytest.approx({"g4dn.metal": 2 * 3.7292, "g5.12xlarge": 2 * 2.7804})
    assert advice.best
    assert advice.best.shape.nodes == 4, "cheap machines favour more of them"


def test_a_size_out_of_reach_falls_back_to_the_paper_and_explains_why() -> None:
    advice = advise(Question("refine3d", Size(particles=5_000_000)), MACHINES)
    assert advice.basis == FROM_PAPER
    assert "particles 5,000,000" in advice.refusals[0]


def test_variants_are_kept_apart_and_named() -> None:
    advice = advise(Question("refine3d"), [record(variant="local")])
    assert advice.basis == FROM_PAPER
    assert "have other variants: 'local'" in advice.refusals[0]
    assert advise(Question("refine3d", variant="local"), [record(variant="local")]).best


def test_failed_runs_are_counted_with_their_cost() -> None:
    lost = record(outcome="failed", usd_per_node_hour=7.5)
    (note,) = [
        n for n in advise(Question("refine3d"), [*MACHINES, lost]).notes if "are left out" in n
    ]
    assert "they cost 15.00 USD" in note


def test_a_deadline_within_the_interval_is_doubted() -> None:
    runs = [record(in_job_s=s) for s in (3300, 3600, 3900)]
    advice = advise(Question("refine3d", preference=preference(deadline_h=1.12)), runs)
    assert advice.best
    assert any("may miss the deadline" in note for note in advice.notes)


def test_the_points_to_draw_carry_both_markets_and_their_optima() -> None:
    found = evidence("refine3d", MACHINES, region="us-east-1")
    assert [(p.label, p.spot) for p in found.points if p.optimum] == [
        ("8@2x g5(4,48)", False),
        ("32@4x g4dn(8,96)", True),
    ]
    assert [p.short_label for p in found.points if not p.measured] == ["24@3x"] * 2
    front = {p.short_label for p in found.points if p.on_front and not p.spot}
    assert front == {"32@4x", "24@3x", "16@2x", "8@2x"}
    assert resolution_points(STREPTAVIDIN)[-1].usd == 4885


def test_routing_gets_what_ran_best_machine_by_machine() -> None:
    settings = measured_settings(MACHINES, Question("refine3d"))
    assert [(s.kind, s.instance_type, s.nodes, s.ranks, s.threads) for s in settings] == [
        ("refine3d", "g5.12xlarge", 2, 9, 6),
        ("refine3d", "g4dn.metal", 2, 17, 6),
    ]
    assert "of 4 settings that you measured on a data set, 100,000 particles" in settings[0].because
    assert "1 h 7 min in 1 run" in settings[0].because
    assert "0.98 times as long and costs 1.35 times as much" in settings[0].because
    assert "how surely is not known" in settings[0].because
    assert "Own benchmark records of Refine3D: a test, 2026-11" in settings[0].source


def test_a_setting_that_never_ran_is_named_and_not_recommended() -> None:
    advice = advise(Question("refine3d"), [on_nodes(n, 600 + 20_000 / n) for n in (1, 8, 8)])
    assert advice.best
    assert advice.best.runs
    assert min(advice.choices, key=lambda one: one.paid_usd or 0).shape.nodes == 1
    (note,) = [one for one in advice.notes if "never ran" in one]
    assert "5 x g4dn.metal may be better (" in note
    within = Question("refine3d", preference=preference(deadline_h=1.5, budget_usd=60))
    only = advise(within, [on_nodes(n, 600 + 20_000 / n) for n in (1, 8, 8)]).best
    assert only
    assert not only.runs, "nothing that ran meets the limit"


def test_routing_gets_nothing_that_did_not_run_or_whose_shape_is_unknown() -> None:
    runs = [on_nodes(n, 600 + 20_000 / n) for n in (1, 8, 8)]
    assert [setting.nodes for setting in measured_settings(runs, Question("refine3d"))] == [8]
    unknown = [record(nodes=n, ranks=None, threads=None) for n in (2, 3)]
    assert measured_settings(unknown, Question("refine3d")) == ()


def test_broken_records_never_stop_routing() -> None:
    settings, why = settings_for_routing(Path("/nowhere/records.csv"), Question("refine3d"))
    assert settings == ()
    assert "not used: There is no file" in why


def test_measurements_without_a_price_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(records_text(MACHINES))
    assert len(settings_for_routing(path, Question("refine3d"))[0]) == 2
    settings, why = settings_for_routing(path, Question("refine3d", region="sa-east-1"))
    assert settings == ()
    assert "Refine3D are not used: no on-demand price" in why


def test_a_routed_job_states_that_it_follows_ones_own_measurements() -> None:
    from gotocloud.cluster_configs.model import load_configuration
    from gotocloud.cluster_configs.partitions import configured_partitions
    from gotocloud.relion.job import read_job
    from tests.relion.routed import route

    job = read_job(JOBS / "Refine3D" / "job012")
    queues = configured_partitions(load_configuration("cryoem-spa"), {"g4dn.metal", "m5.xlarge"})
    published = route(job, queues)
    assert (published.nodes, published.ranks) == (2, 17)
    own = [on_nodes(1, 3000, threads=5), on_nodes(2, 2900, threads=5)]
    routed = route(job, queues, settings=measured_settings(own, Question("refine3d")))
    assert (routed.nodes, routed.ranks, routed.threads) == (1, 9, 5)
    assert "the best of 2 settings that you measured on a data set" in routed.reason
    assert routed.source.startswith("Own benchmark records of Refine3D")


def test_a_project_sums_what_is_known_and_names_what_is_not() -> None:
    steps = single_particle_workflow(polish_cycles=2)
    assert [(s.job, s.times) for s in steps if s.times > 1] == [
        ("refine3d", 3),
        ("ctfrefine", 2),
        ("polish", 2),
    ]
    advice = advise_project(Question("", Size(particles=100_000, movies=9)), MACHINES, steps)
    hours, unknown = advice.hours
    assert hours == pytest.approx(3 * 4000 / 3600)
    assert "MotionCorr" in unknown
    assert "Refine3D" not in unknown
    assert advice.hours_interval is None
    assert advice.usd[0] == pytest.approx(3 * 2 * 5.672 * 4000 / 3600)


def test_every_job_has_a_queue_and_a_name() -> None:
    assert {queue_of(name) for name in job_names()} <= set(JOB_TYPES)
    assert queue_of("autopick", on_gpu=True) == "prep-gpu"
    assert (job_name("Class2D"), job_name("relion.refine3d"), job_name("VDAM")) == (
        "class2d",
        "refine3d",
        "class2d-vdam",
    )
    assert pretty("refine3d") == "Refine3D"
