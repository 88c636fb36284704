"""The public run under three policies: from the published figures to what is paid now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gotocloud.advisor.places import public_records
from gotocloud.advisor.policies import as_it_was, by_size, particle_parts, policies, public_run
from gotocloud.advisor.queue_times import queue_times
from gotocloud.advisor.replay import replay
from gotocloud.cli.views.queues import replay_row
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.relion.sizing import LEAST_WORK_S
from tests.advisor.test_public_run import WHOLE_RUN_USD

PAGE = Path(__file__).parents[2] / "docs" / "advice.md"
BEGIN, END = "<!-- replay: see tests/advisor/test_policies.py -->\n", "<!-- end of replay -->\n"
REFRESH = "GOTOCLOUD_REFRESH_GOLDEN=1 pytest tests/advisor/test_policies.py"


def test_the_run_has_all_58_jobs_and_those_with_machines_are_the_public_records() -> None:
    run = public_run()
    assert [one.job for one in run] == [f"job{number:03d}" for number in range(1, 59)]
    theirs = {
        (one.note or "").split()[0]: one for one in public_records() if "58 jobs" in one.source
    }
    mine = {one.job: one for one in run if one.nodes}
    assert mine.keys() == theirs.keys()
    for name, job in mine.items():
        row = theirs[name]
        assert (job.kind, job.instance_type, job.nodes, job.in_job_s, job.gpus) == (
            row.job_type,
            row.instance_type,
            row.nodes,
            row.in_job_s,
            row.gpus,
        )
        assert (job.submission_to_exit_s, job.usd_per_node_hour) == (
            row.submit_to_exit_s,
            row.usd_per_node_hour,
        )


def test_the_run_as_it_was_costs_what_its_source_states() -> None:
    found = as_it_was(public_run()).replayed
    assert (found.paid_usd, found.in_job_usd) == pytest.approx(WHOLE_RUN_USD, abs=6e-4)
    assert found.ratio == pytest.approx(4.43, abs=0.005)


def test_todays_queues_pay_less_and_the_new_ones_at_most_one_and_a_half_times_the_jobs() -> None:
    was, todays, chosen, by_queue, shared = (one.replayed for one in policies(public_run()))
    assert was.paid_usd > todays.paid_usd > chosen.paid_usd > by_queue.paid_usd
    assert by_queue.ratio <= 1.5
    assert shared.ratio <= 1.5
    assert by_queue.paid_usd / was.in_job_usd <= 1.5
    assert by_queue.hours < was.hours


def test_the_new_queues_do_all_the_jobs_and_no_machine_has_a_job_that_is_too_small() -> None:
    run, jobs = public_run(), by_size(public_run())
    assert [one.name for one in jobs] == [one.job for one in run]
    for before, after in zip(run, jobs, strict=True):
        if after.queue in ("prep-cpu", "polish"):
            assert before.units * before.in_job_s / 16 >= LEAST_WORK_S
        assert after.in_job_s >= before.in_job_s, "no time is made up"


def test_the_ratio_does_not_hang_on_the_start_of_machines_being_short() -> None:
    jobs = by_size(public_run())
    idle_s = dict.fromkeys({one.queue for one in jobs if one.queue}, 60.0)
    assert replay(jobs, idle_s, boot_s=365.0).ratio < 1.5


def test_the_particle_part_of_the_tutorial_costs_at_most_one_dollar() -> None:
    part, with_model = (one.replayed for one in particle_parts(public_run()))
    assert part.paid_usd <= 1
    assert with_model.paid_usd > 1, "the docs state this"


@pytest.mark.parametrize("name", configuration_names())
def test_a_shipped_configuration_has_the_idle_time_for_which_least_is_paid(name: str) -> None:
    configuration = load_configuration(name)
    queues, shared = queue_times(configuration, (), "us-east-1")
    assert configuration.scaledown_idle_minutes == shared
    assert {one.name for one in queues} == {one.name for one in configuration.queues}


def test_the_table_of_the_page_is_what_the_command_prints() -> None:
    rows = [*policies(public_run()), *particle_parts(public_run())]
    head = ("queues, or steps", "time", "in jobs, USD", "paid, USD", "paid / in jobs")
    lines = [head, ("---",) * len(head), *map(replay_row, rows)]
    made = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("GOTOCLOUD_REFRESH_GOLDEN"):
        PAGE.write_text(before + BEGIN + made + END + after, "utf-8")
    assert shown == made, REFRESH
