"""The public run of RELION's tutorial, from the rows that are known one by one."""

from __future__ import annotations

import pytest

from gotocloud.advisor.places import public_records
from gotocloud.advisor.records import BenchmarkRecord

STATED = {
    "motioncorr": (10.089, 0.105),
    "extract": (5.362, 0.024),
    "class3d-noalign": (7.925, 2.223),
    "initialmodel": (0.475, 0.475),
    "class3d": (0.312, 0.311),
    "refine3d": (0.444, 0.350),
    "polish": (0.155, 0.150),
    "localres": (0.888, 0.224),
}
"""US dollars from submission to exit, and in the job, as the source prints them."""

WHOLE_RUN_H, WHOLE_RUN_USD = (6.359, 3.373), (30.905, 6.981)
"""All 58 jobs; only these eight rows are known with their times."""


def usd_submit_to_exit(row: BenchmarkRecord) -> float:
    """US dollars, had every node been paid for from submission to the end."""
    assert row.submit_to_exit_s is not None
    return row.submit_to_exit_s / 3600 * row.nodes * (row.usd_per_node_hour or 0)


@pytest.mark.parametrize("job", STATED)
def test_the_cost_of_each_row_comes_out_as_it_was_published(job: str) -> None:
    (row,) = [one for one in public_records() if one.job_type == job]
    assert (usd_submit_to_exit(row), row.usd_in_job) == pytest.approx(STATED[job], abs=6e-4)


def test_the_rows_explain_most_of_the_cost_of_the_whole_run_and_never_more() -> None:
    rows = public_records()
    assert len(rows) == len(STATED)
    wall = sum(usd_submit_to_exit(row) for row in rows)
    in_job = sum(row.usd_in_job or 0 for row in rows)
    assert (wall, in_job) == pytest.approx((25.650, 3.862), abs=2e-3)
    assert 0.8 * WHOLE_RUN_USD[0] < wall < WHOLE_RUN_USD[0]
    assert in_job < WHOLE_RUN_USD[1]
    assert sum(row.submit_to_exit_s or 0 for row in rows) / 3600 < WHOLE_RUN_H[0]
    assert sum(row.hours for row in rows) < WHOLE_RUN_H[1]


def test_waiting_cost_more_than_working() -> None:
    """Submission to exit is not the job: 70 minutes of which 44 seconds were work."""
    (row,) = [one for one in public_records() if one.job_type == "motioncorr"]
    assert row.submit_to_exit_s
    assert row.submit_to_exit_s / row.in_job_s > 90
