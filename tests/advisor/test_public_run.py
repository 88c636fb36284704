"""The public run of RELION's tutorial: every job of it that had a node."""

from __future__ import annotations

import pytest

from gotocloud.advisor.places import public_records
from gotocloud.advisor.records import BenchmarkRecord

STATED = {
    "job002": (10.089, 0.105),
    "job029": (5.362, 0.024),
    "job052": (7.925, 2.223),
    "job022": (0.475, 0.475),
    "job025": (0.312, 0.311),
    "job035": (0.444, 0.350),
    "job044": (0.155, 0.150),
    "job058": (0.888, 0.224),
}
"""US dollars from submission to exit, and in the job, as the source prints them."""

WHOLE_RUN_USD = (30.905, 6.981)
"""From submission to exit and in the job, as the source sums up its 58 jobs; those without a node
cost nothing."""


def usd_submit_to_exit(row: BenchmarkRecord) -> float:
    """US dollars, had every node been paid for from submission to the end."""
    assert row.submit_to_exit_s is not None
    return row.submit_to_exit_s / 3600 * row.nodes * (row.usd_per_node_hour or 0)


def of_job(name: str) -> BenchmarkRecord:
    """The row of one of RELION's jobs."""
    (row,) = [one for one in public_records() if (one.note or "").startswith(name)]
    return row


@pytest.mark.parametrize("job", STATED)
def test_the_cost_of_each_row_comes_out_as_it_was_published(job: str) -> None:
    row = of_job(job)
    assert (usd_submit_to_exit(row), row.usd_in_job) == pytest.approx(STATED[job], abs=6e-4)


def test_the_rows_sum_up_to_the_published_cost_of_the_whole_run() -> None:
    rows = public_records()
    assert len({one.note for one in rows}) == len(rows) == 30
    wall = sum(usd_submit_to_exit(row) for row in rows)
    in_job = sum(row.usd_in_job or 0 for row in rows)
    assert (wall, in_job) == pytest.approx(WHOLE_RUN_USD, abs=6e-4)


def test_what_the_source_leaves_unknown_stays_unknown() -> None:
    assert {(row.particles, row.box_px, row.movies) for row in public_records()} == {(None,) * 3}


def test_waiting_cost_more_than_working() -> None:
    """Submission to exit is not the job: 70 minutes of which 44 seconds were work."""
    row = of_job("job002")
    assert row.submit_to_exit_s
    assert row.submit_to_exit_s / row.in_job_s > 90
