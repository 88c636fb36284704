"""What is shown of each job: progress, time and cost, over all its attempts."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.costs.machine_time import total, uses_of
from gotocloud.jobs.relion_workload import RelionWorkload
from gotocloud.slurm.accounting import EndedJob
from gotocloud.slurm.job_rows import (
    JobRow,
    RowSources,
    accounted_row,
    ended_rows,
    queued_rows,
)
from gotocloud.slurm.queue_state import QueuedJob
from gotocloud.slurm.standstill import LOG_END_BYTES
from gotocloud.slurm.submissions import Attempt, AttemptState, Submission, save

NOW_S = 1_800_000_000.0
QUEUE = Partition("class2d", "g4dn.12xlarge", 8, 48, 192, 4, 16, False, True)
AROUND = RowSources(
    {"class2d": QUEUE}, lambda _type, spot: 1.0 if spot else 4.0, lambda _name: RelionWorkload()
)
UNPRICED = replace(AROUND, price=lambda _type, _spot: None)

LOG = (
    ' Expectation iteration 11 of 25\n000/??? sec ~~(,_,">  [oo]\r'
    '   9/  9 sec ............................................................~~(,_,">\n'
    " Maximization is done in 1 seconds\n"
    " CurrentResolution= 7.55556 Angstroms, which requires orientationSampling of at least\n"
    ' Expectation iteration 12 of 25\n000/??? sec ~~(,_,">  [oo]\r'
)


def attempt(number: int, **changes: object) -> Attempt:
    plain = Attempt(
        number=number,
        round=1,
        token=f"t{number}",
        queue="class2d-spot",
        layout=(5, 4),
        ranks=9,
        threads=6,
        vcpus=48,
        gpus_per_node=4,
        instance_type="g4dn.12xlarge",
        spot=True,
        price_usd_per_hour=1.5,
        state=AttemptState.ENDED,
        slurm_id=str(70 + number),
        submitted_at_s=NOW_S - 10_000 + number * 1_000,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def lost(number: int, hours: float, **changes: object) -> Attempt:
    began = NOW_S - 50_000
    ended = {"started_at_s": began, "ended_at_s": began + hours * 3600}
    return attempt(number, **{**ended, **changes})


def record(project: Path, *attempts: Attempt, name: str = "Class2D/job012") -> Path:
    folder = project / name
    folder.mkdir(parents=True)
    save(
        folder,
        Submission(
            workload="relion",
            job=f"{name}/",
            label="relion.class2d",
            stamp="s",
            attempts=tuple(attempts),
        ),
    )
    return folder


def queued(project: Path, **changes: object) -> QueuedJob:
    plain = QueuedJob(
        slurm_id="72",
        state="RUNNING",
        partition="class2d",
        reason="",
        nodes=2,
        elapsed_s=1800,
        user="ubuntu",
        node_list="class2d-dy-g4dn-12xlarge-[1-2]",
        submitted="2026-11-22T10:00:00",
        token="t2",
        name="Class2D/job012",
        directory=str(project),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def only(rows: tuple[JobRow, ...]) -> JobRow:
    (row,) = rows
    return row


def test_a_running_job_shows_relions_name_iteration_and_resolution(tmp_path: Path) -> None:
    folder = record(tmp_path, attempt(2, state=AttemptState.SUBMITTED, started_at_s=NOW_S - 1800))
    (folder / "run.out").write_text(LOG)
    row = only(queued_rows([queued(tmp_path)], AROUND))
    assert row.name == "Class2D/job012/"
    assert row.progress == "12 of 25"
    assert row.resolution_angstrom == pytest.approx(7.55556)
    assert (row.state, row.why) == ("running", "")


def test_attempts_of_a_recovered_job_add_up_in_time_and_cost(tmp_path: Path) -> None:
    record(
        tmp_path, lost(1, 2.0), attempt(2, state=AttemptState.SUBMITTED, started_at_s=NOW_S - 1800)
    )
    row = only(queued_rows([queued(tmp_path)], AROUND))
    assert row.attempts == 2
    assert row.elapsed_s == 2 * 3600 + 1800
    # Two hours and half an hour of two machines at 1.50 USD each.
    assert row.cost.usd == pytest.approx(2 * 2.0 * 1.5 + 2 * 0.5 * 1.5)
    assert str(row.cost) == "7.50 USD"


def test_a_recovered_job_that_waits_keeps_what_it_has_cost(tmp_path: Path) -> None:
    record(tmp_path, lost(1, 2.0), attempt(2, state=AttemptState.SUBMITTED))
    waiting = queued(tmp_path, state="PENDING", reason="Resources", elapsed_s=0)
    row = only(queued_rows([waiting], AROUND))
    assert str(row.cost) == "6.00 USD"
    assert row.why == "waits until machines of its queue are free"


def test_a_lost_attempt_ended_at_the_latest_when_the_next_was_submitted(tmp_path: Path) -> None:
    first = attempt(1, started_at_s=NOW_S - 8_600)
    record(tmp_path, first, attempt(2, state=AttemptState.SUBMITTED, submitted_at_s=NOW_S - 5_000))
    waiting = queued(tmp_path, state="PENDING", elapsed_s=0)
    assert only(queued_rows([waiting], AROUND)).elapsed_s == 3600


def test_a_job_that_runs_again_after_slurm_put_it_back_costs_both_runs(tmp_path: Path) -> None:
    # Slurm keeps id and comment: both attempts are job 72, whose comment is the first token.
    # The script writes whole seconds, so a start can seem to be before the submission.
    began = NOW_S - 9_000
    first = attempt(1, slurm_id="72", submitted_at_s=began + 0.7, started_at_s=began)
    second = attempt(
        2,
        slurm_id="72",
        state=AttemptState.SUBMITTED,
        submitted_at_s=first.submitted_at_s,
        started_at_s=NOW_S - 1_800,
    )
    record(tmp_path, first, second)
    row = only(queued_rows([queued(tmp_path, token="t1")], AROUND))
    assert (row.attempts, row.elapsed_s) == (2, 9_000)
    assert str(row.cost) == f"{2 * 1.5 * 9_000 / 3600:.2f} USD"


@pytest.mark.parametrize(("state", "elapsed_s"), [("PENDING", 0), ("CONFIGURING", 30)])
def test_what_a_job_cost_before_it_was_put_back_is_not_known_and_not_nothing(
    tmp_path: Path, state: str, elapsed_s: int
) -> None:
    began = time.time() - 9_000
    record(tmp_path, attempt(1, slurm_id="72", state=AttemptState.SUBMITTED, started_at_s=began))
    waiting = queued(tmp_path, token="t1", state=state, elapsed_s=elapsed_s)
    row = only(queued_rows([waiting], AROUND))
    assert row.cost.complete is False
    assert row.cost.usd == (pytest.approx(2 * 1.5 * 30 / 3600) if elapsed_s else None)


def test_an_unknown_price_is_unknown_and_never_nothing(tmp_path: Path) -> None:
    record(tmp_path, attempt(2, price_usd_per_hour=None, state=AttemptState.SUBMITTED))
    row = only(queued_rows([queued(tmp_path)], UNPRICED))
    assert row.cost.usd is None
    assert str(row.cost) == "unknown"


def test_a_partly_known_cost_is_at_least_that(tmp_path: Path) -> None:
    unpriced = attempt(2, price_usd_per_hour=None, state=AttemptState.SUBMITTED)
    record(tmp_path, lost(1, 2.0), unpriced)
    row = only(queued_rows([queued(tmp_path)], UNPRICED))
    assert str(row.cost) == "at least 6.00 USD"
    assert row.as_dict()["cost_complete"] is False


def test_a_job_without_a_record_is_priced_by_its_queue(tmp_path: Path) -> None:
    row = only(queued_rows([queued(tmp_path)], AROUND))
    assert str(row.cost) == "4.00 USD"


def test_a_job_that_is_not_relions_keeps_its_name_and_its_folder_is_not_read(
    tmp_path: Path,
) -> None:
    folder = record(tmp_path, lost(1, 9.0))
    (folder / "run.out").write_text(LOG)
    row = only(queued_rows([queued(tmp_path, token="")], AROUND))
    assert (row.name, row.progress, str(row.cost)) == ("Class2D/job012", "", "4.00 USD")


def test_a_broken_record_hides_nothing_else(tmp_path: Path) -> None:
    folder = record(tmp_path, lost(1, 2.0))
    (folder / "gotocloud_submission.json").write_text("{")
    assert only(queued_rows([queued(tmp_path)], AROUND)).state == "running"


def test_running_jobs_come_first_and_are_looked_up_first(tmp_path: Path) -> None:
    jobs = [queued(tmp_path, state="PENDING", slurm_id=str(n)) for n in range(5)]
    rows = queued_rows([*jobs, queued(tmp_path)], AROUND, limit=2)
    assert [row.slurm_id for row in rows] == ["72", "0", "1", "2", "3", "4"]
    assert [row.looked_up for row in rows] == [True, True, False, False, False, False]


def test_only_the_end_of_a_log_is_read(tmp_path: Path) -> None:
    folder = record(tmp_path, attempt(2, state=AttemptState.SUBMITTED))
    early = " Expectation iteration 1 of 25\n".ljust(2 * LOG_END_BYTES, "\n")
    (folder / "run.out").write_text(early)
    assert only(queued_rows([queued(tmp_path)], AROUND)).progress == ""
    with (folder / "run.out").open("a") as file:
        file.write(LOG)
    assert only(queued_rows([queued(tmp_path)], AROUND)).progress == "12 of 25"


def test_ended_jobs_of_the_project_are_listed_latest_first(tmp_path: Path) -> None:
    for number, ending in enumerate(("SUCCESS", "FAILURE", "ABORTED")):
        folder = record(tmp_path, lost(1, 1.0), name=f"Class2D/job{number:03d}")
        (folder / f"RELION_JOB_EXIT_{ending}").touch()
        os.utime(folder / "gotocloud_submission.json", (number, number))
    record(tmp_path, attempt(1), name="Refine3D/job009")
    rows = ended_rows(tmp_path, AROUND, without=["Refine3D/job009/"])
    assert [(row.name, row.state) for row in rows] == [
        ("Class2D/job002/", "aborted"),
        ("Class2D/job001/", "failed"),
        ("Class2D/job000/", "done"),
    ]
    assert [str(row.cost) for row in rows] == ["3.00 USD"] * 3


def failed(project: Path, error_log: str) -> JobRow:
    """The row of a failed job with an error log."""
    folder = record(project, lost(1, 1.0, detail="its command ended with status 1"))
    (folder / "RELION_JOB_EXIT_FAILURE").touch()
    (folder / "run.err").write_text(error_log)
    return only(ended_rows(project, AROUND, without=()))


def test_a_failed_job_shows_its_cause_and_not_what_was_noted_of_it(tmp_path: Path) -> None:
    row = failed(
        tmp_path,
        "terminate called after throwing an instance of 'std::bad_alloc'\n"
        " GoToCloud: This job failed: its command ended with status 1. Its log ends with: too "
        "little memory on a machine: what(): std::bad_alloc\n",
    )
    assert row.state == "failed"
    assert row.why == (
        "too little memory on a machine: terminate called after throwing an instance of "
        "'std::bad_alloc'"
    )


def test_a_failed_job_with_an_empty_log_shows_how_its_attempt_ended(tmp_path: Path) -> None:
    assert failed(tmp_path, "").why == "its command ended with status 1"


def test_an_alias_is_no_second_job(tmp_path: Path) -> None:
    folder = record(tmp_path, lost(1, 1.0))
    (tmp_path / "Class2D" / "job_good").symlink_to(folder)
    assert len(ended_rows(tmp_path, AROUND, without=[])) == 1


def test_a_job_of_which_only_the_accounts_have_is_priced_by_its_queue() -> None:
    job = EndedJob("7", "COMPLETED", "class2d", 2, 1800, "ubuntu", "0:0", "x", "/fsx")
    assert str(accounted_row(job, AROUND).cost) == "4.00 USD"
    assert str(accounted_row(replace(job, partition="gone"), AROUND).cost) == "unknown"


@given(
    hours=st.lists(st.floats(0, 100), max_size=5),
    prices=st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=5, max_size=5),
)
def test_the_known_cost_is_never_more_than_the_whole(
    hours: list[float], prices: list[float | None]
) -> None:
    attempts = [
        lost(n + 1, h, price_usd_per_hour=prices[n], instance_type="") for n, h in enumerate(hours)
    ]
    spent = total(uses_of(attempts, UNPRICED.price))
    assert spent.seconds == pytest.approx(sum(hours) * 3600, abs=1e-3)
    assert spent.cost.complete == (None not in prices[: len(hours)])
    known = sum(2 * h * (p or 0) for h, p in zip(hours, prices, strict=False))
    assert (spent.cost.usd or 0) == pytest.approx(known, abs=1e-3)


def test_a_copied_job_costs_nothing_a_second_time(tmp_path: Path) -> None:
    folder = record(tmp_path, lost(1, 1.0))
    shutil.copytree(folder, tmp_path / "Class2D" / "job099")
    shutil.copytree(folder, tmp_path / "Class2D" / "job012 (copy)")
    rows = {row.name: row for row in ended_rows(tmp_path, AROUND, without=[])}
    assert str(rows["Class2D/job012/"].cost) == "3.00 USD"
    for name in ("Class2D/job099/", "Class2D/job012 (copy)/"):
        assert rows[name].state == "copy of Class2D/job012/"
        assert (rows[name].cost.usd or 0.0, rows[name].attempts) == (0.0, 0)
