"""How long a job ran: each trap in a job's clocks, sprung by a log that has it."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gotocloud.advisor.estimates import estimate_times
from gotocloud.advisor.imports.job import StatedFacts
from gotocloud.advisor.imports.project import Imported, import_project
from gotocloud.advisor.imports.sacct import parse_sacct
from gotocloud.advisor.records import BenchmarkRecord, records_text
from gotocloud.advisor.sizes import Size
from gotocloud.advisor.tables import parse_records
from gotocloud.jobs.measuring import gather
from gotocloud.relion.gpu_map import gpus_used
from gotocloud.slurm.submissions import Submission, save
from tests.advisor.imports.relion_project import (
    EXITED,
    NAME,
    NOTE,
    SUBMITTED,
    attempt,
    bar,
    log,
    refinement,
)

KNOWN = StatedFacts("g4dn.12xlarge", 2, "us-east-1", "made up", "a test")
ELAPSED = "Elapsed (Unix time): {}\n"


def imported(project: Path, **changes: object) -> Imported:
    return import_project(project, KNOWN, **changes)  # type: ignore[arg-type]


def only(found: Imported) -> BenchmarkRecord:
    assert found.skipped == ()
    (record,) = found.records
    return record


def test_a_record_has_everything_of_the_project(tmp_path: Path) -> None:
    refinement(tmp_path, log(body=ELAPSED.format(3600)))
    record = only(imported(tmp_path))
    shape = (record.nodes, record.ranks, record.threads, record.gpus, record.gpus_per_node)
    assert shape == (2, 9, 6, 8, 4)
    assert (record.job_type, record.particles, record.box_px) == ("refine3d", 5000, 256)
    assert (record.relion_version, record.date, record.note) == ("5.0.1", "2026-11-05", NAME)
    assert parse_records(records_text([record]), "") == (record,)


def test_submission_to_exit_is_not_the_job(tmp_path: Path) -> None:
    """An hour and a half passed; twenty minutes of it were work."""
    refinement(tmp_path, log(body=ELAPSED.format(1200)))
    record = only(imported(tmp_path))
    assert (record.in_job_s, record.submit_to_exit_s, record.timing) == (1200, 5400, "log")


def test_the_change_time_of_the_note_is_not_the_start(tmp_path: Path) -> None:
    folder = refinement(tmp_path, log(body=ELAPSED.format(1200)))
    later = datetime(2026, 11, 5, 11, 29).timestamp()
    os.utime(folder / "note.txt", (later, later))
    assert only(imported(tmp_path)).submit_to_exit_s == 5400


def test_a_continued_job_is_two_attempts_and_no_benchmark(tmp_path: Path) -> None:
    """The note has a second entry, a day later; nobody worked that night."""
    note = NOTE.format(SUBMITTED) + NOTE.format("Fri Nov  6 09:00:00 2026")
    body = ELAPSED.format(1200) + ELAPSED.format(900)
    refinement(tmp_path, log(body=body), note=note, exited=datetime(2026, 11, 6, 9, 30))
    record = only(imported(tmp_path))
    assert (record.in_job_s, record.attempts, record.submit_to_exit_s) == (2100, 2, None)
    assert not record.is_benchmark
    assert estimate_times([record], Size()).found == ()


def test_a_continued_job_of_which_one_start_is_known_is_no_benchmark(tmp_path: Path) -> None:
    folder = refinement(tmp_path, log(body=ELAPSED.format(1200)))
    form = folder / "job.star"
    form.write_text(re.sub(r"(_rlnJobIsContinue\s+)0", r"\g<1>1", form.read_text()))
    (record,) = import_project(tmp_path, KNOWN).records
    assert not record.is_benchmark


def test_a_project_that_was_copied_a_year_later_has_no_time_until_its_exit(tmp_path: Path) -> None:
    body = log(body=ELAPSED.format(1200))
    refinement(tmp_path, body, exited=EXITED + timedelta(days=365))
    (record,) = import_project(tmp_path, KNOWN).records
    assert record.submit_to_exit_s is None


def test_all_elapsed_lines_of_a_log_count_and_not_only_the_first(tmp_path: Path) -> None:
    """A job of two commands: the template wrote a line after each."""
    refinement(tmp_path, log(body=ELAPSED.format(40) + bar(10) + ELAPSED.format(1160)))
    record = only(imported(tmp_path))
    assert (record.in_job_s, record.attempts) == (1200, 1)


def test_without_a_clock_the_progress_bars_give_a_lower_bound_that_states_it(
    tmp_path: Path,
) -> None:
    refinement(tmp_path, log(body=bar(300) + bar(420)))
    record = only(imported(tmp_path))
    assert (record.in_job_s, record.timing) == (720, "progress-bars")
    assert estimate_times([record], Size()).found[0].at_least


@pytest.mark.parametrize("exited", [datetime(2026, 11, 5, 10, 10), datetime(2026, 11, 4, 8)])
def test_an_exit_file_that_was_copied_or_comes_from_another_zone_is_not_believed(
    tmp_path: Path, exited: datetime
) -> None:
    refinement(tmp_path, log(body=ELAPSED.format(1200)), exited=exited)
    assert only(imported(tmp_path)).submit_to_exit_s is None


@pytest.mark.parametrize(
    ("status", "exit_file", "outcome"),
    [
        ("Failed", "RELION_JOB_EXIT_FAILURE", "failed"),
        ("Aborted", "RELION_JOB_EXIT_ABORTED", "aborted"),
        ("Failed", "", "failed"),
    ],
)
def test_failed_and_aborted_runs_are_recorded_for_they_cost_money_too(
    tmp_path: Path, status: str, exit_file: str, outcome: str
) -> None:
    body = ELAPSED.format(1800)
    refinement(tmp_path, log(body=body), status=status, exit_file=exit_file)
    record = only(imported(tmp_path))
    assert (record.outcome, record.is_benchmark, record.in_job_s) == (outcome, False, 1800)


def test_what_runs_still_or_has_no_clock_is_left_out_with_the_reason(tmp_path: Path) -> None:
    refinement(tmp_path, log(body=bar(10)), status="Running", exit_file="")
    assert imported(tmp_path).skipped == ((NAME, "it has not ended"),)
    refinement(tmp_path, log())
    assert imported(tmp_path).skipped == ((NAME, "its running time is not recorded"),)
    refinement(tmp_path, ELAPSED.format(9))
    (skipped,) = import_project(tmp_path, StatedFacts(source="a test")).skipped
    assert "--instance-type" in skipped[1]
    assert "--nodes" in skipped[1]


@pytest.mark.parametrize(
    ("gpu_ids", "ranks", "nodes", "gpus"),
    [
        ("0:1:2:3", 33, 8, 32),  # four digits, 32 GPUs
        ("0:1:2:3", 5, 1, 4),
        ("10:11", 3, 1, 2),  # four digits, two GPUs
        ("0,1,2,3", 1, 1, 4),  # threads of one process
        ("0,1:2,3", 3, 1, 4),
        ("0:1:2:3", 3, 1, 2),  # more GPUs than followers
        ("0:0:1:1", 9, 2, 4),  # two ranks on each GPU
        ("0", 3, 1, 1),
        ("", 17, 2, 16),
        ("", 1, 1, 8),
        ("gpu0", 3, 1, None),
    ],
)
def test_gpus_are_not_the_digits_of_gpu_ids(
    gpu_ids: str, ranks: int, nodes: int, gpus: int | None
) -> None:
    per_node = 8 if not gpu_ids else 16
    assert gpus_used(gpu_ids, (nodes, ranks, 8), per_node, leader=True) == gpus


@pytest.mark.parametrize(
    ("gpu_ids", "ranks", "nodes", "gpus"),
    [
        ("0:1:2:3", 4, 1, 4),  # the first rank picks as well
        ("", 4, 1, 4),
        ("", 8, 2, 8),
        ("0:0", 2, 2, 2),
        ("0,1:2,3", 2, 1, 4),
    ],
)
def test_ranks_that_start_another_program_all_count(
    gpu_ids: str, ranks: int, nodes: int, gpus: int
) -> None:
    assert gpus_used(gpu_ids, (nodes, ranks, 1), 4, leader=False) == gpus


def test_the_gpus_of_the_log_count_before_those_of_the_form(tmp_path: Path) -> None:
    """The form says 0:1:2:3; on each of two machines both followers shared one GPU."""
    shared = log(hosts=2, gpus=2).replace("mapped to device 1", "mapped to device 0")
    refinement(tmp_path, shared + ELAPSED.format(1))
    assert only(imported(tmp_path)).gpus == 2


def _submitted(folder: Path, *attempts: tuple[int, int, int]) -> None:
    """Attempts as `gotocloud submit` notes them, with what their scripts wrote."""
    tries = tuple(attempt(number) for number, _, _ in attempts)
    save(
        folder,
        Submission(
            workload="relion", job=f"{NAME}/", label="relion.refine3d", stamp="s", attempts=tries
        ),
    )
    for number, started, ended in attempts:
        control = folder / ".gotocloud" / str(number)
        control.mkdir(parents=True)
        (control / "started").write_text(f"7{number} {started} refine3d-dy-[1-2]\n")
        (control / "ended").write_text(f"0 {ended}\n")


def test_a_job_of_ours_has_its_own_clock_machines_and_price(tmp_path: Path) -> None:
    """The script says 1,000 s of work after 500 s of waiting; the log's lines are older."""
    folder = refinement(tmp_path, log(body=ELAPSED.format(77)))
    _submitted(folder, (1, 1_000_500, 1_001_500))
    record = only(
        gather([tmp_path], StatedFacts(source="a test"), sacct=None, columns={}, constants={})
    )
    assert (record.in_job_s, record.queue_s, record.submit_to_exit_s) == (1000, 500, 1500)
    assert (record.timing, record.nodes, record.instance_type) == (
        "job-script",
        2,
        "g4dn.12xlarge",
    )
    assert record.usd_in_job == pytest.approx(2 * 3.912 * 1000 / 3600)


def test_a_job_lost_on_spot_and_continued_pays_for_both_attempts(tmp_path: Path) -> None:
    folder = refinement(tmp_path, log(body=ELAPSED.format(1200)))
    _submitted(folder, (1, 1_000_500, 1_000_900), (2, 1_002_000, 1_002_700))
    record = only(
        gather([folder], StatedFacts(source="a test"), sacct=None, columns={}, constants={})
    )
    assert (record.in_job_s, record.attempts, record.is_benchmark) == (1100, 2, False)


SACCT = """\
JobID|JobName|Partition|State|Submit|Start|End|NNodes
70|Class2D/job010|class2d|COMPLETED|2026-11-05T09:00:00|2026-11-05T09:10:00|2026-11-05T09:20:00|1
71|Refine3D/job012|refine3d|NODE_FAIL|2026-11-05T10:00:00|2026-11-05T10:20:00|2026-11-05T10:30:00|2
71.batch|batch||CANCELLED|2026-11-05T10:00:00|2026-11-05T10:20:00|2026-11-05T10:30:00|1
71|Refine3D/job012|refine3d|COMPLETED|2026-11-05T10:30:00|2026-11-05T10:45:00|2026-11-05T11:25:00|2
72|Refine3D/job013|refine3d|PENDING|2026-11-05T12:00:00|Unknown|Unknown|2
73|Polish/job020|polish|CANCELLED by 1000|2026-11-05T12:00:00|None|2026-11-05T12:01:00|4
"""


def test_slurms_accounting_gives_times_that_the_log_does_not(tmp_path: Path) -> None:
    """Ten minutes were lost with a node, forty were good; steps and waiting jobs count not."""
    refinement(tmp_path, log())
    runs = parse_sacct(SACCT, "sacct.txt")
    assert [run.job_id for run in runs] == ["70", "71", "71"]
    record = only(imported(tmp_path, slurm=runs))
    assert (record.in_job_s, record.attempts, record.timing) == (3000, 2, "slurm")


def test_one_run_in_slurms_accounting_separates_waiting_from_work(tmp_path: Path) -> None:
    refinement(tmp_path, log())
    text = "\n".join(line for line in SACCT.splitlines() if "NODE_FAIL" not in line)
    record = only(imported(tmp_path, slurm=parse_sacct(text, "sacct.txt")))
    assert (record.in_job_s, record.queue_s, record.submit_to_exit_s) == (2400, 900, 3300)


def test_accounting_that_cannot_be_read_states_every_line(tmp_path: Path) -> None:
    from gotocloud.errors import InputError

    with pytest.raises(InputError, match="NNodes missing"):
        parse_sacct("JobID|JobName|Partition|State|Submit|Start|End\n", "x")
    broken = SACCT + (
        "74|a|b|COMPLETED|2026-11-05T10:00:00|2026-11-05T11:00:00|2026-11-05T10:00:00|1\n"
        "75|a|b|COMPLETED|x|5 o'clock|2026-11-05T10:00:00|1\n"
        "76|a|b\n"
        "77|a|b|COMPLETED|Unknown|2026-11-05T10:00:00|2026-11-05T11:00:00|0\n"
    )
    with pytest.raises(InputError) as caught:
        parse_sacct(broken, "sacct.txt")
    for said in (
        "line 8: job 74 ends before it starts",
        'line 9: Start "5 o\'clock" is no time',
        "line 10: 3 cells, the header has 8",
        "line 11: job 77 has '0' nodes",
    ):
        assert said in str(caught.value)


def test_the_exit_time_of_this_project_is_what_the_tests_assume() -> None:
    assert (EXITED - datetime(2026, 11, 5, 10)).total_seconds() == 5400
